# Everything a person or CI does here; `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory
PYTHON := .venv/bin/python
QUICK := --version 2.13 --cpu

.PHONY: help quickstart test fast lint rehearsal unfriendly bench render clean venv engine cosign stop-engine

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{ printf "make %-12s %s\n", $$1, $$2 }' Makefile

quickstart: .venv/run engine ## From a fresh clone to a built, verified and tagged image
	@.ci/site
	@$(PYTHON) -m builder build $(QUICK)
	@printf '\nTry it:\n  %s\n' "docker run --rm pytorch:2.13-cpu python -c 'import torch; print(torch.__version__)'"

test: .venv/dev .venv/readers ## All tests: the fast ones, then those that need an engine
	@.ci/test

fast: .venv/dev ## The tests that need no engine
	@$(PYTHON) -m pytest -m 'not engine' -n 2

lint: .venv/dev ## Only the linters
	@$(PYTHON) -m pytest tests/lint -n 2

rehearsal: .venv/dev ## ubuntu16.04 on stand-ins, step by step: ROW='pytorch/1.6.0-cpu-ubuntu16.04' GIVEN=DIRECTORY
	@.ci/install-ubuntu-keyring
	@$(PYTHON) -m tests.rehearsal $(if $(GIVEN),--given=$(GIVEN)) $(or $(ROW),pytorch/1.6.0-gpu-ubuntu16.04 pytorch/1.0.0-cpu-ubuntu16.04)

unfriendly: .venv/dev ## The lines of ubuntu16.04 that failed before, each on the stand-in that it fails on
	@.ci/install-ubuntu-keyring
	@$(PYTHON) -m pytest tests/rehearsal/unfriendly.py

bench: .venv/bench ## Ratios beside other tools, printed; ROWS='plan verifying' for some, WRITE=1 to record them
	@$(PYTHON) -m tests.bench $(if $(WRITE),--write) $(ROWS)

render: .venv/run ## Write images/ from the matrix and the templates
	@$(PYTHON) -m builder render

clean: .venv/run ## Remove what interrupted runs left, and nothing else
	@$(PYTHON) -m builder clean

venv: .venv/dev ## .venv with everything the tests need

engine: ## Install and start Docker Engine unless one answers
	@.ci/install-engine
	@.ci/start-engine

cosign: ## Install cosign, which signs what is published
	@.ci/install-cosign

stop-engine: ## Stop the engine that `make engine` started
	@.ci/stop-engine

.venv/run: pyproject.toml
	@.ci/venv

.venv/dev: pyproject.toml
	@.ci/venv dev

.venv/readers: .venv/dev
	@.ci/venv readers

.venv/bench: .venv/dev
	@.ci/venv bench
