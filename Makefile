# The habits of this project. `make` alone lists them.

CARGO ?= cargo
# Every build takes the whole workspace: with some of its packages, cargo would choose other features
# of shared dependencies and build those again. Where cargo builds; follows CARGO_TARGET_DIR like cargo itself.
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
DEMO_DATA ?= demo-data
# How many executors `make cluster` starts.
scale ?= 3

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests build demo cluster test test-full test-oracle test-clients lint fmt bench bench-cluster clean

help: ## List these targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Fetch the prebuilt DuckDB library and link it as .duckdb.
	@executor/duckdb/fetch

setup-tests: ## As setup, with what only tests need: DuckDB's tpch and tpcds, cargo-nextest.
	@executor/duckdb/fetch extensions
	@$(CARGO) nextest --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-nextest

build: setup ## Build the release binary, target/release/skein.
	$(CARGO) build --release --workspace --bin skein

demo: setup ## Serve sample data on 127.0.0.1:5433; ONCE=1 stops after three queries.
	$(CARGO) build --release --workspace --bin skein --bin demo-data
	@ONCE='$(ONCE)' tests/demo/run '$(TARGET)/release' '$(DEMO_DATA)'

cluster: setup ## Serve sample data with scale=3 executors; ONCE=1 stops after three queries.
	$(CARGO) build --release --workspace --bin skein --bin demo-data
	@ONCE='$(ONCE)' SCALE='$(scale)' tests/demo/cluster '$(TARGET)/release' '$(DEMO_DATA)' '$(DEMO_DATA)/logs'

test: setup-tests ## Run every test but the long ones.
	$(CARGO) test --workspace --doc --quiet
	$(CARGO) nextest run --workspace

test-full: setup-tests ## Run every test, also those at larger scale (an hour or so).
	$(CARGO) test --workspace --doc --quiet
	$(CARGO) nextest run --workspace --profile full --run-ignored all

test-oracle: setup-tests ## Run only the comparisons with a real PostgreSQL.
	$(CARGO) nextest run -p skein-tests --profile full -E 'test(postgres)'

test-clients: build ## Run real clients against Skein and PostgreSQL; installs them.
	tests/clients/run --skein '$(TARGET)/release/skein'

lint: setup ## Check formatting and lints, as .ci/run does.
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

fmt: ## Format the code.
	$(CARGO) fmt --all

bench: setup-tests ## Measure against native DuckDB and PostgreSQL; writes docs/benchmarks.md.
	$(CARGO) build --release --workspace --bin skein --bin bench
	'$(TARGET)/release/bench' --skein '$(TARGET)/release/skein' --write docs/benchmarks.md

bench-cluster: setup-tests ## Measure executors in processes of their own; writes docs/benchmarks-cluster.md.
	$(CARGO) build --release --workspace --bin skein --bin bench
	'$(TARGET)/release/bench' --skein '$(TARGET)/release/skein' --only distributed --write docs/benchmarks-cluster.md

clean: ## Remove what was built and generated in this checkout.
	$(CARGO) clean
	rm -rf '$(DEMO_DATA)'
