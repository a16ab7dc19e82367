package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// importer is a program that makes one client and one call, to the base URL that it
// finds in its environment.
type importer struct{ name, module, source string }

const featherProgram = `
import "github.com/featherhq/feather-go"
func call() (any, error) {
	client, err := feather.New()
	if err != nil { return nil, err }
	return client.SendMessageWithResponse(context.Background(), [16]byte{1}, feather.SendMessageRequest{Content: "hi"})
}`

var importers = []importer{
	{"only net/http", "", `
import "net/http"
import "io"
import "os"
import "strings"
func call() (any, error) {
	req, err := http.NewRequestWithContext(context.Background(), "POST", os.Getenv("FEATHER_BASE_URL"), strings.NewReader("{}"))
	if err != nil { return nil, err }
	rsp, err := http.DefaultClient.Do(req)
	if err != nil { return nil, err }
	return io.ReadAll(rsp.Body)
}`},
	{"feather-go", "github.com/featherhq/feather-go", featherProgram},
	{"ogen's client", "github.com/featherhq/feather-go/bench", `
import "os"
import "github.com/featherhq/feather-go/bench/ogenclient"
type key struct{}
func (key) APIKeyHeader(context.Context, ogenclient.OperationName) (ogenclient.APIKeyHeader, error) {
	return ogenclient.APIKeyHeader{APIKey: "key"}, nil
}
func call() (any, error) {
	client, err := ogenclient.NewClient(os.Getenv("FEATHER_BASE_URL"), key{})
	if err != nil { return nil, err }
	return client.SendMessageV1AskFeatherSessionsSessionIDMessagesPost(context.Background(), &ogenclient.SrcAskFeatherSchemasSendMessageRequest{Content: "hi"}, ogenclient.SendMessageV1AskFeatherSessionsSessionIDMessagesPostParams{})
}`},
	{"openai-go", "github.com/openai/openai-go/v3", `
import "github.com/openai/openai-go/v3"
func call() (any, error) {
	client := openai.NewClient()
	return client.Chat.Completions.New(context.Background(), openai.ChatCompletionNewParams{})
}`},
	{"anthropic-sdk-go", "github.com/anthropics/anthropic-sdk-go", `
import "github.com/anthropics/anthropic-sdk-go"
func call() (any, error) {
	client := anthropic.NewClient()
	return client.Messages.New(context.Background(), anthropic.MessageNewParams{})
}`},
}

const (
	wholeName = "feather-go, whole document"
	starts    = 51 // of each program
)

type importCost struct {
	program           string // its file
	modules, packages int
	size              int64
	build             time.Duration
	starts            []float64 // in ns, from the start of a process to its end
}

// printImports lets the programs call the server at baseURL. The tree, if there is one,
// is feather-go with the whole API document.
func printImports(baseURL, tree string) error {
	dir, err := os.MkdirTemp("", "featherbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	all := importers
	if tree != "" {
		all = append(slices.Clone(all), importer{wholeName, "github.com/featherhq/feather-go", featherProgram})
	}
	costs := make([]importCost, len(all))
	for i, imp := range all {
		fmt.Fprintf(os.Stderr, "\r\033[Kbuilding a program with %s", imp.name)
		if costs[i], err = imp.cost(filepath.Join(dir, strconv.Itoa(i)), tree); err != nil {
			return fmt.Errorf("%s: %w", imp.name, err)
		}
	}
	fmt.Fprintln(os.Stderr)
	if err := startAll(costs, baseURL); err != nil {
		return err
	}
	fmt.Print("\n### what importing costs\n\n| | modules in go.mod | packages compiled | stripped binary | " +
		"over only net/http | clean build (one run) | a process that makes one call |\n" +
		"| --- | --- | --- | --- | --- | --- | --- |\n")
	for i, c := range costs {
		fmt.Printf("| %s | %d | %d | %.2f MB | +%.2f MB | %.1f s | %s |\n",
			all[i].name, c.modules, c.packages, float64(c.size)/1e6, float64(c.size-costs[0].size)/1e6,
			c.build.Seconds(), cell(c.starts, costs[0].starts, "ns/start"))
	}
	return nil
}

// startAll starts the programs in rounds.
func startAll(costs []importCost, baseURL string) error {
	for range starts {
		for i := range costs {
			c := &costs[i]
			start := time.Now()
			_, err := execute(".", []string{
				"FEATHER_BASE_URL=" + baseURL, "OPENAI_BASE_URL=" + baseURL, "ANTHROPIC_BASE_URL=" + baseURL,
				"FEATHER_API_KEY=" + key, "OPENAI_API_KEY=" + key, "ANTHROPIC_API_KEY=" + key,
			}, c.program)
			if err != nil {
				return err
			}
			c.starts = append(c.starts, float64(time.Since(start).Nanoseconds()))
		}
	}
	return nil
}

// cost builds the program in a module and with a build cache of its own. feather-go is
// that of this tree, or of the other one for the program that asks for it; another module
// has the version that bench/go.mod has.
func (imp importer) cost(dir, tree string) (c importCost, err error) {
	bench, err := filepath.Abs(".")
	if err != nil {
		return c, err
	}
	root := filepath.Dir(bench)
	if imp.name == wholeName {
		root = tree
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return c, err
	}
	source := "package main\n\nimport \"context\"\nimport \"fmt\"\n" + imp.source + `
func main() {
	rsp, err := call()
	if err != nil { panic(err) }
	fmt.Println(rsp)
}
`
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o600); err != nil {
		return c, err
	}
	inModule := func(args ...string) (string, error) {
		return execute(dir, []string{"GOFLAGS=-mod=mod", "GOCACHE=" + filepath.Join(dir, ".cache")}, "go", args...)
	}
	setup := [][]string{
		{"mod", "init", "example.com/program"},
		{"mod", "edit", "-replace", "github.com/featherhq/feather-go=" + root},
		{"mod", "edit", "-replace", "github.com/featherhq/feather-go/bench=" + bench},
	}
	if imp.module != "" {
		setup = append(setup, []string{"mod", "edit", "-require", imp.module + "@" + versionOf(imp.module)})
	}
	for _, args := range append(setup, []string{"mod", "tidy"}) {
		if _, err := inModule(args...); err != nil {
			return c, err
		}
	}
	packages, err := inModule("list", "-deps", ".")
	if err != nil {
		return c, err
	}
	c.packages = strings.Count(packages, "\n")
	c.program = filepath.Join(dir, "program")
	start := time.Now()
	if _, err := inModule("build", "-trimpath", "-ldflags=-s -w", "-o", c.program, "."); err != nil {
		return c, err
	}
	c.build = time.Since(start)
	binary, err := os.Stat(c.program)
	if err != nil {
		return c, err
	}
	c.size = binary.Size()
	c.modules, err = countModules(filepath.Join(dir, "go.mod"))
	return c, err
}

func execute(dir string, env []string, program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

func countModules(goMod string) (n int, err error) {
	text, err := os.ReadFile(goMod)
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) >= 2 && strings.HasPrefix(fields[1], "v") {
			n++
		}
	}
	return n, err
}
