# Everything runs in .venv, which the first target that needs it makes.
PYTHON ?= python3
BIN := .venv/bin
OUT ?= report

.DEFAULT_GOAL := help
.PHONY: help report test test-long lint types types-js docs pictures unit minima nbgrader otter format clean

help:  ## what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

report: .venv/installed  ## run the whole report again; prints where index.html lies (OUT=folder)
	$(BIN)/chainrule report --out $(OUT)

test: .venv/installed-test  ## every check: lint, types, documentation, tests (all but the long ones)
	$(MAKE) --jobs 2 --output-sync lint types docs
	$(MAKE) unit

lint: .venv/installed-test  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed-test  ## mypy, strict
	$(BIN)/mypy

types-js:  ## TypeScript's compiler, by which the tests check the lab's page (needs npm)
	npm install --silent --no-save --no-audit --no-fund --prefix .venv/node \
		typescript@7.0.2 preact@11.2.0 htm@3.1.1 uplot@1.6.32

docs: .venv/installed-test  ## the documentation as web pages, in docs/_build
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build

pictures: .venv/installed-test  ## the pictures of the lab's tour (needs Chromium)
	PYTHONPATH=tests $(BIN)/python tests/lab_pictures.py

# Numba's caches do not see a change in a file that theirs calls: those of another day must go.
# What is compiled once is not by each of a thousand commands, where PYTHONDONTWRITEBYTECODE is set.
unit: .venv/installed-test  ## the tests
	find src -name '*.nb[ic]' -delete
	$(BIN)/python -m compileall -q src
	$(BIN)/pytest -n 2 --dist worksteal -m "not long"

test-long: .venv/installed-test  ## the few tests of half a minute or more each
	$(BIN)/pytest -n 2 --dist worksteal -m long

# What old versions of libraries call in new ones of others is not ours: deprecations are passed over.
minima:  ## the quick tests with the lowest versions that pyproject.toml declares, in .venv-minima
	$(PYTHON) -m venv --clear .venv-minima
	$(PYTHON) tests/minima.py . > .venv-minima/constraints.txt
	.venv-minima/bin/python -m pip install --quiet --constraint .venv-minima/constraints.txt \
		--editable '.[addresses,all,onnx,ray,tensorboard]' beartype efficientnet-lite-pytorch \
		faker httpx httpx2 hypothesis pypdf pytest pytest-xdist rapidfuzz sympy
	.venv-minima/bin/python tests/minima.py . --tried
	.venv-minima/bin/pytest -n 2 -m "not slow and not long" --ignore tests/test_docs.py \
		-W ignore::pytest.PytestRemovedIn10Warning -W ignore::DeprecationWarning \
		-W ignore::pytest.PytestUnraisableExceptionWarning  # files that Ray 2.51 leaves open

nbgrader:  ## nbgrader itself on the practical's notebooks, in .venv-nbgrader
	$(PYTHON) -m venv --clear .venv-nbgrader
	.venv-nbgrader/bin/python -m pip install --quiet --constraint constraints.txt \
		--editable '.[practical]' nbgrader beartype hypothesis pytest pytest-xdist
	.venv-nbgrader/bin/pytest -W default tests/practical/notebooks/nbgrader_itself.py

otter:  ## Otter itself on the practical's notebooks, in .venv-otter
	$(PYTHON) -m venv --clear .venv-otter
	.venv-otter/bin/python -m pip install --quiet --constraint constraints.txt \
		--editable '.[practical]' otter-grader beartype hypothesis pytest pytest-xdist
	.venv-otter/bin/pytest -W default tests/practical/notebooks/otter_itself.py

format: .venv/installed-test  ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove what the other targets made
	rm -rf .venv .venv-minima .venv-nbgrader .venv-otter docs/_build $(OUT) .pytest_cache .mypy_cache .ruff_cache

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all]'
	touch $@

.venv/installed-test: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@
