# Everything happens in virtual environments below this folder; the machine needs only Python (3.11 or newer) and pip.
PYTHON ?= python3
DEV := .venv
USER_ENV := .venv-demo
BENCH_ENV := .venv-bench
PARALLEL := -n auto --maxprocesses 8 --dist worksteal
OUT ?= build/gpu
DATA ?= ../shared/data/cifar10_jpeg.npz
MINUTES ?= 6.5
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONDONTWRITEBYTECODE # the suite starts hundreds of processes, which would all compile what they import
export MYPY_NUM_WORKERS ?= 2
# What the compiled kernel is built from: after a change, environments build it again.
NATIVE := setup.py $(wildcard native/*.cpp native/*.h) calibeval/core/sums/native_sources.py

.PHONY: demo test quick coverage lint fuzz bench simulations gpu clean

demo: $(USER_ENV)/.installed ## report on the sample data, with what a user installs (no torch)
	$(USER_ENV)/bin/calibeval report sample_data/diamonds.npz#test --out demo
	$(USER_ENV)/bin/calibeval report sample_data/digits_val.npz sample_data/digits_test.csv

test: $(DEV)/.installed lint ## the whole suite, on all cores
	$(DEV)/bin/python -m pytest $(PARALLEL)

quick: $(DEV)/.installed ## while you work: everything but what is marked slow, and of lint the quickest part
	$(DEV)/bin/ruff check --quiet .
	$(DEV)/bin/python -m pytest $(PARALLEL) -m "not slow"

coverage: $(DEV)/.installed ## what quick runs, counting lines and branches: fails below the floor in pyproject.toml
	$(DEV)/bin/python -m pytest $(PARALLEL) -m "not slow" --cov --cov-report=term:skip-covered

fuzz: $(DEV)/.installed ## 20,000 mutants and 20,000 odd files a format, 300 kills, ten times the random cases: about two hours; the kernel under sanitizers
	CALIBEVAL_FUZZ=20000 CALIBEVAL_KILLS=300 $(DEV)/bin/python -m pytest tests/fuzz $$(grep -rl --include='test_*.py' tests.draws tests)
	mkdir -p build
	$(CXX) -O0 -DCHECKED -fsanitize=address,undefined -fno-sanitize-recover=undefined -std=c++17 -ffp-contract=off -Wno-psabi \
		native/kernel.cpp native/harness.cpp -o build/checked_kernel
	build/checked_kernel > build/checked_kernel.txt # some minutes, with the instruction sets of this processor
	$(CXX) -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -std=c++17 native/table_harness.cpp -o build/checked_table
	build/checked_table

bench: $(BENCH_ENV)/.installed ## the tables of docs/benchmarks.md; wants a quiet machine
	$(BENCH_ENV)/bin/python -m tests.benchmarks.run --full

simulations: $(DEV)/.installed ## the tables of docs/statistics.md: hours; QUICK=--quick shows that they run
	$(DEV)/bin/python -m tests.benchmarks.run --simulations $(QUICK)

gpu: ## the sections on a GPU, in OUT, within ten minutes: make gpu PYTHON=a-python-with-torch DATA=cifar10_jpeg.npz
	mkdir -p $(OUT)
	status=0; \
	$(PYTHON) -m tests.benchmarks.training_gpu $(HEADS) > $(OUT)/training_gpu.md || status=1; \
	$(PYTHON) -m tests.benchmarks.device_sums $(SUMS) > $(OUT)/device_sums.md || status=1; \
	$(PYTHON) -m tests.benchmarks.papers --data $(DATA) --minutes $(MINUTES) --records $(OUT)/papers.jsonl $(PAPERS) \
		> $(OUT)/papers.md || status=1; \
	cat $(OUT)/training_gpu.md $(OUT)/device_sums.md $(OUT)/papers.md; exit $$status

lint: $(DEV)/.installed
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports

$(DEV)/.installed: requirements.lock pyproject.toml $(NATIVE)
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python -m pip install --quiet -r requirements.lock
	$(DEV)/bin/python -m pip install --quiet --no-deps --editable .
	touch $@

$(BENCH_ENV)/.installed: requirements.lock pyproject.toml tests/benchmarks/requirements.txt $(NATIVE)
	$(PYTHON) -m venv $(BENCH_ENV)
	$(BENCH_ENV)/bin/python -m pip install --quiet -r requirements.lock -r tests/benchmarks/requirements.txt
	$(BENCH_ENV)/bin/python -m pip install --quiet --no-deps --editable .
	touch $@

$(USER_ENV)/.installed: requirements.lock pyproject.toml $(NATIVE)
	$(PYTHON) -m venv $(USER_ENV)
	$(USER_ENV)/bin/python -m pip install --quiet --constraint requirements.lock .
	touch $@

clean:
	rm -rf $(DEV) $(USER_ENV) $(BENCH_ENV) demo build *.egg-info .*_cache calibeval/core/sums/_native.*.so
