# Thin shortcuts: the environment from the locks, and the `financial-pipeline` command in it.
# Options of the command go into ARGS: make demo ARGS="--loans 10000"

VENV := .venv
BIN := $(VENV)/bin
DOCS := .venv-docs
AIRFLOW := .venv-airflow
AUDIT := build/audit
MUTATION := build/mutation
DIST := dist
UV := $(BIN)/uv
RUN := $(BIN)/financial-pipeline
LOCK := $(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate
INSTALL := $(UV) pip install --quiet --python $(BIN)/python
# True where an interpreter is 3.11 to 3.13, an empty line for another.
FITS := import sys; print((3, 11) <= sys.version_info[:2] <= (3, 13) or "")
NAMES := python3.11 python3.12 python3.13 python3
# financial_pipeline_tests/balance.py says which tests stay together and which start first.
PROCESSES := 2
PYTEST = $(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder
PYTHON ?= $(firstword $(foreach name,$(NAMES),$(if $(shell $(name) -c '$(FITS)' 2>/dev/null),$(name))))

# The first process compiles what it imports for all later ones; without that each waits 4 s.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo dev dashboard ingest transform docs dictionary notebooks airflow test test-slow test-nightly test-all mutation lint types definitions dist lock clean java jars-lock docker-secrets

help:  ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.classes  ## Make .venv from its lock, and compile flink/java

demo: java setup  ## Run the whole graph on the simulated world and print its figures
	@$(RUN) demo $(ARGS)

dev: java setup  ## Open the asset graph in Dagster's web interface, and the dashboard
	@$(RUN) dev $(ARGS)

dashboard: setup  ## Open the dashboard over the published version
	@$(RUN) dashboard $(ARGS)

ingest: setup  ## Archive the files of the drop folder
	@$(RUN) ingest $(ARGS)

transform: java setup  ## Stage, build, check and publish the archived files
	@$(RUN) transform $(ARGS)

docs: $(VENV)/.runtime $(DOCS)/.site  ## Build the documentation, dbt's included, into build/site
	@$(RUN) docs --output build/dbt.html $(ARGS)
# --quiet would hide the warnings that --strict counts.
	@$(DOCS)/bin/properdocs build --strict
	@echo 'Open build/site/index.html in a browser.'

dictionary: $(VENV)/.runtime  ## Write the generated pages of docs/, and the column lineage from SQL
	@$(RUN) docs --pages docs

notebooks: $(VENV)/.development  ## Execute the notebooks over the published version, into build/notebooks
	@mkdir -p build/notebooks
	@$(BIN)/jupyter execute notebooks/*.ipynb --output '../build/notebooks/{notebook_name}' $(ARGS)
	@echo 'Open build/notebooks in Jupyter or an editor.'

airflow: $(AIRFLOW)/.airflow  ## Make .venv-airflow, in which a nightly test runs the DAGs of docs/airflow

test: java $(VENV)/.development $(VENV)/.classes  ## Run the tests of every push: each package, one pass of Kafka, Flink, Spark and a browser
	@$(PYTEST) $(ARGS)

test-slow: java $(VENV)/.development $(VENV)/.classes  ## Run the longer tests, which CI runs after those
	@$(PYTEST) -m 'slow and not nightly' $(ARGS)

test-nightly: java $(VENV)/.development $(VENV)/.classes  ## Run the tests with kills, clusters and load: about 70 minutes
	@$(PYTEST) -m nightly $(ARGS)

test-all: test test-slow test-nightly  ## Run every test

mutation: $(VENV)/.development $(MUTATION)/.tools  ## Change modules in small ways: a test must fail each time
	@$(BIN)/python -m financial_pipeline_tests.mutation $(ARGS)

lint: $(VENV)/.development  ## Check the form of Python and SQL
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/sqlfluff lint --disable-progress-bar dbt_project

types: $(VENV)/.development  ## Check the types
	@$(BIN)/mypy

definitions: $(VENV)/.development  ## Load every asset, check, job, schedule and sensor, as Dagster does
	@home=$$(mktemp -d) && cp dagster.yaml "$$home" && DAGSTER_HOME="$$home" $(BIN)/dg check defs; \
	status=$$?; rm -rf "$$home"; exit $$status

dist: $(AUDIT)/.tools  ## Build sdist, wheel and the list of their dependencies (SBOM) into dist
	@$(UV) build --quiet --clear --build-constraints .ci/build.txt --require-hashes --out-dir $(DIST)
	@$(AUDIT)/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml \
		--output-reproducible --output-file $(DIST)/financial-pipeline.cdx.json

docker-secrets: docker/secrets/postgres_password  ## Make the password of docker/compose.yaml, once, and its drop folder
# An engine would make it for root.
	@mkdir -p drop

# Containers of other users read the file; the folder keeps other people out.
docker/secrets/postgres_password:
	@mkdir -p -m 700 docker/secrets
	@$(PYTHON) -c 'import secrets; print(secrets.token_hex(24), end="")' > $@
	@chmod 444 $@

jars-lock: $(VENV)/.runtime  ## Resolve flink/jars.lock again
	@$(BIN)/python -m financial_pipeline.local_cluster.jars_lock

lock: $(UV)  ## Resolve the locks again; what is locked stays unless pyproject.toml forbids it
	@$(LOCK) pyproject.toml --output-file requirements.lock
	@$(LOCK) pyproject.toml --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	@$(LOCK) --group docs --output-file docs/requirements.lock
	@$(LOCK) --group airflow --output-file docs/airflow/requirements.lock
	@$(LOCK) --group build --output-file .ci/build.txt
	@$(LOCK) --group audit --output-file .ci/audit.txt
	@$(LOCK) --group mutation --output-file .ci/mutation.txt

clean:  ## Remove .venv and every cache, but no data
	@rm -rf $(VENV) $(DOCS) $(AIRFLOW) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@rm -rf dbt_project/target dbt_project/logs spark-warehouse test-artifacts
	@find financial_pipeline financial_pipeline_tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Checked before anything is installed.
java:
	@case "$$SPARK_MASTER" in sc://*) exit 0 ;; esac; \
	command="$${JAVA_HOME:+$$JAVA_HOME/bin/}java"; \
	case "$$("$$command" -version 2>&1)" in \
		*'version "17'*|*'version "21'*) ;; \
		*) echo 'Java 17 or 21 is needed for Spark and was not found: install it, or set JAVA_HOME.' >&2; exit 1 ;; \
	esac

$(UV):
	@test -x $(BIN)/python || test -n "$$($(PYTHON) -c '$(FITS)' 2>/dev/null)" || \
	{ echo 'Python 3.11, 3.12 or 3.13 is needed: install one, or name it with make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@test -x $(BIN)/python || { echo 'Making $(VENV) with $(PYTHON)'; $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement .ci/uv.txt

$(VENV)/.runtime: requirements.lock pyproject.toml | $(UV)
	@echo 'Installing requirements.lock into $(VENV)'
	@$(INSTALL) --require-hashes --requirement requirements.lock
	@$(INSTALL) --no-deps --editable .
	@touch $@

$(VENV)/.development: requirements-dev.lock pyproject.toml | $(UV)
	@echo 'Installing requirements-dev.lock into $(VENV)'
	@$(INSTALL) --require-hashes --requirement requirements-dev.lock
	@$(INSTALL) --no-deps --editable .
# The development lock contains all of requirements.lock.
	@touch $(VENV)/.runtime $@

$(DOCS)/.site: docs/requirements.lock | $(UV)
	@echo 'Installing docs/requirements.lock into $(DOCS)'
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python $(DOCS)
	@$(UV) pip install --quiet --python $(DOCS)/bin/python --require-hashes --requirement docs/requirements.lock
	@touch $@

$(AIRFLOW)/.airflow: docs/airflow/requirements.lock | $(UV)
	@echo 'Installing docs/airflow/requirements.lock into $(AIRFLOW)'
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python $(AIRFLOW)
	@$(UV) pip install --quiet --python $(AIRFLOW)/bin/python --require-hashes --requirement docs/airflow/requirements.lock
	@touch $@

$(AUDIT)/.tools: .ci/audit.txt | $(UV)
	@echo 'Installing .ci/audit.txt into $(AUDIT)'
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python $(AUDIT)
	@$(UV) pip install --quiet --python $(AUDIT)/bin/python --require-hashes --requirement .ci/audit.txt
	@touch $@

$(MUTATION)/.tools: .ci/mutation.txt | $(UV)
	@echo 'Installing .ci/mutation.txt into $(MUTATION)'
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python $(MUTATION)
	@$(UV) pip install --quiet --python $(MUTATION)/bin/python --require-hashes --requirement .ci/mutation.txt
	@touch $@

# What does not compile here (no Java, no network) is compiled when a stream starts.
$(VENV)/.classes: $(wildcard flink/java/*.java) flink/jars.lock requirements.lock | $(VENV)/.runtime
	@echo 'Compiling flink/java'
	@if $(BIN)/python -m financial_pipeline.local_cluster.java_classes; then touch $@; fi
