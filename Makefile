# One command sets up, one checks. Bare `make` prints this help.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
BROKER_LIBS := .broker/libs
LEDGER_TESTS := $(addprefix tests/domain/test_ledger, .py _totals.py _time.py _points.py _damage.py _any_history.py)
MUTATION := domain/ledger $(LEDGER_TESTS)
BENCHMARKS := ingest ingest-kafka project late rebuild freshness read redeem redeem-http close whatif

.DEFAULT_GOAL := help
.PHONY: help env lock demo check test test-postgres-15 test-slow mutation broker bench clean

help: ## print this help
	@awk 'BEGIN { FS = ":.*## " } /^[a-zA-Z0-9%-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  benchmarks: $(BENCHMARKS)"

env: $(INSTALLED) ## make the environment in .venv (only when its inputs changed)

# uv is faster; a plain Python gives the same versions, checked by the same hashes.
$(INSTALLED): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or later is needed, $(PYTHON) is older: say make PYTHON=python3.12"; exit 1; }
	@if command -v uv >/dev/null 2>&1; then \
		echo "making $(VENV) with uv" \
		&& uv venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" $(VENV) \
		&& uv pip install --quiet --python $(RUN)/python --require-hashes -r requirements.txt \
		&& uv pip install --quiet --python $(RUN)/python --no-deps --no-build-isolation -e . ; \
	else \
		echo "making $(VENV) with pip" \
		&& $(PYTHON) -m venv $(VENV) \
		&& $(RUN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt \
		&& $(RUN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $@

lock: ## pin every dependency again (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--group dev --upgrade --quiet --output-file requirements.txt pyproject.toml

demo: env ## start everything on this machine with a simulated business
	$(RUN)/vinculo demo $(ARGS)

check: env ## lint, types, arrows, schemas, fast tests
	$(RUN)/ruff check
	$(RUN)/ruff format --check
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/vinculo schemas --check
	$(RUN)/python -m pytest -m "not server and not broker and not slow" $(ARGS)

test: env broker ## all tests but the slow ones, on a real PostgreSQL and a real Kafka broker
	$(RUN)/python -m pytest -m "not slow" $(ARGS)

test-postgres-15: env ## the database tests on the distribution's PostgreSQL 15
	VINCULO_TEST_POSTGRES=15 $(RUN)/python -m pytest -m "server and not broker and not slow" $(ARGS)

test-slow: env broker ## the tests that take minutes
	$(RUN)/python -m pytest -m slow $(ARGS)

# Another package: make mutation MUTATION="domain/programmes tests/domain/test_programme*.py"
mutation: env ## change the ledger in small ways, and count how many its tests notice (slow)
	$(RUN)/python -m tests.mutation $(MUTATION) $(ARGS)

bench: $(addprefix bench-,$(BENCHMARKS)) ## run every benchmark, each prints one JSON line

bench-%: env broker ## run one benchmark, for example make bench-ingest
	$(RUN)/python -m benchmarks.$(subst -,_,$*) $(ARGS)

broker: ## fetch the Kafka broker of the tests (unless KAFKA_BOOTSTRAP_SERVERS names one)
	@if [ -n "$$KAFKA_BOOTSTRAP_SERVERS" ]; then \
		echo "using the broker at $$KAFKA_BOOTSTRAP_SERVERS"; \
	elif command -v mvn >/dev/null 2>&1; then \
		$(MAKE) --no-print-directory $(BROKER_LIBS)/.complete; \
	elif [ "$$CI" = true ]; then \
		echo "Maven is needed to fetch the Kafka broker: install it, or set KAFKA_BOOTSTRAP_SERVERS"; exit 1; \
	else \
		echo "Maven is missing: tests that need a Kafka broker will be skipped"; \
	fi

$(BROKER_LIBS)/.complete: tests/servers/broker/pom.xml
	mvn --quiet --batch-mode --file $< dependency:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory=$(CURDIR)/$(BROKER_LIBS)
	@touch $@

clean: ## remove the environment, the broker and every cache (no data)
	rm -rf $(VENV) .broker .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
