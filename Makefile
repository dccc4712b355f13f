# The one door. Every target installs what it needs first; `make help` lists them.

export CLEO_STRICT := 1
export SWIFT_BACKTRACE := enable=no

PREFIX ?= /usr/local
DESTDIR ?=
BUILD := .build
RELEASE := $(BUILD)/release/cleo-tui
VENV := $(BUILD)/venv
PYTHON := $(VENV)/bin/python
PROMTOOL := $(BUILD)/prometheus/promtool

# What the program links against, and what its tests and benchmarks use besides.
LIBRARIES := libncurses-dev libcurl4-openssl-dev libssl-dev libsqlite3-dev libedit-dev libyaml-dev libpcre2-dev \
	libcmark-gfm-dev libcmark-gfm-extensions-dev zlib1g-dev
TOOLS := tmux bubblewrap curl sqlite3 openssl python3-venv

SOURCES := $(shell find Sources Plugins Package.swift -type f)

.DEFAULT_GOAL := help
.PHONY: help run build test unit e2e test-llama lint format check bench kill-test frames-test fuzz install uninstall clean libraries tools

help: ## these lines
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build and open the screen; in this folder that is the demo
	@$(RELEASE) $(ARGS)

build: libraries $(RELEASE) ## the program, optimised

$(RELEASE): $(SOURCES)
	swift build -c release --product cleo-tui --static-swift-stdlib
	@touch $@

test: unit e2e ## every test

unit: libraries tools ## the tests of the modules
	swift build --build-tests
	swift test --skip-build --disable-xctest $(if $(FILTER),--filter $(FILTER))

e2e: libraries tools $(VENV)/ready $(VENV)-vendors/ready $(VENV)-litellm/ready $(PROMTOOL) ## the built program in tmux, with real MCP and HTTP servers
	swift build --product cleo-tui
	swift build --product conformance-client
	$(PYTHON) -m pytest -q --color=no Tests/EndToEnd $(if $(FILTER),-k $(FILTER))

test-llama: libraries tools $(VENV)/ready $(VENV)-llama/ready ## a real model server; compiling llama.cpp takes five minutes
	swift build --product cleo-tui
	$(PYTHON) -m pytest -q --color=no Tests/EndToEnd/test_llama.py

kill-test: libraries tools $(VENV)/ready ## kill -9 at 200 moments of streaming turns
	swift build --product cleo-tui
	CLEO_KILLS=200 $(PYTHON) -m pytest -q --color=no Tests/EndToEnd/test_kill.py

frames-test: libraries tools $(VENV)/ready ## ten thousand random frames against serve, and as many against attach
	swift build --product cleo-tui
	CLEO_FRAMES=10000 $(PYTHON) -m pytest -q --color=no Tests/EndToEnd/test_hostile.py Tests/EndToEnd/test_serve.py -k "random or hostile"

fuzz: libraries ## broken input by the ten thousands; CLEO_FUZZ_SECONDS, FILTER and CLEO_SEED narrow it
	swift build --build-tests
	CLEO_FUZZ=$(or $(CLEO_FUZZ),20000) swift test --skip-build --disable-xctest --filter $(or $(FILTER),FuzzTests)

lint: ## format (strict), layers, sizes
	swift format lint --strict --recursive Package.swift Plugins Sources Tests
	.ci/check-house

format: ## put the sources in form
	swift format --in-place --recursive Package.swift Plugins Sources Tests

check: lint test ## what a change has to pass

bench: build tools $(VENV)/ready $(VENV)-elia/ready $(VENV)-vendors/ready $(VENV)-langchain/ready ## start, memory, latency and throughput, side by side with others
	swift build -c release --product bench-streams --static-swift-stdlib
	swift build -c release --product bench-tools --static-swift-stdlib
	$(VENV)/bin/python Tests/Bench/bench.py $(RELEASE)

install: build ## put the program and its data under PREFIX
	install -D -m 755 $(RELEASE) $(DESTDIR)$(PREFIX)/bin/cleo-tui
	install -D -m 644 tools.yaml.example $(DESTDIR)$(PREFIX)/share/cleo-tui/tools.yaml.example
	install -D -m 644 Sources/Engine/Data/prices.json $(DESTDIR)$(PREFIX)/share/cleo-tui/prices.json
	install -d $(DESTDIR)$(PREFIX)/share/cleo-tui/prompts
	install -m 644 prompts/* $(DESTDIR)$(PREFIX)/share/cleo-tui/prompts/

uninstall: ## take them away again
	rm -rf $(DESTDIR)$(PREFIX)/bin/cleo-tui $(DESTDIR)$(PREFIX)/share/cleo-tui

clean: ## what was built
	rm -rf $(BUILD)

libraries:
	@command -v swift >/dev/null || { echo "swift is missing: install a Swift 6.2 or newer toolchain from swift.org" >&2; exit 1; }
	@.ci/install-packages $(LIBRARIES)

tools:
	@.ci/install-packages $(TOOLS)

# Real peers for the tests, from PyPI, at versions that were tried.
$(VENV)/ready: Makefile
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install -q --disable-pip-version-check mcp==2.3.0 fastmcp==4.1.2 pytest==8.4.2 jsonschema==4.26.0 \
		grpcio==1.85.1 grpcio-tools==1.85.1 trustme==1.2.1 websockets==17.4 aiohttp==3.14.5 PyYAML==6.0.3 PyJWT==2.15.1
	python3 -m venv $(VENV)-legacy
	$(VENV)-legacy/bin/pip install -q --disable-pip-version-check mcp==1.30.0
	touch $@

# The vendors' own SDKs, which judge what is sent and how answers are read.
$(VENV)-vendors/ready: Makefile
	python3 -m venv $(VENV)-vendors
	$(VENV)-vendors/bin/pip install -q --disable-pip-version-check openai==3.52.0 anthropic==2.11.0 \
		google-genai==3.4.0 ollama==0.6.3 botocore hypercorn h2
	touch $@

$(PROMTOOL):
	.ci/fetch-promtool $(dir $@)

# A proxy between every two of them; its own pins do not go with the SDKs'.
$(VENV)-litellm/ready: Makefile
	python3 -m venv $(VENV)-litellm
	$(VENV)-litellm/bin/pip install -q --disable-pip-version-check 'litellm[proxy]==1.106.2'
	touch $@

# llama.cpp's server, compiled.
$(VENV)-llama/ready: Makefile
	@.ci/install-packages g++ make python3-venv
	python3 -m venv $(VENV)-llama
	$(VENV)-llama/bin/pip install -q --disable-pip-version-check 'llama-cpp-python[server]==0.3.36' gguf numpy
	touch $@

# The services that ours is measured beside.
$(VENV)-langchain/ready: Makefile
	python3 -m venv $(VENV)-langchain
	$(VENV)-langchain/bin/pip install -q --disable-pip-version-check uvloop==0.23.0 aiohttp==3.14.5 langchain==1.4.7 \
		langchain-openai==1.7.3
	touch $@

# The program that ours is measured beside.
$(VENV)-elia/ready: Makefile
	python3 -m venv $(VENV)-elia
	$(VENV)-elia/bin/pip install -q --disable-pip-version-check elia-chat
	touch $@
