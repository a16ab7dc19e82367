//go:build fastapi

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestAgainstFastAPI starts a real FastAPI service with pydantic models, brings a copy of the
// repository to the document that the service writes itself, and runs
// testdata/fastapi/client_test.go there against the service.
func TestAgainstFastAPI(t *testing.T) {
	base := startFastAPI(t)
	rsp, err := http.Get(base + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := io.ReadAll(rsp.Body)
	_ = rsp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	dir := copyRepository(t)
	spec := filepath.Join(t.TempDir(), "openapi.json")
	write(t, spec, document)
	if err := bumpTo(dir, spec); err != nil {
		t.Fatal(err)
	}
	mustGenerate(t, dir)
	write(t, filepath.Join(dir, "fastapi_test.go"), read(t, "testdata/fastapi/client_test.go"))
	test := exec.Command("go", "test", "-count=1", "-v", "-run", "^TestFastAPI", ".")
	test.Dir = dir
	test.Env = append(os.Environ(), "FASTAPI_URL="+base)
	said, err := test.CombinedOutput()
	t.Logf("%s", said)
	if err != nil {
		t.Error(err)
	}
}

func startFastAPI(t *testing.T) (base string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
	_ = listener.Close()
	service := exec.Command("/usr/bin/python3", "-B", "-m", "uvicorn", "--port", port, "--log-level", "warning",
		"service:app")
	service.Dir = "testdata/fastapi"
	service.Stdout, service.Stderr = os.Stderr, os.Stderr
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = service.Process.Kill(); _ = service.Wait() })
	base = "http://127.0.0.1:" + port
	for range 200 {
		if rsp, err := http.Get(base + "/openapi.json"); err == nil {
			_ = rsp.Body.Close()
			return base
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the service does not start")
	return ""
}
