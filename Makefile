# make demo    a study on this machine, from nothing to a report
# make test    every test, two files at a time, and how much of the code they reach
# make test-core   all but the tests marked slow, without coverage, for while you work
# make check   what the code must pass besides: style, types, floors, no duplicate names
# make bench   timings, printed beside their targets; never part of CI
# make bench-instrument   how far latencies can be trusted; takes long, and an idle machine;
#   broken off, it goes on where it was
BIN := .venv/bin

.PHONY: demo test test-core check bench bench-instrument format clean

demo:
	@scripts/setup run
	@$(BIN)/opscope study run conv-channels -p onnxruntime-cpu -p openvino-cpu
	@$(BIN)/opscope report conv-channels

test:
	@scripts/setup dev
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --dist loadfile
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

test-core:
	@scripts/setup dev
	$(BIN)/python -m pytest -m 'not slow'

check:
	@scripts/setup dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench:
	@scripts/setup dev
	$(BIN)/python -m benchmarks

bench-instrument:
	@scripts/setup dev
	@$(BIN)/python -m pip install --quiet --quiet torch==2.13.0
	@$(BIN)/python -u -m benchmarks.instrument

format:
	@scripts/setup dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis htmlcov .coverage*
