# All entry points; `make help` lists them.
CARGO ?= cargo
FEATURES := --all-features
FUZZ_SECONDS ?= 10
TARGET := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help run test check fmt clippy doc deny build release plugin musl dist size generate bench fuzz-smoke fuzz-risk features clean \
	risk-report risk-bench bench-scale

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

run: ## build, start emulator and server in a fresh folder below target/; DEMO=1 logs alice in; Ctrl-C ends it
	@$(CARGO) build --quiet $(FEATURES)
	@exec bash scripts/run.sh $(TARGET)/debug

test: ## all tests: units, vectors, real sockets and processes, curl, a foreign OpenID provider, real OpenClaw gateways
	$(CARGO) test $(FEATURES)

check: fmt clippy doc test deny ## what the gate runs: format, lints, documentation, tests, dependency rules

fmt: ## the code is formatted
	$(CARGO) fmt --check

clippy: ## lints, warnings are errors
	$(CARGO) clippy --all-targets $(FEATURES) -- -D warnings
	$(CARGO) clippy -- -D warnings

doc: ## the documentation builds, private items too
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --document-private-items $(FEATURES)

deny: ## licences, sources and duplicates of the dependencies (needs cargo-deny: cargo install cargo-deny)
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny check bans licenses sources; \
	else echo "skipped: cargo-deny is not installed (cargo install cargo-deny --locked)" >&2; fi

build: ## debug binaries, emulator included
	$(CARGO) build $(FEATURES)

release: ## the release binary, without the emulator
	$(CARGO) build --release --bin agent-identity

plugin: release ## the plugin for OpenClaw in target/plugin: its files, and the program
	@bash scripts/plugin.sh target/release/agent-identity target/plugin
	@echo "target/plugin: install it with: openclaw plugins install --link target/plugin"

musl: ## the static binary, with ARGS='--features redis' the one with shared state; by rustup's target, else by Debian's packages (scripts/musl), unpacked into ~/.cache
	@bash scripts/musl/build.sh $(ARGS)

dist: ## target/dist: the static binaries without and with shared state, the plugin, a Containerfile and systemd units in one archive, with checksums
	@bash scripts/dist.sh

size: release ## size, memory and start of the static binary beside the budget, which it has to keep
	@$(CARGO) build --quiet --release $(FEATURES) --example bench
	@$(TARGET)/release/examples/bench size "$$(bash scripts/musl/build.sh)" $(TARGET)/release/agent-identity

generate: ## write the files that come from the code: manifest, bridge/static.json, tables in docs/
	@$(CARGO) run --quiet --example generate

bench: release ## everything measured, beside nginx, Node and Go where they are installed; writes docs/performance.md (10 minutes)
	@$(CARGO) build --quiet --release $(FEATURES) --example bench
	@$(TARGET)/release/examples/bench all "$$(bash scripts/musl/build.sh)" $(TARGET)/release/agent-identity docs/performance.md

bench-scale: ## 1, 2, 4 and 8 instances on one engine (redis-server, or valkey-server); writes docs/scale.md (3 minutes)
	@$(CARGO) build --quiet --release $(FEATURES) --example bench
	@$(TARGET)/release/examples/bench scale "$$(bash scripts/musl/build.sh --features redis)" docs/scale.md

risk-bench: ## how long verdicts of the risk engine take, and the slowest text found; VERBOSE=1 names what is slow
	@$(CARGO) build --quiet --release $(FEATURES) --example bench
	@$(TARGET)/release/examples/bench risk

risk-report: ## recall and false alarms of the risk engine by class; SHOW=train shows what it judges wrongly
	@$(CARGO) run --quiet --release --example risk-report -- $(SHOW)

fuzz-smoke: ## every fuzz target for FUZZ_SECONDS (10) on nightly (needs cargo-fuzz: cargo install cargo-fuzz)
	bash scripts/fuzz-smoke.sh $(FUZZ_SECONDS)

fuzz-risk: ## the risk engine against a jailed shell for FUZZ_SECONDS (10): nothing runs that it did not foresee; SEED=n repeats
	@$(CARGO) run --quiet --example fuzz-risk -- $(FUZZ_SECONDS) $(SEED)

features: ## rows of docs/features.md that no test shows yet
	@bash scripts/features.sh

clean: ## remove what was built
	$(CARGO) clean
