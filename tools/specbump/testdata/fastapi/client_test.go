package feather_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/featherhq/feather-go"
	"github.com/google/uuid"
)

func client(t *testing.T) *feather.ClientWithResponses {
	c, err := feather.NewClientWithResponses(os.Getenv("FASTAPI_URL"), feather.WithAPIKey("fth_live_0123456789"),
		feather.WithMaxRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ptr[T any](v T) *T { return &v }

func either(t *testing.T, v int) *feather.ChangeEither {
	var u feather.ChangeEither
	if err := u.FromChangeEitherInt(v); err != nil {
		t.Fatal(err)
	}
	return &u
}

// TestFastAPISees sends each kind of value as absent, null, empty, zero and something.
func TestFastAPISees(t *testing.T) {
	manager := uuid.MustParse("0190a5b4-0000-7000-8000-000000000001")
	since := time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC)
	tests := []struct {
		body feather.Change
		raw  string
		set  string
	}{
		{feather.Change{}, `{}`, ""},
		{feather.Change{Name: feather.Null[*string]()}, `{"name":null}`, "name"},
		{feather.Change{Name: ptr("")}, `{"name":""}`, "name"},
		{feather.Change{Name: ptr("x")}, `{"name":"x"}`, "name"},
		{feather.Change{Limit: feather.Null[*int]()}, `{"limit":null}`, "limit"},
		{feather.Change{Limit: ptr(0)}, `{"limit":0}`, "limit"},
		{feather.Change{Price: feather.Null[*float64]()}, `{"price":null}`, "price"},
		{feather.Change{Price: ptr(20481234.56)}, `{"price":20481234.56}`, "price"},
		{feather.Change{Manager: feather.Null[*uuid.UUID]()}, `{"manager":null}`, "manager"},
		{feather.Change{Manager: &manager}, `{"manager":"` + manager.String() + `"}`, "manager"},
		{feather.Change{Tags: feather.Null[[]string]()}, `{"tags":null}`, "tags"},
		{feather.Change{Tags: []string{}}, `{"tags":[]}`, "tags"},
		{feather.Change{Tags: []string{"a"}}, `{"tags":["a"]}`, "tags"},
		{feather.Change{Labels: []string{}}, `{"labels":[]}`, "labels"},
		{feather.Change{Counts: feather.Null[map[string]int]()}, `{"counts":null}`, "counts"},
		{feather.Change{Counts: map[string]int{}}, `{"counts":{}}`, "counts"},
		{feather.Change{Counts: map[string]int{"a": 0}}, `{"counts":{"a":0}}`, "counts"},
		{feather.Change{Report: feather.Null[*feather.Report]()}, `{"report":null}`, "report"},
		{feather.Change{Report: &feather.Report{}}, `{"report":{"rows":0}}`, "report"},
		{feather.Change{Since: feather.Null[*time.Time]()}, `{"since":null}`, "since"},
		{feather.Change{Since: &since}, `{"since":"2026-01-02T03:04:05.123456Z"}`, "since"},
		{
			feather.Change{Nested: &feather.Change{Name: feather.Null[*string](), Tags: []string{}}},
			`{"nested":{"name":null,"tags":[]}}`,
			"nested",
		},
		{
			feather.Change{List: []feather.Change{{}, {Limit: feather.Null[*int]()}}},
			`{"list":[{},{"limit":null}]}`,
			"list",
		},
		{feather.Change{Either: feather.Null[*feather.ChangeEither]()}, `{"either":null}`, "either"},
		{feather.Change{Either: either(t, 7)}, `{"either":7}`, "either"},
		{
			feather.Change{Extra: map[string]any{"n": json.Number("9007199254740993")}},
			`{"extra":{"n":9007199254740993}}`,
			"extra",
		},
	}
	for _, tt := range tests {
		rsp, err := client(t).ChangeProfileWithResponse(t.Context(), manager, tt.body)
		if err != nil {
			t.Errorf("%s: %v", tt.raw, err)
			continue
		}
		if !same(rsp.JSON200.Raw, tt.raw) || strings.Join(rsp.JSON200.Set, " ") != tt.set {
			t.Errorf("sent %s (set: %s), want %s", rsp.JSON200.Raw, rsp.JSON200.Set, tt.raw)
		}
	}
	for want, order := range map[string]feather.Order{
		`{"items":[],"maybe":null,"notes":{},"zone":"GMT-1"}`:          {Zone: feather.ZoneGMTMinus1},
		`{"items":["a"],"maybe":[],"notes":{"b":"c"},"zone":"GMT+11"}`: {Items: []string{"a"}, Maybe: []string{}, Notes: map[string]string{"b": "c"}, Zone: feather.ZoneGMT11},
	} {
		rsp, err := client(t).MakeOrderWithResponse(t.Context(), order)
		if err != nil || !same(rsp.JSON201.Raw, want) {
			t.Errorf("%s: %+v, %v", want, rsp, err)
		}
	}
}

func same(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y) &&
		strings.Contains(a, "9007199254740993") == strings.Contains(b, "9007199254740993")
}

func TestFastAPISends(t *testing.T) {
	rsp, err := client(t).ReadValuesWithResponse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := rsp.JSON200
	naive := time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC)
	got := fmt.Sprintln(v.Price, v.MadeAt, v.Samples, v.ByDay, v.Naive.Equal(naive), v.Aware.Format(time.RFC3339),
		v.Day, v.LooksLikeATime, v.Anything, v.Free, v.Total, v.Zone == feather.ZoneGMTMinus1, v.None == nil,
		len(v.Empty))
	want := "2.048123456e+07 1.76410440525e+09 [1.6777217e+07 0.30000000000000004 1e+39] map[mon:123456.789] true 2026-01-02T03:04:05+05:30 2026-01-02 2026-01-02 03:04 " +
		"9007199254740993 map[big:9007199254740993 list:[1 2026-01-02T03:04:05]] 12.5 true true 0"
	if got != want+"\n" {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	found, err := client(
		t,
	).SearchWithResponse(t.Context(), &feather.SearchParams{AtMost: ptr(16777217.0), Zone: ptr(feather.ZoneGMTPlus1), Tag: []string{"a", "b c"}})
	if err != nil || fmt.Sprint(*found.JSON200) != "map[at_most:16777217.0 tag:[a b c] zone:GMT+1]" {
		t.Errorf("%v, %v", found, err)
	}
}

func TestFastAPIResponsesThatAreNoErrors(t *testing.T) {
	none, err := client(t).LatestWithResponse(t.Context(), nil)
	if err != nil || none.JSON200 != nil || string(none.Body) != "null" {
		t.Errorf("null: %+v, %v", none, err)
	}
	some, err := client(t).LatestWithResponse(t.Context(), &feather.LatestParams{There: ptr(true)})
	if err != nil || some.JSON200 == nil || some.JSON200.Rows != 0 {
		t.Errorf("zeros: %+v, %v", some, err)
	}
	reports, err := client(t).ReportsWithResponse(t.Context())
	if err != nil || fmt.Sprint(*reports.JSON200) != "[{1} {0} {0} {0}]" ||
		fmt.Sprint(reports.Missing()) != "[[1].rows [2].rows]" {
		t.Errorf("missing members: %+v, %v", reports, err)
	}
	if missing := some.Missing(); len(missing) != 0 {
		t.Errorf("missing: %q", missing)
	}
	for _, status := range []int{200, 204} {
		rsp, err := client(t).ForgetWithResponse(t.Context(), &feather.ForgetParams{Status: &status})
		if err != nil || rsp.StatusCode() != status {
			t.Errorf("%d: %v", status, err)
		}
	}
	export, err := client(t).ExportWithResponse(t.Context())
	if err != nil || string(export.Body) != "a,b\n1,2\n" {
		t.Errorf("a file: %+v, %v", export, err)
	}
	var types []string
	for event, err := range feather.Stream(client(t).Events(t.Context(), feather.RequireEvent("complete"))) {
		if err != nil {
			t.Error(err)
		}
		types = append(types, event.Type)
	}
	if fmt.Sprint(types) != "[delta complete]" {
		t.Errorf("a stream: %q", types)
	}
}

func TestFastAPINothingIsLost(t *testing.T) {
	for kind, want := range map[string]string{
		"type":   "201 Created: the response does not fit the declared type: rows is a string, not int",
		"null":   "201 Created: the response is null",
		"status": "202 Accepted: the API document does not declare this status",
		"empty":  "204 No Content: the API document does not declare this status",
		"text":   `201 Created: the content type is "text/plain`,
		"half":   "201 Created: the response does not fit the declared type: the body is not JSON",
		"br":     `201 Created: the response is compressed with "br"`,
	} {
		rsp, err := client(t).MakeKeyWithResponse(t.Context(), &feather.MakeKeyParams{Kind: kind})
		decodeErr, ok := errors.AsType[*feather.DecodeError](err)
		if !ok || rsp == nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if !strings.HasPrefix(err.Error(), "feather: POST /v1/keys: "+want) || strings.Contains(err.Error(), "secret") ||
			decodeErr.RequestID != "req-7" || string(decodeErr.Body) != string(rsp.Body) || rsp.HTTPResponse == nil ||
			decodeErr.Operation != "MakeKey" ||
			rsp.StatusCode() != decodeErr.StatusCode ||
			errors.Is(err, feather.ErrNotSent) {
			t.Errorf("%s: %v", kind, err)
		}
		if kind != "empty" && kind != "null" && kind != "status" &&
			!strings.Contains(string(rsp.Body), "secret-of-a-n") {
			t.Errorf("%s: the body %q is lost", kind, rsp.Body)
		}
	}
}

func TestFastAPITakesFilesAndForms(t *testing.T) {
	pipe, writer := io.Pipe()
	go func() { _, _ = writer.Write(make([]byte, 5<<20)); _ = writer.Close() }()
	file := feather.File{Name: "a.csv", ContentType: "text/csv", Reader: pipe}
	rsp, err := client(t).UploadDocumentWithMultipartBodyWithResponse(t.Context(), "in box",
		feather.UploadDocumentBody{File: file, Note: ptr("é"), Tags: []string{"x", "y"}, Copies: ptr(3)})
	want := "map[copies:3 folder:in box name:a.csv note:é size:5242880 tags:[x y] type:text/csv]"
	if err != nil || fmt.Sprint(*rsp.JSON201) != want {
		t.Errorf("%+v, %v", rsp, err)
	}
	login, err := client(
		t,
	).LoginWithFormdataBodyWithResponse(t.Context(), feather.LoginBody{User: "a&b", Remember: ptr(true)})
	if err != nil || fmt.Sprint(*login.JSON200) != "map[remember:true user:a&b]" {
		t.Errorf("%+v, %v", login, err)
	}
}

func TestFastAPIErrors(t *testing.T) {
	for kind, want := range map[string]string{
		"text":   "409 Conflict: no such thing",
		"object": "409 Conflict: gone: It is gone (retry after 2s)",
		"list":   `409 Conflict: first; {"second":2}`,
		"other":  "500 Internal Server Error: Internal Server Error",
	} {
		_, err := client(t).FailWithResponse(t.Context(), &feather.FailParams{Kind: kind})
		apiErr, ok := errors.AsType[*feather.APIError](err)
		if !ok || err.Error() != "feather: GET /v1/fail: "+want {
			t.Errorf("%s: %v", kind, err)
		}
		if ok && kind == "object" &&
			(apiErr.Code != "gone" || apiErr.Message != "It is gone" || apiErr.RetryAfter != 2*time.Second) {
			t.Errorf("%#v", apiErr)
		}
	}
	_, err := client(
		t,
	).MakeOrderWithBodyWithResponse(t.Context(), "application/json", strings.NewReader(`{"items": [9007199254740993]}`))
	apiErr, ok := errors.AsType[*feather.APIError](err)
	if !ok || apiErr.StatusCode != http.StatusUnprocessableEntity || len(apiErr.Validation) != 3 {
		t.Errorf("%v", err)
	}
}
