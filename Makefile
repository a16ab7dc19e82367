STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

MODULES := . tools

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: generate
generate: ## make feather.gen.go anew from openapi.json
	go generate ./...

.PHONY: test
test: ## run the tests
	go test ./...

.PHONY: soak
soak: ## run 64 callers against every fault for a minute
	go test -race -tags soak -count=1 -v -run TestSoak ./feathertest

.PHONY: lint
lint: ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo "gofmt would change these files"; exit 1; }
	go vet -tags soak ./...
	go run $(STATICCHECK) ./...

.PHONY: unchanged
unchanged: ## check that generating and tidying change nothing
	@cp feather.gen.go .feather.gen.go.before
	go generate ./...
	@mv .feather.gen.go.before .before && diff -u .before feather.gen.go; status=$$?; rm .before; exit $$status
	@for module in $(MODULES); do echo "go mod tidy -diff ($$module)"; go -C $$module mod tidy -diff || exit; done

.PHONY: check
check: unchanged lint test ## all that CI checks
	go test -race ./...
