# Carepath. `make` alone lists what can be made.
#
# Needed: Rust (rust-toolchain.toml says which; rustup fetches it), a C compiler, Node 20 or newer, and Python 3.10 or newer
# with `venv`. Everything else comes, pinned, into target/ and node_modules/.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run build console console-if-node console-test test properties synth lint advisories fmt bench model histories chaos \
  deploy aws-local aws-test doc clean

VENV := target/venv
CHECKOV := target/venv-checkov
LAMBDA := target/venv-lambda
CONSOLE := console
FUNCTIONS := api engagement timer executor projector
# Cargo finds its subcommands (deny, nextest) on the path.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

help: ## list what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: console-if-node ## the whole system on this machine, with examples; Ctrl-C stops it
	cargo run --locked -p carepath -- dev --seed

build: console-if-node ## release binary with the console in it: target/release/carepath
	cargo build --locked --release -p carepath

console: $(CONSOLE)/node_modules/ready ## the web console: console/dist, which `carepath` takes into itself
	npm --prefix $(CONSOLE) run --silent build

# Who has no Node gets everything but the console; its page then says how to build it.
console-if-node:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory console; \
	else echo 'console: SKIPPED, it needs Node 20 or newer'; fi

console-test: console ## lints and unit tests of the console, and its pages in Chromium against a real `carepath dev`
	npm --prefix $(CONSOLE) run --silent lint
	npm --prefix $(CONSOLE) run --silent unit
	cargo build --locked --workspace --all-targets
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium fonts-noto-core; } \
	  || { echo 'needs Chromium (Debian: apt install chromium)'; exit 3; }
	npm --prefix $(CONSOLE) run --silent browser

test: lint synth console ## everything that CI checks
	cargo build --locked --workspace --all-targets
	cargo test --locked --workspace --doc --quiet
	PROPTEST_RNG_SEED=1 cargo nextest run --locked --workspace --all-targets --profile $(if $(CI),ci,default)
	$(MAKE) --no-print-directory aws-test
	$(MAKE) --no-print-directory console-test

# Only our own crates are built anew: what they depend on is optimised in every build.
model: ## the protocol, exhaustively to its bound: every order, crash and silence
	CAREPATH_MODEL=full CARGO_PROFILE_DEV_OPT_LEVEL=2 \
	cargo test --locked --workspace --test model -- --nocapture --test-threads=1

# `make test` comes out the same way each time. What chance finds is looked for here, and mended with a test of its own.
properties: ## properties of the engine over many more random cases than `make test` has, other ones each time
	PROPTEST_CASES=100000 cargo nextest run --locked --workspace --all-targets --no-fail-fast --profile long -E 'package(carepath-engine)'

lint: $(VENV)/ready advisories ## formatting, clippy, dependency rules, spelling
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo deny --log-level warn check --hide-inclusion-graph bans licenses sources
	typos

synth: $(VENV)/ready $(CHECKOV)/ready infra/node_modules/.ready ## the stacks for AWS, held against all rules; needs no account
	npm --prefix infra run --silent check
	npm --prefix infra run --silent test

advisories: $(VENV)/ready ## known vulnerabilities of dependencies, where the database can be reached
	@if timeout 60 cargo deny --log-level off fetch db > target/advisories.log 2>&1; \
	then cargo deny --log-level warn check --hide-inclusion-graph advisories; \
	else echo 'advisories: SKIPPED, the RustSec database cannot be reached from here'; fi

fmt: infra/node_modules/.ready ## format the sources
	cargo fmt --all
	npm --prefix infra run --silent format

bench: STORED ?= 0
bench: build $(VENV)/ready ## how fast: the engine, 10,000 contacts through `carepath dev` (beside STORED=1000000 others), the functions' starts, a daily sweep
	cargo bench --locked -p carepath-engine --bench engine
	tests/bench/load.sh 10000
	$(if $(filter-out 0,$(STORED)),tests/bench/load.sh 10000 $(STORED))
	cargo build --locked --profile function $(FUNCTIONS:%=-p carepath-%)
	cargo build --locked --profile function -p carepath-timer --example empty
	CAREPATH_LAMBDAS=$(CURDIR)/target/function cargo nextest run --locked -p carepath-aws --no-capture --run-ignored only \
	  -E 'test(the_slope_of_the_daily_sweep) | test(the_functions_are_small)'

chaos: $(VENV)/ready infra/node_modules/.ready ## kill -9 under load, of `dev` and of the deployed functions; KILLS=25 PEOPLE=200 of each round, SEED=n
	CAREPATH_CHAOS_KILLS=$(or $(KILLS),25) CAREPATH_CHAOS_PEOPLE=$(or $(PEOPLE),200) RUST_BACKTRACE=0 \
	cargo nextest run --locked --workspace --no-capture --profile long -E 'test(chaos::)'
	$(if $(SEED),CAREPATH_CHAOS_SEED=$(SEED)) CAREPATH_CHAOS_KILLS=$(or $(KILLS),25) \
	$(call deployed,target/debug,chaos,s28_)

# Played as tests are built, but for two crates that make the decisions: these are worth the wait.
histories: N ?= 10000
histories: ## N seeded histories of faults (10000), thousands a minute; SEED=60 tells one of them step by step
	$(if $(SEED),CAREPATH_SEED=$(SEED),CAREPATH_SEEDS=$(N)) cargo test --locked --quiet -p carepath-app --test it \
	  --config profile.dev.package.carepath-engine.opt-level=2 --config profile.dev.package.carepath-app.opt-level=2 \
	  -- --nocapture s28_every_law_holds_in_every_history

# cargo-lambda would have a panic abort; a batch outlives the panic of one message, so the workspace's own profile counts.
deploy: $(LAMBDA)/ready infra/node_modules/.ready console ## build for arm64 and deploy to the account that the AWS CLI stands in; SETTINGS=FILE
	PATH="$(CURDIR)/$(LAMBDA)/bin:$$PATH" cargo lambda build --locked --profile function --arm64 --disable-optimizations $(FUNCTIONS:%=-p carepath-%)
	cd infra && node_modules/.bin/cdk deploy --all --strict --no-lookups --outputs-file ../target/deployed.json \
	  --context binaries=../target/lambda $(if $(SETTINGS),--context settings=$(abspath $(SETTINGS)))
	infra/upload-console.sh

aws-local: $(VENV)/ready infra/node_modules/.ready ## an AWS on this machine with all of it deployed; Ctrl-C stops it
	cargo build --locked --profile function $(FUNCTIONS:%=-p carepath-%)
	tests/aws/stack.py up --binaries target/function

aws-test: $(VENV)/ready infra/node_modules/.ready ## stories of users on such a system, with the binaries as they are deployed
	cargo build --locked --profile function $(FUNCTIONS:%=-p carepath-%)
	$(call deployed,target/function,test,what_users_do)

# Tests on a deployment of their own: with which binaries, under which name, and which of them.
define deployed
	tests/aws/stack.py run --binaries $(1) --file target/aws-local/$(2).json --longest-delay 3 -- \
	  cargo nextest run --locked --workspace --all-targets --run-ignored only --no-capture --profile long -E 'binary(aws) & test($(3))'
endef

doc: ## documentation of the crates: target/doc
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps

clean: ## remove what was built; the data of `make run` in .carepath/ stays
	cargo clean
	rm -rf infra/node_modules $(CONSOLE)/node_modules $(CONSOLE)/dist/assets $(CONSOLE)/dist/index.html

$(CONSOLE)/node_modules/ready: $(CONSOLE)/package-lock.json
	npm --prefix $(CONSOLE) ci --silent
	@touch $@

$(VENV)/ready: tools/requirements.txt tools/constraints.txt
	$(call environment,$(VENV),tools/requirements.txt)
	@touch $@

$(CHECKOV)/ready: tools/checkov.txt tools/constraints-checkov.txt
	$(call environment,$(CHECKOV),tools/checkov.txt)
	@touch $@

$(LAMBDA)/ready: tools/lambda.txt
	$(call environment,$(LAMBDA),tools/lambda.txt)
	@touch $@

define environment
	@python3 -m venv --clear $(1) || { echo 'needs Python 3 with venv (Debian: apt install python3-venv)'; exit 3; }
	$(1)/bin/pip install --quiet --disable-pip-version-check --requirement $(2)
endef

# No script of a package runs at its installation.
infra/node_modules/.ready: infra/package.json infra/package-lock.json
	@command -v npm > /dev/null || { echo 'needs Node 20 or newer (https://nodejs.org)'; exit 3; }
	npm --prefix infra ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
