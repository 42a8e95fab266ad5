# make demo | plan | demo-down | test | test-host | test-peers | test-aws | bench | profile | docs    (PYTHON=/path/to/python to choose one; default: python3)
SHELL := /bin/sh
PYTHON ?= $(shell tools/find_python default)
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
VENV := .venv-$(VERSION)
RUN = $(VENV)/bin/python -m lab run --
# Every task of a playbook is a process of its own, which would compile megabytes of libraries again.
unexport PYTHONDONTWRITEBYTECODE
# uv takes seconds where pip takes a minute; pip is there for a set-up that only pip knows of (its index, its certificates).
PIP_OPTIONS = --quiet --disable-pip-version-check --require-hashes
INSTALL = install() { $(VENV)/bin/uv pip install --quiet --system-certs --require-hashes --python $(VENV)/bin/python -r "$$1" || \
  { echo "uv could not install the packages; trying pip, which takes longer" >&2; \
    $(VENV)/bin/python -m pip install $(PIP_OPTIONS) -r "$$1"; }; }; install
PLAYBOOK = $(RUN) ansible-playbook -e @lab/variables.yml $(ARGS)

.PHONY: help demo plan demo-down test test-host test-peers test-aws bench profile docs lock clean
help:
	@sed -n '1p' Makefile

# A marker file stands for each set of packages, so that a second `make` installs nothing.
$(VENV)/.uv: requirements/bootstrap.txt
	@test -n "$(VERSION)" || exit 1
	@$(PYTHON) -m venv --clear $(VENV) || { echo "Python's venv module is missing; on Debian: apt install python3-venv" >&2; exit 1; }
	@$(VENV)/bin/python -m pip install $(PIP_OPTIONS) -r requirements/bootstrap.txt
	@touch $@

$(VENV)/.demo: requirements/demo.txt $(VENV)/.uv
	@echo "Setting up $(VENV) (Python $(VERSION), packages of requirements/demo.txt)"
	@$(INSTALL) requirements/demo.txt
	@touch $@

$(VENV)/.docs: requirements/docs.txt $(VENV)/.uv
	@echo "Setting up $(VENV) (Python $(VERSION), packages of requirements/docs.txt)"
	@$(INSTALL) requirements/docs.txt
	@touch $@ $(VENV)/.demo

$(VENV)/.test: requirements/test.txt $(VENV)/.uv
	@echo "Setting up $(VENV) (Python $(VERSION), packages of requirements/test.txt)"
	@$(INSTALL) requirements/test.txt
	@touch $@ $(VENV)/.docs $(VENV)/.demo

demo: $(VENV)/.demo
	@$(VENV)/bin/python -m lab up
	@$(PLAYBOOK) playbooks/site.yml -e report_printed=false
	@$(RUN) sh -c 'cat "$$LAB_DIRECTORY/cluster/report/report.txt"'

plan: $(VENV)/.demo
	@$(VENV)/bin/python -m lab up
	@$(PLAYBOOK) playbooks/site.yml --check --diff

demo-down: $(VENV)/.demo
	@$(VENV)/bin/python -m lab up
	@$(PLAYBOOK) playbooks/reset.yml -e reset_confirmation=yes
	@$(VENV)/bin/python -m lab down

test: $(VENV)/.test
	@$(VENV)/bin/python tests/run.py

# Emulated machines and real servers in namespaces of their own; needs root and Debian packages, which it names.
test-host: $(VENV)/.test
	@$(VENV)/bin/python -m tests.host $(ARGS)

# Compares with the real programs; needs Go.
test-peers: $(VENV)/.test
	@$(VENV)/bin/python -m pytest tests/peers

# Builds in an AWS account and costs money: says how much and asks. ARGS=--help explains the options and risks.
test-aws: $(VENV)/.test
	@$(VENV)/bin/python -m tests.aws $(ARGS)

bench: $(VENV)/.test
	@$(VENV)/bin/python -m bench

# Where the time of a run goes. ARGS=--page writes docs/profile.md again.
profile: $(VENV)/.test
	@$(VENV)/bin/python -m bench.profile $(ARGS)

# The documentation as a site, in .cache/docs/html.
docs: $(VENV)/.docs
	@$(VENV)/bin/python -m tools.docs

# Renew the pinned versions: make lock
lock: $(VENV)/.uv
	@for set in bootstrap demo docs test; do \
	  $(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	    requirements/$$set.in -o requirements/$$set.txt || exit 1; done
	@$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  -c requirements/demo.txt requirements/bastion.in -o roles/bastion/files/requirements.txt

clean:
	@rm -rf .venv-* .cache .lab .mypy_cache .pytest_cache .ruff_cache
