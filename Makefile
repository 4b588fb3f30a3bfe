# Two commands: `make lab` opens the course, `make test` proves it. Both set up first, and only when something changed.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
ARGS   ?=

.PHONY: lab test lint notebooks release clean

lab: $(READY)
	$(BIN)/weft lab $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

lint: $(READY)
	$(BIN)/ruff check lib tests benchmarks source
	$(BIN)/ruff format --check lib tests benchmarks
	$(BIN)/mypy

notebooks: $(READY)   ## source/*/*.nb.py and .ipynb in step, then release/ from them
	$(BIN)/python -m weft.course.pairing
	$(BIN)/weft release

clean:
	rm -rf $(VENV)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Weft needs Python 3.11 or later, this is %s. Try: make $(MAKECMDGOALS) PYTHON=python3.11" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV): a minute or two, once and after an update."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,cluster]' -c constraints.txt
	@touch $@
