# make demo    a bare Debian 12 with cargo: installs what is missing, builds, runs the demo
# make test    installs what the tests need, runs all of them (CI does this)
# make k6      the journey in k6, against a demo of its own or TARGET=https://shop.example
# make bench-reserve    a reservation beside redis-benchmark and Express with the same script
# make lint | fmt | check    the short loops while writing

.PHONY: demo test k6 bench-reserve lint fmt check build
.DEFAULT_GOAL := demo

# Arguments for `vestibule demo`, for example DEMO="--visitors 2000 --exit".
DEMO ?=
# Arguments for `k6 run`, for example K6="--vus 1000".
K6 ?=
# Arguments for the measurement, for example BENCH="--rounds 3 --only success --json bench.json".
BENCH ?=

demo:
	@scripts/demo.sh $(DEMO)

test:
	@scripts/test.sh

k6:
	@scripts/k6.sh $(K6)

bench-reserve:
	@scripts/bench-reserve.sh $(BENCH)

build:
	cargo build --release --locked -p vestibule

lint:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings

fmt:
	cargo fmt --all

check:
	cargo check --locked --workspace --all-targets
