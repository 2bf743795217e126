# Needs Python 3.11 or newer with venv, and make; everything else goes into .venv, by itself, when it is needed.
# Another Python than python3: make PYTHON=python3.13 …, before .venv exists or after `make clean`.
PYTHON ?= python3
BIN := .venv/bin
# Twice quiet: errors only, so that the first thing a newcomer sees is not what pip thinks of the machine.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench torture soak lock migration clean

help: ## Say what there is to make
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 18

demo: .venv/runtime.stamp ## See tunewatch work, with nothing configured; Ctrl-C ends it
	@$(BIN)/tunewatch demo $(ARGS)

test: lint ## Everything that a change must pass
	$(BIN)/python -m pytest -n auto $(ARGS)
	tests/check_wheel.sh

lint: .venv/dev.stamp ## The part of it that runs nothing: format, rules, types, who imports whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: .venv/dev.stamp ## Measure the numbers that the project promises to hold
	$(BIN)/python -m benchmarks $(ARGS)

torture: .venv/dev.stamp ## Kill the daemon 300 times, half an hour; ARGS="--kills 60 --seed 1" for less
	$(BIN)/python -m tests.torture $(ARGS)

soak: .venv/dev.stamp ## Watch the daemon at work for 20 minutes: does it grow? ARGS="--minutes 5" for less
	$(BIN)/python -m tests.torture.soak $(ARGS)

# Versions stay as they are as long as pyproject.toml allows them; UPGRADE=1 takes the newest. The files name no
# place to download from: each machine has its own. uv is a tool to write them, not a thing they list.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header $(if $(UPGRADE),--upgrade)

lock: .venv/bin/python ## Write requirements/ anew from pyproject.toml (UPGRADE=1: with the newest versions)
	@$(PIP) install uv
	$(COMPILE) pyproject.toml --output-file requirements/runtime.txt
	$(COMPILE) pyproject.toml --extra parquet --group dev --constraint requirements/runtime.txt --output-file requirements/dev.txt
	echo hatchling | $(COMPILE) - --constraint requirements/dev.txt --output-file requirements/build.txt
	@# Datasette asks for pip and setuptools only to install plugins, which nobody can do in the image.
	echo datasette | $(COMPILE) - --no-emit-package pip --no-emit-package setuptools --output-file requirements/explore.txt

# The difference between the newest revision and schema.py; Alembic does not see views, checks and STRICT.
define NEW_MIGRATION
import os
import tempfile
from pathlib import Path

from alembic import command, config
from service.store import engine, migrate

number = f"{len(list(Path('migrations/versions').glob('[0-9]*.py'))) + 1:04}"
settings = config.Config()
settings.set_main_option("script_location", "migrations")
settings.set_main_option("file_template", "%%(rev)s_%%(slug)s")
with tempfile.TemporaryDirectory() as folder:
    url = f"sqlite:///{folder}/newest.db"
    migrate.upgrade(url)
    with engine.writing(url).connect() as connection:
        settings.attributes["connection"] = connection
        command.revision(settings, message=os.environ["NAME"], autogenerate=True, rev_id=number)
print(f"Read it through, then set REVISION in service/store/identity.py to {number!r}.")
endef

migration: export NEW_MIGRATION := $(NEW_MIGRATION)
migration: .venv/dev.stamp ## Start a migration: make migration NAME="what it does"
	@test -n "$(NAME)" || { echo 'Say what it does: make migration NAME="jobs have an owner"' >&2; exit 2; }
	@$(BIN)/python -c "$$NEW_MIGRATION"
	@$(BIN)/ruff format --quiet migrations

clean: ## Remove .venv and all that was made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -prune -exec rm -rf {} +

# -- .venv, made when it is missing, brought up to date when one of the files it comes from has changed ------------

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is not Python 3.11 or newer; name one that is: make PYTHON=python3.13 …" >&2; exit 1; }
	@# A venv that failed half-way has a python and no pip, and would pass for a finished one.
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/runtime.stamp: requirements/runtime.txt requirements/build.txt pyproject.toml | .venv/bin/python
	@echo "Setting up .venv (the first time this takes a minute)" >&2
	@$(PIP) install --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: requirements/dev.txt pyproject.toml | .venv/bin/python
	@echo "Setting up .venv for development (the first time this takes a minute)" >&2
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ .venv/runtime.stamp
