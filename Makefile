# What can be made is listed by `make` alone. Needed: Go and make. A C compiler
# is used for the race detector where there is one; `fuse3` is needed for mounts
# by users other than root.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c

GO    := go
BUILD := .build
# How much each target is fuzzed: `make fuzz FUZZTIME=10m`. A count, not a time:
# when a time runs out, the go tool now and then reports its own deadline as a
# failure ("context deadline exceeded", without an input that fails).
FUZZTIME := 30000x

# Pinned, so that a new check never breaks an old commit.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# The version that `s3mount version` names; without git the module's own.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)
# -s -w: no symbol tables, a third of the size; stack traces stay.
LDFLAGS := -s -w $(if $(VERSION),-X main.version=$(VERSION))

# The race detector is C code: without a compiler the tests run without it, and
# that is said at the end.
CC_FOUND := $(shell command -v "$$($(GO) env CC)")
RACE     := $(if $(CC_FOUND),-race)

# Packages whose tests need no mount of the built program.
PACKAGES = $(shell $(GO) list ./... | grep -v '/integration$$')

# The steps of `make test` print as they go and share two cores.
.NOTPARALLEL:
.PHONY: help build demo bench test lint cross unit integration model fuzz cover clean
.DEFAULT_GOAL := help

help: ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

build: ## build the program: bin/s3mount
	# CGO_ENABLED=0: one file that runs on every Linux, no libc of the builder's.
	# -trimpath: the same bytes wherever it is built.
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/s3mount ./cmd/s3mount

# DEMO=once ends by itself; DIR=... mounts there.
demo: build | $(BUILD) ## mount a real S3 server's bucket, show ls, cat, grep; up until Ctrl-C
	$(GO) build -o $(BUILD)/demo ./integration/demo
	@$(BUILD)/demo -program bin/s3mount $(if $(DEMO),-$(DEMO)) $(if $(DIR),-dir '$(DIR)')

# make bench PEERS="s3fs rclone goofys geesefs mount-s3" ROWS='grep|dd' LATENCY=100ms
# BENCH='-n 1 -json FILE': any flag of it (.build/bench -h).
bench: build | $(BUILD) ## measure on servers near and distant: PEERS=, ROWS=, LATENCY=
	$(GO) build -o $(BUILD)/bench ./integration/bench
	@$(BUILD)/bench -program bin/s3mount -peers '$(PEERS)' -rows '$(ROWS)' \
		$(if $(LATENCY),-first-byte $(LATENCY) -list $(LATENCY)) $(BENCH)

test: lint unit integration ## every test, those on a real mount included
	@if [ ! -s $(BUILD)/skipped ]; then echo 'all passed, none skipped'; exit; fi; \
	echo 'all passed; skipped were:'; sort -u $(BUILD)/skipped | \
	awk -F '\t' '{ if (!n[$$1]++) first[$$1] = $$2 } \
		END { for (why in n) print "  " why "\n      " first[why] (n[why] > 1 ? " and " n[why]-1 " more" : "") }'

lint: cross ## gofmt, go vet, staticcheck, and builds for the other systems
	@echo 'gofmt -l .'; unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "not formatted:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

cross: # built, not tested, there
	GOOS=darwin $(GO) build ./...
	GOOS=freebsd $(GO) build ./...

unit: $(BUILD)/report
	@rm -f $(BUILD)/skipped
	@if [ -z "$(RACE)" ]; then printf 'no C compiler here\tthe race detector\n' | tee -a $(BUILD)/skipped; fi
	# -shuffle=on: no test may lean on the one before it. -timeout: go's own; no
	# test here takes a minute, but with the race detector all of fs take four.
	$(GO) test -json $(RACE) -shuffle=on -timeout 10m $(PACKAGES) | $(BUILD)/report $(BUILD)/skipped
	# The race detector allocates, too: what counts allocations runs without it.
	$(GO) test -json -run Alloc $(PACKAGES) | $(BUILD)/report $(BUILD)/skipped

integration: $(BUILD)/report
	# -count=1: go cannot see that server or kernel changed, so no cached results.
	# -timeout: the first run builds an S3 server, which takes minutes.
	$(GO) test -json -count=1 -timeout 15m ./integration | $(BUILD)/report $(BUILD)/skipped
	# Once more on one thread: what waits for a thread that waits for it hangs here.
	GOMAXPROCS=1 $(GO) test -json -count=1 -timeout 15m ./integration | $(BUILD)/report $(BUILD)/skipped

# -fuzzminimizetime: go spends up to a minute on each input that is of interest.
# Seeds that have been run stay here: a failure can be seen again, and the run that
# found none repeated. make model SEEDS=$RANDOM is another one.
SEEDS ?= 20261126 20261127

model: ## 100,000 steps of a mount held against its definition, for each of SEEDS
	@for seed in $(SEEDS); do \
		echo "$(GO) test ./fs -run 'TestModel$$' -timeout 1h -rapid.checks=3400 -rapid.steps=30 -rapid.seed=$$seed"; \
		$(GO) test ./fs -run 'TestModel$$' -timeout 1h -rapid.checks=3400 -rapid.steps=30 -rapid.seed=$$seed || exit; \
	done

fuzz: ## each fuzz target for FUZZTIME (30000x)
	@for package in $(PACKAGES); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$(GO) test -run '^$$' -fuzz '^$$target$$' -fuzztime $(FUZZTIME) $$package"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$package; \
		done; \
	done

cover: | $(BUILD) ## which lines the tests run, those on a mount included
	rm -rf $(BUILD)/cover && mkdir $(BUILD)/cover
	# -coverpkg: a line counts as run whichever package's test runs it.
	$(GO) test -cover -coverpkg=./... $(PACKAGES) -args -test.gocoverdir=$(CURDIR)/$(BUILD)/cover
	# GOCOVERDIR: the tests build the program so that it writes there.
	GOCOVERDIR=$(CURDIR)/$(BUILD)/cover $(GO) test -count=1 -timeout 15m ./integration
	$(GO) tool covdata percent -i=$(BUILD)/cover
	$(GO) tool covdata textfmt -i=$(BUILD)/cover -o $(BUILD)/cover.out
	@echo 'line by line: $(GO) tool cover -html=$(BUILD)/cover.out'

clean: ## remove everything made here
	rm -rf bin $(BUILD)

$(BUILD):
	@mkdir -p $@

$(BUILD)/report: integration/report/main.go | $(BUILD)
	@$(GO) build -o $@ ./integration/report
