package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// importer is a program that makes one client, and nothing else.
type importer struct{ name, module, source string }

var importers = []importer{
	{"feather-go", "github.com/featherhq/feather-go", `
import "github.com/featherhq/feather-go"
func main() {
	client, err := feather.New(feather.WithAPIKey("key"))
	if err != nil { panic(err) }
	rsp, err := client.SendMessageWithResponse(context.Background(), [16]byte{}, feather.SendMessageRequest{Content: "hi"})
	fmt.Println(rsp, err)
}`},
	{"only net/http", "", `
import "net/http"
func main() {
	req, err := http.NewRequestWithContext(context.Background(), "POST", "https://example.com", nil)
	if err != nil { panic(err) }
	rsp, err := http.DefaultClient.Do(req)
	fmt.Println(rsp, err)
}`},
	{"ogen's client", "github.com/featherhq/feather-go/bench", `
import "github.com/featherhq/feather-go/bench/ogenclient"
type key struct{}
func (key) APIKeyHeader(context.Context, ogenclient.OperationName) (ogenclient.APIKeyHeader, error) {
	return ogenclient.APIKeyHeader{APIKey: "key"}, nil
}
func main() {
	client, err := ogenclient.NewClient("https://example.com", key{})
	if err != nil { panic(err) }
	rsp, err := client.SendMessageV1AskFeatherSessionsSessionIDMessagesPost(context.Background(), &ogenclient.SrcAskFeatherSchemasSendMessageRequest{Content: "hi"}, ogenclient.SendMessageV1AskFeatherSessionsSessionIDMessagesPostParams{})
	fmt.Println(rsp, err)
}`},
	{"openai-go", "github.com/openai/openai-go/v3", `
import "github.com/openai/openai-go/v3"
func main() {
	client := openai.NewClient()
	rsp, err := client.Chat.Completions.New(context.Background(), openai.ChatCompletionNewParams{})
	fmt.Println(rsp, err)
}`},
	{"anthropic-sdk-go", "github.com/anthropics/anthropic-sdk-go", `
import "github.com/anthropics/anthropic-sdk-go"
func main() {
	client := anthropic.NewClient()
	rsp, err := client.Messages.New(context.Background(), anthropic.MessageNewParams{})
	fmt.Println(rsp, err)
}`},
}

type importCost struct {
	modules, packages int
	size              int64
	build             time.Duration
}

func printImports() error {
	here, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	fmt.Print(
		"\n### what importing costs\n\n| | modules in go.mod | packages compiled | stripped binary | over net/http | clean build (one run) |\n| --- | --- | --- | --- | --- | --- |\n",
	)
	costs := make([]importCost, len(importers))
	for i, imp := range importers {
		fmt.Fprintf(os.Stderr, "\r\033[Kbuilding a program with %s", imp.name)
		if costs[i], err = imp.cost(here); err != nil {
			return fmt.Errorf("%s: %w", imp.name, err)
		}
	}
	fmt.Fprintln(os.Stderr)
	for i, c := range costs {
		fmt.Printf("| %s | %d | %d | %.2f MB | +%.2f MB | %.1f s |\n", importers[i].name, c.modules, c.packages,
			float64(c.size)/1e6, float64(c.size-costs[1].size)/1e6, c.build.Seconds())
	}
	return nil
}

// cost builds the program in a module and with a build cache of its own. The
// module under measurement has the version that bench/go.mod has.
func (imp importer) cost(bench string) (c importCost, err error) {
	dir, err := os.MkdirTemp("", "featherbench")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(dir)
	source := "package main\n\nimport \"context\"\nimport \"fmt\"\n" + imp.source + "\n"
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o600); err != nil {
		return c, err
	}
	run := func(args ...string) (string, error) {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOCACHE="+filepath.Join(dir, ".cache"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
		}
		return string(out), nil
	}
	setup := [][]string{
		{"mod", "init", "example.com/program"},
		{
			"mod",
			"edit",
			"-replace",
			"github.com/featherhq/feather-go=" + filepath.Dir(bench),
			"-replace",
			"github.com/featherhq/feather-go/bench=" + bench,
		},
	}
	if imp.module != "" {
		setup = append(setup, []string{"mod", "edit", "-require", imp.module + "@" + versionOf(imp.module)})
	}
	for _, args := range append(setup, []string{"mod", "tidy"}) {
		if _, err := run(args...); err != nil {
			return c, err
		}
	}
	modules, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return c, err
	}
	packages, err := run("list", "-deps", ".")
	if err != nil {
		return c, err
	}
	start := time.Now()
	if _, err := run("build", "-trimpath", "-ldflags=-s -w", "-o", "program", "."); err != nil {
		return c, err
	}
	c.build = time.Since(start)
	binary, err := os.Stat(filepath.Join(dir, "program"))
	if err != nil {
		return c, err
	}
	for line := range strings.Lines(string(modules)) {
		if fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require ")); len(fields) >= 2 &&
			strings.HasPrefix(fields[1], "v") {
			c.modules++
		}
	}
	c.packages = strings.Count(packages, "\n")
	c.size = binary.Size()
	return c, nil
}
