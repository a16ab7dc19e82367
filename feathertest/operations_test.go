package feathertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/featherhq/feather-go"
)

// laterSpec has what today's document does not have: parameters in the query and in
// headers, nested models, another place for the key, paths that http.ServeMux finds in
// conflict, and responses with a schema. VERSION is that of OpenAPI.
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
      },
      "delete": {"parameters": [{"name": "thing_id", "in": "path", "required": true, "schema": {"type": "integer"}}], "responses": {"204": {"description": "gone"}}}
    },
    "/v1/things/{thing_id}/watch": {"get": {"parameters": [{"name": "thing_id", "in": "path", "required": true, "schema": {"type": "integer"}}],
      "responses": {"200": {"description": "ok", "content": {"text/event-stream": {"itemSchema": {"type": "object", "required": ["data"], "properties": {
        "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": {"$ref": "#/components/schemas/Part"}}}}}}}}}},
    "/v1/things/lines": {"get": {"responses": {"200": {"description": "ok", "content": {"application/jsonl": {"itemSchema": {"$ref": "#/components/schemas/Part"}}}}}}},
    "/v1/things/recent": {"get": {"responses": {"200": {"description": "ok"}}}},
    "/v1/things/{thing_id}/parts/{part_id}": {"get": {"responses": {"200": {"description": "ok", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Part"}}, "application/x-ndjson": {"schema": {"$ref": "#/components/schemas/Part"}}}}}}},
    "/v1/things/parts/{part_id}/colors": {"get": {"responses": {"200": {"description": "ok", "content": {"application/json": {"schema": {"type": "array", "items": {"type": "string"}}}}}}}},
    "/v1/things": {
      "post": {
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
        "responses": {"200": {"description": "ok"}}
      }
    }
  },
  "components": {
    "schemas": {
      "Thing": {"type": "object", "required": ["id", "name", "parts"], "properties": {
        "id": {"type": "string", "readOnly": true},
        "name": {"type": "string"},
        "color": {"type": "string", "enum": ["red", "blue"]},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}}}},
      "Part": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "format": "uuid"}, "size": {"type": "integer"}}}
    },
    "securitySchemes": {"QueryKey": {"type": "apiKey", "in": "query", "name": "key"}}
  }
}`

func later(t *testing.T, version string) *document {
	t.Helper()
	document, err := readDocument([]byte(strings.Replace(laterSpec, "VERSION", version, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// TestEveryOperationOfALaterSpecIsChecked runs the server on another document, in
// both versions of OpenAPI, which take different ways through the checks.
func TestEveryOperationOfALaterSpecIsChecked(t *testing.T) {
	tests := []struct {
		name, method, path, tenant, body string

		status int
		want   []string // in the response
	}{
		{
			name: "an operation without declared content", method: "GET", path: "/v1/things/7?limit=3&key=k",
			tenant: "abc", status: 200, want: []string{"event: complete"},
		},
		{
			name: "the path beside the parameter", method: "GET", path: "/v1/things/recent", status: 200,
			want: []string{"event: complete"},
		},
		{name: "another method of the path with the parameter", method: "DELETE", path: "/v1/things/7", status: 204},
		{
			name: "a method that only a path with a parameter has", method: "DELETE",
			path: "/v1/things/recent", status: 422, want: []string{`"loc":["path","thing_id"]`},
		},
		{name: "a method that no path has", method: "PATCH", path: "/v1/things/recent", status: 405},
		{
			name: "one of two paths that fit in part", method: "GET", path: "/v1/things/8/parts/9",
			status: 200, want: []string{`{"id":"0190a5b4`},
		},
		{name: "the other one", method: "GET", path: "/v1/things/parts/9/colors", status: 200, want: []string{`[]`}},
		{
			name: "no key in the query", method: "GET", path: "/v1/things/7?limit=3", tenant: "abc",
			status: 401, want: []string{`{"detail":"Not authenticated"}`},
		},
		{
			name: "parameters that are wrong", method: "GET", path: "/v1/things/x?limit=y&key=k",
			tenant: "abcd", status: 422,
			want: []string{`"loc":["path","thing_id"]`, `"loc":["query","limit"]`, `"loc":["header","x-tenant"]`},
		},
		{
			name: "parameters that are missing", method: "GET", path: "/v1/things/7?key=k", status: 422,
			want: []string{
				`{"type":"missing","loc":["query","limit"],"msg":"Field required"`,
				`{"type":"missing","loc":["header","x-tenant"],"msg":"Field required"`,
			},
		},
		{
			name: "a parameter out of its range", method: "GET", path: "/v1/things/7?limit=11&key=k",
			tenant: "abc", status: 422, want: []string{`"loc":["query","limit"]`, `"msg":"Value error, `},
		},
		{
			name: "a valid body", method: "POST", path: "/v1/things",
			body: `{"name": "n", "parts": [{"id": "7d444840-9dc0-11d1-b245-5ffdce74fad2"}]}`, status: 200,
		},
		{
			name: "members that are missing", method: "POST", path: "/v1/things", body: `{}`, status: 422,
			want: []string{
				`{"type":"missing","loc":["body","name"],"msg":"Field required"`,
				`{"type":"missing","loc":["body","parts"],"msg":"Field required"`,
			},
		},
		{
			name: "a nested member that is wrong", method: "POST", path: "/v1/things",
			body:   `{"name": "n", "parts": [{"id": "7d444840-9dc0-11d1-b245-5ffdce74fad2"}, {"id": "x"}]}`,
			status: 422, want: []string{`{"type":"uuid_parsing","loc":["body","parts",1,"id"]`},
		},
		{
			name: "a nested member that is missing", method: "POST", path: "/v1/things",
			body: `{"name": "n", "parts": [{}]}`, status: 422,
			want: []string{`{"type":"missing","loc":["body","parts",0,"id"]`},
		},
		{
			name: "a value that is not in the list", method: "POST", path: "/v1/things",
			body: `{"name": "n", "parts": [], "color": "green"}`, status: 422,
			want: []string{`"loc":["body","color"]`, `"input":"green"`},
		},
		{
			name: "a null", method: "POST", path: "/v1/things", body: `{"name": null, "parts": []}`,
			status: 422, want: []string{`{"type":"string_type","loc":["body","name"]`},
		},
	}
	for _, version := range []string{"3.0.3", "3.1.0"} {
		server := newServer(t, later(t, version), nil)
		t.Cleanup(server.Close)
		for _, tt := range tests {
			t.Run(version+", "+tt.name, func(t *testing.T) {
				req, err := http.NewRequestWithContext(t.Context(), tt.method, server.URL+tt.path,
					strings.NewReader(tt.body))
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

// failures stands for the test of a consumer.
type failures struct {
	testing.TB
	list []string
}

func (f *failures) Helper() {}

func (f *failures) Errorf(format string, args ...any) {
	f.list = append(f.list, fmt.Sprintf(format, args...))
}

func TestHandlersResponseIsChecked(t *testing.T) {
	const part = "GET /v1/things/{thing_id}/parts/{part_id}"
	tests := []struct {
		name        string
		statusCode  int
		contentType string
		body        string
		want        string // in the failure; empty for none
	}{
		{
			name:        "allowed",
			statusCode:  200,
			contentType: "application/json",
			body:        `{"id": "7d444840-9dc0-11d1-b245-5ffdce74fad2"}`,
		},
		{name: "a member of the wrong type", statusCode: 200, contentType: "application/json",
			body: `{"id": "7d444840-9dc0-11d1-b245-5ffdce74fad2", "size": "big"}`, want: "body.size: Input should be a valid integer"},
		{
			name:        "a missing member",
			statusCode:  200,
			contentType: "application/json",
			body:        `{}`,
			want:        "body.id: Field required",
		},
		{
			name:        "a wrong format",
			statusCode:  200,
			contentType: "application/json",
			body:        `{"id": "7"}`,
			want:        "body.id: Input should be a valid UUID",
		},
		{
			name:        "no JSON",
			statusCode:  200,
			contentType: "application/json",
			body:        `{`,
			want:        "failed to decode response body",
		},
		{
			name:        "a stream of JSON",
			statusCode:  200,
			contentType: "application/x-ndjson",
			body:        `{"id": "0190a5b4-0000-7000-8000-000000000001"}` + "\n",
		},
		{name: "nothing", statusCode: 200, want: "Content-Type"},
		{name: "another media type", statusCode: 200, contentType: "text/html", body: "<p>", want: "text/html"},
		{
			name:        "an undeclared success",
			statusCode:  201,
			contentType: "application/json",
			body:        `{}`,
			want:        "status is not supported",
		},
		{
			name:        "a declared error of another shape",
			statusCode:  422,
			contentType: "application/json",
			body:        `{"detail": "no"}`,
		},
		{name: "an error", statusCode: 500, contentType: "text/plain", body: "boom"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			consumer := &failures{}
			server := newServer(consumer, later(t, "3.1.0"), nil)
			server.HandleFunc(part, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.contentType)
				w.WriteHeader(tt.statusCode)
				_, _ = io.WriteString(w, tt.body)
			})
			rsp, err := http.Get(server.URL + "/v1/things/1/parts/2")
			if err != nil {
				t.Fatal(err)
			}
			rsp.Body.Close()
			server.Close()
			failed := strings.Join(consumer.list, "\n")
			if rsp.StatusCode != tt.statusCode || (tt.want == "") != (failed == "") ||
				!strings.Contains(failed, tt.want) {
				t.Errorf("status %d, failures %q, want %q", rsp.StatusCode, failed, tt.want)
			}
			if failed != "" && !strings.Contains(failed, "the handler of "+part+" sent") {
				t.Errorf("the failure names no operation: %q", failed)
			}
		})
	}
}

// TestScriptsAreCheckedAsWell has scripted replies that lie about the API, some of which say so.
func TestScriptsAreCheckedAsWell(t *testing.T) {
	const watch, valid = "GET /v1/things/{thing_id}/watch", `{"id": "0190a5b4-0000-7000-8000-000000000001"}`
	tests := []struct {
		name   string
		path   string
		script func(*Server) *Reply
		want   string // in the failure, or nothing
	}{
		{"a stream", "/v1/things/1/watch", func(s *Server) *Reply { return s.Reply(feather.Event{Data: valid}) }, ""},
		{"an error", "/v1/things/1/watch", func(s *Server) *Reply { return s.ReplyStatus(503, "later") }, ""},
		{"nothing at all", "/v1/things/1/parts/2", func(s *Server) *Reply { return s.ReplyCut() }, ""},
		{
			"an event of another type", "/v1/things/1/watch",
			func(s *Server) *Reply { return s.Reply(feather.Event{Data: valid}, feather.Event{Data: `{"id": 1}`}) },
			"the reply for " + watch + " is one that the document does not allow (see Unchecked): events[1].data.id: Input should be a valid string",
		},
		{
			"an event that is no JSON", "/v1/things/1/watch",
			func(s *Server) *Reply { return s.Reply(feather.Event{Data: "x"}) }, "events[0].data: invalid character",
		},
		{
			"a stream for JSON", "/v1/things/1/parts/2",
			func(s *Server) *Reply { return s.Reply(feather.Event{Data: valid}) }, "text/event-stream",
		},
		{
			"JSON for a stream", "/v1/things/1/watch",
			func(s *Server) *Reply { return s.ReplyJSON(200, map[string]any{}) }, "application/json",
		},
		{
			"a status that is not declared", "/v1/things/1/parts/2",
			func(s *Server) *Reply { return s.ReplyJSON(202, map[string]any{}) }, "status is not supported",
		},
		{
			"a member that is missing", "/v1/things/1/parts/2",
			func(s *Server) *Reply { return s.ReplyJSON(200, map[string]any{}) }, "body.id: Field required",
		},
		{
			"a lie that says so", "/v1/things/1/parts/2",
			func(s *Server) *Reply { return s.ReplyJSON(200, map[string]any{}).Unchecked() }, "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			consumer := &failures{}
			server := newServer(consumer, later(t, "3.1.0"), nil)
			tt.script(server)
			if rsp, err := http.Get(server.URL + tt.path); err == nil {
				rsp.Body.Close()
			}
			server.Close()
			failed := strings.Join(consumer.list, "\n")
			if (tt.want == "") != (failed == "") || !strings.Contains(failed, tt.want) {
				t.Errorf("failures %q, want %q", failed, tt.want)
			}
		})
	}
}

// TestEventsOfTheDocument asks for streams of which the test has said nothing.
func TestEventsOfTheDocument(t *testing.T) {
	server := newServer(t, later(t, "3.1.0"), nil)
	defer server.Close()
	const part = `{"id":"0190a5b4-0000-7000-8000-000000000001"}`
	for path, want := range map[string]string{"1/watch": "data: " + part + "\n\n", "lines": part + "\n"} {
		rsp, err := http.Get(server.URL + "/v1/things/" + path)
		if err != nil {
			t.Fatal(err)
		}
		defer rsp.Body.Close()
		if body, _ := io.ReadAll(rsp.Body); string(body) != want {
			t.Errorf("%s: %q, want %q", path, body, want)
		}
	}
}

// TestStreamsOfHandlersAreChecked has handlers that send wrong lines and events.
func TestStreamsOfHandlersAreChecked(t *testing.T) {
	const valid = `{"id": "0190a5b4-0000-7000-8000-000000000001"}`
	tests := []struct{ operation, contentType, body, want string }{
		{"GET /v1/things/lines", "application/jsonl", valid + "\n" + valid + "\n", ""},
		{"GET /v1/things/lines", "application/jsonl", valid + "\n{}\n", "events[1].data.id: Field required"},
		{"GET /v1/things/{thing_id}/watch", "text/event-stream; charset=utf-8", "data: " + valid + "\n\n", ""},
		{
			"GET /v1/things/{thing_id}/watch",
			"text/event-stream",
			"data: {\"id\": 7}\n\n",
			"events[0].data.id: Input should be a valid string",
		},
	}
	for _, tt := range tests {
		consumer := &failures{}
		server := newServer(consumer, later(t, "3.1.0"), nil)
		server.HandleFunc(tt.operation, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", tt.contentType)
			_, _ = io.WriteString(w, tt.body)
		})
		_, path, _ := strings.Cut(strings.ReplaceAll(tt.operation, "{thing_id}", "1"), " ")
		if rsp, err := http.Get(server.URL + path); err == nil {
			rsp.Body.Close()
		}
		server.Close()
		failed := strings.Join(consumer.list, "\n")
		if (tt.want == "") != (failed == "") || !strings.Contains(failed, tt.want) {
			t.Errorf("%s %s: failures %q, want %q", tt.operation, tt.body, failed, tt.want)
		}
	}
}

// TestResponseIsAStream is what a mock of a streaming call returns.
func TestResponseIsAStream(t *testing.T) {
	var got []feather.Event
	for event, err := range feather.Stream(Response(feather.Event{Data: "a"}, feather.Event{Type: "complete"}), nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, event)
	}
	if len(got) != 2 || got[0].Data != "a" || got[1].Type != "complete" {
		t.Errorf("events %+v", got)
	}
}
