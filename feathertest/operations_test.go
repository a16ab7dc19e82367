package feathertest

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/featherhq/feather-go"
)

// laterSpec has what today's document has not: parameters in the query and in
// headers, nested models, another place for the key, and a route beside one with
// a parameter. VERSION is that of OpenAPI.
const laterSpec = `{
  "openapi": "VERSION",
  "info": {"title": "Later", "version": "2"},
  "paths": {
    "/v1/things/{thing_id}": {
      "get": {
        "parameters": [
          {"name": "thing_id", "in": "path", "required": true, "schema": {"type": "integer"}},
          {"name": "limit", "in": "query", "required": true, "schema": {"type": "integer", "maximum": 10}},
          {"name": "x-tenant", "in": "header", "required": true, "schema": {"type": "string", "maxLength": 3}}
        ],
        "responses": {"200": {"description": "ok"}},
        "security": [{"QueryKey": []}]
      }
    },
    "/v1/things/recent": {"get": {"responses": {"200": {"description": "ok"}}}},
    "/v1/things": {
      "post": {
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
        "responses": {"200": {"description": "ok"}}
      }
    }
  },
  "components": {
    "schemas": {
      "Thing": {"type": "object", "required": ["name", "parts"], "properties": {
        "name": {"type": "string"},
        "color": {"type": "string", "enum": ["red", "blue"]},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}}}},
      "Part": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "format": "uuid"}}}
    },
    "securitySchemes": {"QueryKey": {"type": "apiKey", "in": "query", "name": "key"}}
  }
}`

// TestEveryOperationOfALaterSpecIsChecked runs the server on another document, in
// both versions of OpenAPI, which take different ways through the checks.
func TestEveryOperationOfALaterSpecIsChecked(t *testing.T) {
	tests := []struct {
		name, method, path, tenant, body string

		status int
		want   []string // in the answer
	}{
		{"an operation without a reply", "GET", "/v1/things/7?limit=3&key=k", "abc", "", 501, []string{`server.HandleFunc(\"GET /v1/things/{thing_id}\"`}},
		{"the route beside the parameter", "GET", "/v1/things/recent", "", "", 501, []string{`GET /v1/things/recent`}},
		{"no key in the query", "GET", "/v1/things/7?limit=3", "abc", "", 401, []string{`{"detail":"Not authenticated"}`}},
		{"parameters that are wrong", "GET", "/v1/things/x?limit=y&key=k", "abcd", "", 422, []string{`"loc":["path","thing_id"]`, `"loc":["query","limit"]`, `"loc":["header","x-tenant"]`}},
		{"parameters that are missing", "GET", "/v1/things/7?key=k", "", "", 422, []string{`{"type":"missing","loc":["query","limit"],"msg":"Field required"`, `{"type":"missing","loc":["header","x-tenant"],"msg":"Field required"`}},
		{"a parameter out of its range", "GET", "/v1/things/7?limit=11&key=k", "abc", "", 422, []string{`"loc":["query","limit"]`, `"msg":"Value error, `}},
		{"a valid body", "POST", "/v1/things", "", `{"name": "n", "parts": [{"id": "7d444840-9dc0-11d1-b245-5ffdce74fad2"}]}`, 501, nil},
		{"members that are missing", "POST", "/v1/things", "", `{}`, 422, []string{`{"type":"missing","loc":["body","name"],"msg":"Field required"`, `{"type":"missing","loc":["body","parts"],"msg":"Field required"`}},
		{"a nested member that is wrong", "POST", "/v1/things", "", `{"name": "n", "parts": [{"id": "7d444840-9dc0-11d1-b245-5ffdce74fad2"}, {"id": "x"}]}`, 422, []string{`{"type":"uuid_parsing","loc":["body","parts",1,"id"]`}},
		{"a nested member that is missing", "POST", "/v1/things", "", `{"name": "n", "parts": [{}]}`, 422, []string{`{"type":"missing","loc":["body","parts",0,"id"]`}},
		{"a value that is not in the list", "POST", "/v1/things", "", `{"name": "n", "parts": [], "color": "green"}`, 422, []string{`"loc":["body","color"]`, `"input":"green"`}},
		{"a null", "POST", "/v1/things", "", `{"name": null, "parts": []}`, 422, []string{`{"type":"string_type","loc":["body","name"]`}},
	}
	for _, version := range []string{"3.0.3", "3.1.0"} {
		router, err := newRouter([]byte(strings.Replace(laterSpec, "VERSION", version, 1)))
		if err != nil {
			t.Fatal(err)
		}
		server := newServer(t, router)
		t.Cleanup(server.Close)
		for _, tt := range tests {
			t.Run(version+", "+tt.name, func(t *testing.T) {
				req, err := http.NewRequestWithContext(t.Context(), tt.method, server.URL+tt.path, strings.NewReader(tt.body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/json")
				if tt.tenant != "" {
					req.Header.Set("x-tenant", tt.tenant)
				}
				rsp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer rsp.Body.Close()
				body, _ := io.ReadAll(rsp.Body)
				if rsp.StatusCode != tt.status {
					t.Errorf("status %d, want %d: %s", rsp.StatusCode, tt.status, body)
				}
				for _, want := range tt.want {
					if !strings.Contains(string(body), want) {
						t.Errorf("no %s in %s", want, body)
					}
				}
			})
		}
		server.Reply(feather.Event{Data: "scripted"})
		rsp, err := http.Get(server.URL + "/v1/things/recent")
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(rsp.Body); string(body) != "data: scripted\n\n" {
			t.Errorf("scripted: %s", body)
		}
		rsp.Body.Close()
	}
}
