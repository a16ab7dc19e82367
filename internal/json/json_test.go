package json_test

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featherhq/feather-go/internal/json"
	"github.com/oapi-codegen/runtime/types"
)

// body has a field of each kind, as the generator writes them.
type body struct {
	Req     string            `json:"req"`
	Text    *string           `json:"text,omitempty"`
	Number  *float64          `json:"number,omitempty"`
	List    []string          `json:"list,omitzero"`
	Map     map[string]int    `json:"map,omitzero"`
	ReqList []string          `json:"req_list"`
	ReqMap  map[string]string `json:"req_map"`
	NilList []string          `json:"nil_list" nullable:"true"`
	Inner   *body             `json:"inner,omitempty"`
	Items   []body            `json:"items,omitzero"`
	ByName  map[string]body   `json:"by_name,omitzero"`
	Mail    *types.Email      `json:"mail,omitempty"`
	At      *time.Time        `json:"at,omitempty"`
	Union   *union            `json:"union,omitempty"`
	Any     any               `json:"any,omitempty"`
	Bytes   []byte            `json:"bytes,omitzero"`
}

// union is what the generator makes of one.
type union struct{ union json.RawMessage }

func (u union) MarshalJSON() ([]byte, error) { return u.union.MarshalJSON() }

func unionOf(v any) *union {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return &union{data}
}

func TestAbsentNullEmptyZeroAndValue(t *testing.T) {
	text, empty, zero, number := "x", "", 0.0, 20481234.56
	const required = `"req":"","req_list":[],"req_map":{},"nil_list":null`
	with := func(more string) string {
		return strings.Replace("{"+required+"}", `"req":"",`, `"req":"",`+more, 1)
	}
	after := func(more string) string { return "{" + required + "," + more + "}" }
	tests := []struct {
		name string
		body body
		want string
	}{
		{"absent", body{}, "{" + required + "}"},
		{"a null", body{Text: json.Null[*string]()}, with(`"text":null,`)},
		{"an empty text", body{Text: &empty}, with(`"text":"",`)},
		{"a text", body{Text: &text}, with(`"text":"x",`)},
		{"a null number", body{Number: json.Null[*float64]()}, with(`"number":null,`)},
		{"zero", body{Number: &zero}, with(`"number":0,`)},
		{"a number", body{Number: &number}, with(`"number":20481234.56,`)},
		{"a null list", body{List: json.Null[[]string]()}, with(`"list":null,`)},
		{"an empty list", body{List: []string{}}, with(`"list":[],`)},
		{"a list", body{List: []string{"a"}}, with(`"list":["a"],`)},
		{"a null map", body{Map: json.Null[map[string]int]()}, with(`"map":null,`)},
		{"an empty map", body{Map: map[string]int{}}, with(`"map":{},`)},
		{"a map", body{Map: map[string]int{"b": 1, "a": 0}}, with(`"map":{"a":0,"b":1},`)},
		{"a null object", body{Inner: json.Null[*body]()}, after(`"inner":null`)},
		{
			"a null in an object",
			body{Inner: &body{Text: json.Null[*string]()}},
			after(`"inner":` + with(`"text":null,`)),
		},
		{
			"a null in a list",
			body{Items: []body{{}, {List: json.Null[[]string]()}}},
			after(`"items":[{` + required + `},` + with(`"list":null,`) + `]`),
		},
		{
			"a null in a map",
			body{ByName: map[string]body{"a": {Text: json.Null[*string]()}}},
			after(`"by_name":{"a":` + with(`"text":null,`) + `}`),
		},
		{"a null of a type that refuses its zero", body{Mail: json.Null[*types.Email]()}, after(`"mail":null`)},
		{"a null time", body{At: json.Null[*time.Time]()}, after(`"at":null`)},
		{"a null union", body{Union: json.Null[*union]()}, after(`"union":null`)},
		{
			"a null through a union",
			body{Union: unionOf(body{Text: json.Null[*string]()})},
			after(`"union":` + with(`"text":null,`)),
		},
		{"an exact number", body{Any: stdjson.Number("9007199254740993")}, after(`"any":9007199254740993`)},
		{"a null in free-form JSON", body{Any: map[string]any{"a": json.Null[*string]()}}, after(`"any":{"a":null}`)},
		{"no bytes", body{Bytes: []byte{}}, after(`"bytes":""`)},
	}
	for _, tt := range tests {
		for _, value := range []any{tt.body, &tt.body} {
			got, err := json.Marshal(value)
			if err != nil || string(got) != tt.want {
				t.Errorf("%s:\n%s, %v, want\n%s", tt.name, got, err, tt.want)
			}
		}
	}
}

func TestMarshalIsEncodingJSONWithoutSuchFields(t *testing.T) {
	type plain struct {
		A  string            `json:"a"`
		B  *int              `json:"b,omitempty"`
		C  []string          `json:"c,omitempty"`
		D  map[string]string `json:"d"`
		At time.Time         `json:"at"`
		No int               `json:"-"`
		E  []*plain
	}
	for _, value := range []any{
		plain{D: map[string]string{"<": "&"}, E: []*plain{nil}}, 7, "x", nil, []int{1}, true, map[string]any{"a": 1.5}, &plain{E: []*plain{}, D: map[string]string{}},
	} {
		got, err := json.Marshal(value)
		want, wantErr := stdjson.Marshal(value)
		if string(got) != string(want) || err != nil || wantErr != nil {
			t.Errorf("%#v: %s, %v, want %s", value, got, err, want)
		}
	}
	for _, root := range []any{[]string(nil), map[string]int(nil), [][]int{nil}} {
		if got, err := json.Marshal(root); err != nil || strings.Contains(string(got), "null") {
			t.Errorf("%#v: %s, %v", root, got, err)
		}
	}
}

type embedded struct {
	Inner *string `json:"inner,omitempty"`
	At    time.Time
}

// byHand is a type of somebody who makes a call with Client.Request.
type byHand struct {
	embedded
	Plain  *string        `json:",omitempty"`
	Quoted int            `json:"quoted,string"`
	ByNum  map[int]*int   `json:"by_num"`
	Array  [2]int         `json:"array"`
	Hidden map[string]any `json:"-"`
}

func TestTypesWrittenByHandFollowEncodingJSON(t *testing.T) {
	one := 1
	value := byHand{Quoted: 7, ByNum: map[int]*int{10: &one, 9: json.Null[*int]()}}
	value.Inner, value.Plain = json.Null[*string](), json.Null[*string]()
	want := `{"inner":null,"At":"0001-01-01T00:00:00Z","Plain":null,"quoted":"7","by_num":{"10":1,"9":null},"array":[0,0]}`
	if got, err := json.Marshal(value); err != nil || string(got) != want {
		t.Errorf("%s, %v, want\n%s", got, err, want)
	}
	var read byHand
	if err := json.Unmarshal([]byte(`{"at": "2026-01-02 03:04:05", "PLAIN": "x"}`), &read); err != nil ||
		read.At.Year() != 2026 ||
		*read.Plain != "x" {
		t.Errorf("%+v, %v", read, err)
	}
}

func TestNullIsOneValueForEachType(t *testing.T) {
	type empty struct{}
	first, second := json.Null[*string](), json.Null[*string]()
	if first != second || json.Null[*empty]() == nil || json.Null[[]int]() == nil ||
		json.Null[map[string]int]() == nil {
		t.Error("Null")
	}
	if longer := append(json.Null[[]string](), "a"); len(longer) != 1 {
		t.Errorf("%q", longer)
	} else if got, _ := json.Marshal(longer); string(got) != `["a"]` {
		t.Errorf("after append: %s", got)
	}
	if got, _ := json.Marshal([]*empty{{}, json.Null[*empty]()}); string(got) != "[{},null]" {
		t.Errorf("%s", got)
	}
	defer func() {
		if said := fmt.Sprint(recover()); !strings.HasPrefix(said, "feather: Null[string]: ") {
			t.Errorf("panic %s", said)
		}
	}()
	json.Null[string]()
}

func TestPythonsTimesAreRead(t *testing.T) {
	type model struct {
		At    time.Time            `json:"at"`
		Maybe *time.Time           `json:"maybe"`
		Day   types.Date           `json:"day"`
		Text  string               `json:"text"`
		List  []time.Time          `json:"list"`
		ByDay map[string]time.Time `json:"by_day"`
		Any   any                  `json:"any"`
		Inner *model               `json:"inner"`
	}
	for text, want := range map[string]string{
		"2026-01-02T03:04:05.123456":       "2026-01-02T03:04:05.123456Z",
		"2026-01-02T03:04:05":              "2026-01-02T03:04:05Z",
		"2026-01-02 03:04:05":              "2026-01-02T03:04:05Z",
		"2026-01-02 03:04:05.5+00:00":      "2026-01-02T03:04:05.5Z",
		"2026-01-02T03:04:05+0000":         "2026-01-02T03:04:05Z",
		"2026-01-02T03:04:05+00":           "2026-01-02T03:04:05Z",
		"2026-01-02T03:04:05-0130":         "2026-01-02T03:04:05-01:30",
		"2026-01-02T03:04":                 "2026-01-02T03:04:00Z",
		"2026-01-02T03:04Z":                "2026-01-02T03:04:00Z",
		"2026-01-02t03:04:05z":             "2026-01-02T03:04:05Z",
		"2026-01-02":                       "2026-01-02T00:00:00Z",
		"2026-01-02T03:04:05Z":             "2026-01-02T03:04:05Z",
		"2026-01-02T03:04:05.123456+05:30": "2026-01-02T03:04:05.123456+05:30",
	} {
		data := strings.ReplaceAll(
			`{"at": "T", "maybe": "T", "day": "T", "text": "T", "list": ["T"], "by_day": {"a": "T"}, "any": "T", "inner": {"at": "T"}}`,
			"T",
			text,
		)
		var m model
		if err := json.Unmarshal([]byte(data), &m); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, at := range []time.Time{m.At, *m.Maybe, m.List[0], m.ByDay["a"], m.Inner.At} {
			if got := at.Format(time.RFC3339Nano); got != want {
				t.Errorf("%s: %s, want %s", text, got, want)
			}
		}
		if m.Text != text || m.Any != any(text) || m.Day.String() != "2026-01-02" {
			t.Errorf("%s: text %s, any %v, day %s", text, m.Text, m.Any, m.Day)
		}
	}
	for _, text := range []string{"yesterday", "2026-13-45T00:00:00", "2026-01-02T99:00"} {
		var m model
		if err := json.Unmarshal([]byte(`{"at": "`+text+`"}`), &m); err == nil {
			t.Errorf("%s: %v", text, m.At)
		}
	}
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	const text = `{"a":9007199254740993,"b":[0.1,1e400,-0],"c":{"d":123456789012345678901234567890}}`
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	if got, err := json.Marshal(v); err != nil || string(got) != text {
		t.Errorf("%s, %v", got, err)
	}
}

func TestMismatchNamesThePart(t *testing.T) {
	type item struct {
		At time.Time `json:"at"`
		N  *int      `json:"n"`
	}
	type model struct {
		Items []item          `json:"items"`
		By    map[string]item `json:"by"`
	}
	for data, want := range map[string]string{
		`{"items": [{}, {"at": "secret"}]}`: "items[1].at is a string, not time.Time",
		`{"by": {"k": {"n": "secret"}}}`:    "by.k.n is a string, not int",
		`{"by": []}`:                        "by is a list, not map[string]json_test.item",
		`[]`:                                "the body is a list, not json_test.model",
		`{`:                                 "the body is not JSON",
		`{"items": [{"n": 1.5}]}`:           "items[0].n is a number, not int",
		`{"items": [{"n": true}]}`:          "items[0].n is a boolean, not int",
	} {
		if err := json.Unmarshal([]byte(data), new(model)); err == nil {
			t.Errorf("%s: no error", data)
		}
		if got := json.Mismatch([]byte(data), reflect.TypeFor[model]()); got != want {
			t.Errorf("%s: %s, want %s", data, got, want)
		}
	}
}

func TestTextThatIsCutIsASyntaxError(t *testing.T) {
	for _, data := range []string{"", "{", `{"a": 1`, "1 2", "tru"} {
		err := json.Unmarshal([]byte(data), new(any))
		if _, ok := errors.AsType[*stdjson.SyntaxError](err); !ok {
			t.Errorf("%q: %v", data, err)
		}
	}
}

func TestMissingMembers(t *testing.T) {
	type item struct {
		Rows  int      `json:"rows"`
		Null  *int     `json:"null"`
		List  []string `json:"list"`
		Maybe []string `json:"maybe" nullable:"true"`
		Left  *int     `json:"left,omitempty"`
		Any   any      `json:"any"`
	}
	type model struct {
		Items []item          `json:"items"`
		By    map[string]item `json:"by,omitzero"`
		Inner *item           `json:"inner,omitempty"`
	}
	const whole = `{"rows": 0, "null": null, "list": [], "maybe": null, "any": null}`
	for data, want := range map[string]string{
		`{"items": [` + whole + `]}`:     "[]",
		`{"items": []}`:                  "[]",
		`{}`:                             "[items]",
		`{"items": null}`:                "[items]",
		`{"items": [` + whole + `, {}]}`: "[items[1].rows items[1].null items[1].list items[1].maybe items[1].any]",
		`{"items": [], "by": {"k": {}}}`: "[by.k.rows by.k.null by.k.list by.k.maybe by.k.any]",
		`{"items": [], "inner": {"rows": null, "list": null, "null": 1, "maybe": [], "any": 1}}`: "[inner.rows inner.list]",
		`[]`: "[]",
	} {
		if got := fmt.Sprint(slices.Collect(json.Missing([]byte(data), reflect.TypeFor[model]()))); got != want {
			t.Errorf("%s: %s, want %s", data, got, want)
		}
	}
}

// TestValueThatContainsItselfIsAnError would overflow the stack, which no recover catches.
func TestValueThatContainsItselfIsAnError(t *testing.T) {
	type node struct {
		Next *node `json:"next"`
		List []int `json:"list"`
	}
	circle := &node{}
	circle.Next = circle
	withItself := map[string]any{}
	withItself["a"] = withItself
	for name, v := range map[string]any{"a map": withItself, "a pointer": circle} {
		if _, err := json.Marshal(v); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
