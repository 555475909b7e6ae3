# make run    the controller on the sample manifests, in the foreground
# make test   all that CI checks: format, lint, types, layers, tests, end to end
# make vm     the tests that need systemd and cgroup v2, in an emulated machine (docs/testing.md)
# make release-check  what takes too long for CI: each Python, Debian, pre-commit (docs/releasing.md)
# make wheel  an sdist and a wheel, in dist/ (docs/releasing.md)
# make deb    a Debian package for this Debian, in dist/ (docs/releasing.md)
# make site   the documents as pages for a browser, in build/docs/site
# make man    the manual pages, in build/man1 (docs/releasing.md)
# make cover  coverage of the unit tests, into docs/testing.md
# make picture  docs/architecture.svg, from the imports
# make pictures  docs/pictures: the page and the monitor, of the sample as it runs
# make reliability  docs/reliability.md: the matrices run, and what long runs left in $(RESULTS)
# make faults  CRASHES=10000 crashes of the controller, each at one of its effects (docs/testing.md)
# make bench  all figures, measured here beside the peers, into README.md and docs/performance.md
# make soak HOURS=2  docs/soak.md: is what a controller holds level after hours of work?
# make fuzz SECONDS=600  each reader of foreign input, so long, guided by coverage
# make simulate SEEDS=10000   controller and host under seeds, with faults (docs/testing.md)

PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,\
  $(shell command -v $(p) >/dev/null && \
  $(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))
BIN := .venv/bin
.PHONY: run test check unit e2e release-check compiled vm bench soak fuzz simulate reliability cover picture pictures site wheel deb man clean

run: .venv/installed
	@exec $(BIN)/recon run --manifests manifests

test: check unit e2e

check: .venv/developing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.prose

unit: compiled
	$(BIN)/pytest tests -n 3 -rs

e2e: compiled
	$(BIN)/python -m e2e.flaky e2e -n 3 --dist loadgroup -rs

release-check: compiled
	RECON_RELEASE_CHECK=1 $(BIN)/pytest e2e/install e2e/test_review.py -rs

# Tests start recon hundreds of times, and not every machine lets Python keep what it has compiled.
compiled: .venv/developing
	@$(BIN)/python -m compileall -q reconciler

vm: .venv/developing
	@$(BIN)/python -m e2e.vm $(VM)

# The long parts (make simulate, faults, fuzz, soak) add to the same folder, before or after.
RESULTS ?= build/results
reliability: compiled
	RECON_RESULTS=$(abspath $(RESULTS)) $(BIN)/pytest e2e/matrix -n 3 -rs; \
	$(BIN)/python -m e2e.reliability $(RESULTS)

CRASHES ?= 500
faults: .venv/developing
	@$(BIN)/python -m e2e.faults --crashes $(CRASHES)

bench: .venv/developing
	$(BIN)/python -m e2e.bench --write

HOURS ?= 2
soak: compiled
	$(BIN)/python -m e2e.soak --hours $(HOURS)

SECONDS ?= 600
fuzz: compiled
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

cover: .venv/developing
	$(BIN)/pytest tests -n 2 --cov --cov-report=
	$(BIN)/coverage json -q -o .coverage.json
	$(BIN)/python -m tests.covered .coverage.json

picture: .venv/developing
	$(BIN)/python -m tests.architecture

pictures: .venv/developing
	$(BIN)/python -m e2e.pictures

site: .venv/developing
	@$(BIN)/python -m e2e.site

SEEDS ?= 300
simulate: .venv/developing
	$(BIN)/python -m tests.simulate --seeds $(SEEDS) $(if $(PLANTED),--planted)

wheel: .venv/developing
	rm -rf dist
	$(BIN)/python -m build --outdir dist

# By Debian's own Python: its version is the one that the package needs.
deb:
	@/usr/bin/python3 packaging/deb/build.py

man: .venv/installed
	@$(BIN)/recon man --output build/man1

.venv/installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "recon needs Python 3.11 or newer"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "This Python comes without venv: on Debian and Ubuntu, apt-get install python3-venv"; \
	  exit 1; }
	@echo "creating .venv and installing recon into it (once; up to a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --editable .
	@touch $@

.venv/developing: .venv/installed
	@echo "installing the tools that the tests need (once)"
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
