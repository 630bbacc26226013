# `make check` is what CI runs on every change; every target works on a fresh clone after `make setup`.
PYTHON ?= $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)
export PATH := $(PATH):/usr/sbin:/sbin

.PHONY: setup example check ci fix lint types test props kernel bless docs grammar wheel bench

setup:            ## install fwc and its development tools into the environment of $(PYTHON)
	$(PYTHON) -m pip install -q -e '.[dev]'

example:          ## compile an example and print it
	$(PYTHON) -m fwc compile examples/web-server/policy.fw --target nftables

lint:             ## formatting and lint
	$(PYTHON) -m ruff format --check src tests benchmarks
	$(PYTHON) -m ruff check src tests benchmarks

types:            ## mypy --strict
	$(PYTHON) -m mypy

test:             ## the default tests on all processors; kernel tests skip with a reason without root
	$(PYTHON) -m pytest -q -n auto --dist worksteal

check: lint types test

ci: check wheel

fix:              ## format and apply safe lint fixes
	$(PYTHON) -m ruff check --fix src tests benchmarks
	$(PYTHON) -m ruff format src tests benchmarks

grammar:          ## the parser's tables and the packaged services, from grammar/ and policies/std
	$(PYTHON) grammar/generate.py

wheel:            ## build the wheel and use it outside the checkout
	$(PYTHON) -m pytest -q tests/packaging -m packaging

props:            ## the properties from other seeds, and more random policies (no kernel)
	for seed in 1 2 3 4 5; do $(PYTHON) -m pytest -q -n auto --dist worksteal tests/properties tests/unit -m 'not kernel and not packaging' \
	    --hypothesis-seed=$$seed || exit 1; done
	$(PYTHON) -m tests.kernel.campaign --policies 500 --packets 100 --no-kernel

kernel:           ## packets through the running kernel (root): the tests, then the whole campaign
	$(PYTHON) -m pytest -q -n auto --dist worksteal -m kernel
	$(PYTHON) -m tests.kernel.campaign --policies 1000 --packets 100
	$(PYTHON) -m tests.kernel.campaign --policies 1000 --packets 100 --long

bless:            ## rewrite the expected files of tests/cases; review the difference
	$(PYTHON) -m tests.compile_cases
	$(PYTHON) -m tests.convert_cases
	FWC_BLESS=1 $(PYTHON) -m pytest -q tests/test_lint_cases.py tests/unit/lang/test_syntax_gallery.py

docs:             ## the pages of the lints and of the targets, from docstrings and capability tables
	PYTHONPATH=src $(PYTHON) docs/generate.py

bench:            ## compile, start and packet costs beside the peers that are installed; writes docs/performance.md
	PYTHONPATH=src $(PYTHON) -m benchmarks.run
