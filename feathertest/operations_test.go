package feathertest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOperationWithoutReplySaysWhatToWrite(t *testing.T) {
	recorder := httptest.NewRecorder()
	defaultReply("GET /v1/things/{thing_id}").ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/v1/things/1", nil))
	body, _ := io.ReadAll(recorder.Body)
	if recorder.Code != http.StatusNotImplemented || !strings.Contains(string(body), `server.Handle(\"GET /v1/things/{thing_id}\"`) {
		t.Errorf("%d %s", recorder.Code, body)
	}
}
