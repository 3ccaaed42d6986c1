# make demo    a bare Debian 12 with cargo: installs what is missing, builds, runs the demo
# make test    installs what the tests need, runs all of them (CI does this)
# make chaos   kills the purchase side's processes while a crowd buys, and judges (docs/chaos.md)
# make k6      the journey in k6, against a demo of its own or TARGET=https://shop.example
# make plant   plants known bugs and sees that the tests turn red; half an hour
# make schemathesis    the OpenAPI document against the running program; EXAMPLES=500 SEED=7 looks longer
# make bench-reserve    a reservation beside redis-benchmark and Express with the same script
# make lint | fmt | check    the short loops while writing

.PHONY: demo test chaos k6 plant schemathesis bench-reserve lint fmt check build
.DEFAULT_GOAL := demo

# Arguments for `vestibule demo`, for example DEMO="--visitors 2000 --exit".
DEMO ?=
# Words that choose planted bugs, for example BUGS=confirm.
BUGS ?=
# Arguments for `vestibule chaos`, for example CHAOS="--kills 50 --seed 7".
CHAOS ?=
# Arguments for `k6 run`, for example K6="--vus 1000".
K6 ?=
# Arguments for the measurement, for example BENCH="--rounds 3 --only success --json bench.json".
BENCH ?=

demo:
	@scripts/demo.sh $(DEMO)

test:
	@scripts/test.sh

chaos:
	@scripts/chaos.sh $(CHAOS)

k6:
	@scripts/k6.sh $(K6)

plant:
	@scripts/plant.sh $(BUGS)

schemathesis:
	@scripts/schemathesis.sh

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
