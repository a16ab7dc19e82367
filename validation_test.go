package feather_test

import (
	"encoding/json"
	"testing"

	"github.com/featherhq/feather-go"
)

func TestValidationErrorsAcceptEveryJSON(t *testing.T) {
	tests := []struct{ json, want string }{
		{`null`, ""},
		{`[]`, ""},
		{`"text"`, "text"},
		{`{"a":1}`, `{"a":1}`},
		{`7`, "7"},
		{`[{"loc":["body",0],"msg":"m","type":"t"}]`, "body[0]: m"},
		{`[{"loc":[],"msg":"m","type":"t"}]`, "m"},
		{`[{"loc":[0,"a",null,1.5],"msg":"m","type":"t"}]`, "[0].a.null.1.5: m"},
	}
	for _, tt := range tests {
		var model struct{ Detail feather.ValidationErrors }
		if err := json.Unmarshal([]byte(`{"detail":`+tt.json+`}`), &model); err != nil {
			t.Errorf("%s: %v", tt.json, err)
		}
		if got := model.Detail.String(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.json, got, tt.want)
		}
	}
}

func TestLocationPartIsATextOrANumber(t *testing.T) {
	for part, want := range map[feather.LocationPart]string{{Name: "a"}: `"a"`, {Index: 3}: `3`, {}: `0`, {Name: "3"}: `"3"`} {
		text, err := json.Marshal(part)
		if string(text) != want || err != nil {
			t.Errorf("%+v is %s, %v", part, text, err)
		}
		var again feather.LocationPart
		if err := json.Unmarshal(text, &again); again != part || err != nil {
			t.Errorf("%s is %+v, %v; want %+v", text, again, err, part)
		}
	}
}
