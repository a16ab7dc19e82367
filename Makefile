# Programs that are no dependency of any module, by package@version.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
ACTIONLINT  := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
OASDIFF     := github.com/oasdiff/oasdiff@v1.36.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
APIDIFF     := golang.org/x/exp/cmd/apidiff@v0.0.0-20261014143641-f0251eb4aa3e

MODULES := . tools examples/telemetry

# Its exit status is 0 for a compatible change and 3 for a breaking one; make
# shows the 3 as "Error 3".
SPECBUMP = go build -C tools -o ../build/specbump ./specbump && \
	build/specbump -oasdiff $(OASDIFF) -apidiff $(APIDIFF) -report build/verdict.md $(if $(BASE),-base $(BASE))

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: generate
generate: ## make feather.gen.go and OPERATIONS.md from openapi.json
	go generate ./...

.PHONY: bump
bump: ## move to a new spec: make bump SPEC="documents, pages or URLs"
	@rm -f build/verdict.md build/verdict-whole.md
	@$(SPECBUMP) $(SPEC)

.PHONY: trial
trial: ## do what bump does, but change no file: make trial SPEC=…
	@$(SPECBUMP) -trial $(SPEC)

.PHONY: compat
compat: ## say what the working tree changes for consumers since the last release, or BASE=revision
	@$(SPECBUMP) -verdict

.PHONY: test
test: ## run the tests of the package
	go test ./...

.PHONY: vuln
vuln: ## look for known vulnerabilities in what consumers get
	go run $(GOVULNCHECK) ./...

.PHONY: notes
notes: ## print the CHANGELOG of a release: make notes TAG=v0.1.0
	@case "$(TAG)" in v*) ;; *) echo "the tag $(TAG) does not begin with v" >&2; exit 1;; esac
	@grep -q '^const Version = "$(TAG:v%=%)"$$' client.go || { echo "Version in client.go is not $(TAG)" >&2; exit 1; }
	@awk -v head='## [$(TAG:v%=%)]' 'index($$0, "## ") == 1 { on = index($$0, head) == 1; next } on && !/^\[/' CHANGELOG.md

.PHONY: soak
soak: ## let 64 callers meet every fault for a minute, and a haproxy refuse streams
	go test -race -tags soak -count=1 -v -run TestSoak . ./feathertest

.PHONY: fastapi
fastapi: fastapi-installed ## test against a real FastAPI service with pydantic models
	go -C tools test -tags fastapi -count=1 -run TestAgainstFastAPI ./specbump

FASTAPI = /usr/bin/python3 -c 'import fastapi, multipart, uvicorn'

.PHONY: fastapi-installed
fastapi-installed:
	@$(FASTAPI) 2> /dev/null || { { apt-get update && \
		apt-get install -y python3-fastapi python3-multipart python3-uvicorn; } > /dev/null 2>&1; $(FASTAPI); }

.PHONY: bench
bench: ## measure calls against the same by hand with net/http
	go test -run '^$$' -bench . -benchtime 2s .

.PHONY: portable
portable: ## vet for other systems and a 32-bit one
	GOOS=windows go vet ./...
	GOOS=darwin go vet ./...
	GOOS=linux GOARCH=386 go vet ./...
	GOOS=linux GOARCH=arm64 go vet ./...
	GOOS=js GOARCH=wasm go vet .

.PHONY: lint
lint: ## gofmt, vet, staticcheck, actionlint
	@files=$$(gofmt -l .); test -z "$$files" || { echo "gofmt would change $$files"; exit 1; }
	@for module in $(MODULES); do \
		echo "vet and staticcheck ($$module)"; \
		(cd $$module && go vet -tags soak,fastapi ./... && go run $(STATICCHECK) -tags soak,fastapi ./...) || exit; \
	done
	go run $(ACTIONLINT)

.PHONY: unchanged
unchanged: ## check that generating and tidying change nothing
	@mkdir -p build
	@cp feather.gen.go build/before.go.txt
	@cp OPERATIONS.md build/before.md
	go generate ./...
	@diff -u build/before.go.txt feather.gen.go
	@diff -u build/before.md OPERATIONS.md
	@for module in $(MODULES); do \
		echo "go mod tidy -diff ($$module)"; \
		go -C $$module mod tidy -diff || exit; \
	done

.PHONY: check
check: unchanged lint portable test ## all that CI checks
	go test -race ./...
	go -C examples/telemetry test ./...
	go -C tools test -count=1 ./... # its cache does not see the files of the root
