# Digits: set-up and everyday commands. `make help` lists them.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
LOCKS := requirements

# Where `make run` listens, on this machine only.
API_PORT ?= 8000
APP_PORT ?= 8501
# make run ARGS=… and make train ARGS=… hand further options on, for example ARGS="--seed 7".
ARGS ?=

# The interpreter that makes the environment: the first of these that runs and has a supported version.
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11 python

PIP_INSTALL := $(BIN)/python -m pip --disable-pip-version-check install
SILENT := At the end, pip unpacks them and says nothing for some minutes.
PROJECT := --quiet --no-deps --no-build-isolation --editable .

always:

.PHONY: always help install run train check test pythons docs release lint format bench lock browser shipped segmenter pictures clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# Made anew if its interpreter is gone or was half made; touched last, so that an interrupted run counts for nothing.
USABLE := $(shell $(BIN)/python -m pip --version >/dev/null 2>&1 && echo yes)
$(VENV)/made: $(if $(USABLE),,always)
	@sh scripts/make_venv.sh $(VENV) $(PYTHON)
	@touch $@

# What `make run` needs: API, app and command line, without TensorFlow.
$(VENV)/installed-app: pyproject.toml $(LOCKS)/app.txt $(LOCKS)/build.txt $(VENV)/made
	@echo "Installing the locked dependencies of API and app into $(VENV). $(SILENT)"
	@$(PIP_INSTALL) --require-hashes --only-binary :all: -r $(LOCKS)/build.txt -r $(LOCKS)/app.txt
	@$(PIP_INSTALL) $(PROJECT)
	@touch $@

# Everything: training, app, development. It contains what `make run` needs.
$(VENV)/installed-all: pyproject.toml $(LOCKS)/all.txt $(LOCKS)/build.txt $(VENV)/made
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] >= (3, 14))' || { \
		echo "Training needs Python 3.11, 3.12 or 3.13, because TensorFlow has no wheels for newer ones." \
			"Run: make clean, then the same command with PYTHON=python3.13"; exit 1; }
	@echo "Installing all locked dependencies into $(VENV) (TensorFlow is large). $(SILENT)"
	@$(PIP_INSTALL) --require-hashes --only-binary :all: -r $(LOCKS)/build.txt -r $(LOCKS)/all.txt
	@$(PIP_INSTALL) $(PROJECT)
	@touch $(VENV)/installed-app $@

install: $(VENV)/installed-all ## make the whole environment in .venv, and nothing more
	@echo "Ready: . $(BIN)/activate"

run: $(VENV)/installed-app ## start API and app (API_PORT=8000 APP_PORT=8501); Ctrl-C stops both
	@$(BIN)/digits run --api-port $(API_PORT) --app-port $(APP_PORT) $(ARGS)

train: $(VENV)/installed-all ## train the reference recipe: models/mnist_model.keras and reports/
	@$(BIN)/python train.py $(ARGS)

# One process for each core; the tests of a module stay together.
SHARED := --numprocesses auto --dist loadgroup --no-loadscope-reorder
# What a test needs, it is marked with: tests/kinds.py.
QUICK := not server and not browser and not ray and not training

check: lint ## what to run before a commit: lint, and the tests that need no server, browser, Ray or training
	@$(BIN)/python -m pytest --quiet $(SHARED) -m "$(QUICK)" --hypothesis-profile quick -p no:schemathesis \
		--deselect tests/test_repository.py::test_the_code_passes_its_own_checks $(ARGS)

test: $(VENV)/installed-all browser ## run every test
	@$(BIN)/python -m pytest $(SHARED) $(ARGS)

PYTHONS ?= python3.11 python3.12 python3.13
pythons: ## run every test with each supported Python on this machine (PYTHONS="…")
	@sh scripts/try_pythons.sh $(PYTHONS)

# The browser test takes a Chromium or Chrome that is there; where there is none, Playwright fetches one.
browser: $(VENV)/installed-all
	@$(BIN)/python -m scripts.find_browser >/dev/null 2>&1 || $(BIN)/playwright install chromium \
	|| echo "No browser found or installed: the browser tests cannot run. Install Chromium and try again."

docs: $(VENV)/installed-all ## build the documentation site into site/ (links are checked)
	@$(BIN)/python -m scripts.model_card --check
	@$(BIN)/zensical build --clean --strict

release: $(VENV)/installed-all ## build into dist/: the wheel, the list of its parts (SBOM), and pylock.toml
	@rm -rf dist
	@$(BIN)/python -m pip --disable-pip-version-check --quiet wheel --no-deps --no-build-isolation --wheel-dir dist .
	@$(BIN)/cyclonedx-py requirements $(LOCKS)/serve.txt --pyproject pyproject.toml --output-reproducible \
		--output-format JSON --output-file dist/sbom.cdx.json
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --format pylock.toml --no-header \
		--constraint $(LOCKS)/all.txt pyproject.toml --output-file dist/pylock.toml
	@ls dist

lint: $(VENV)/installed-all ## check style (ruff), types (mypy, strict) and layers (import-linter)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache

format: $(VENV)/installed-all ## rewrite the code in the project's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# Each is a command of its own, too: python -m benchmarks.speed.serving, for example.
BENCHMARKS := serving serving_workloads under_load latency second_look precision_time app bulk training footprint robustness precision numbers ocr bombs costs fuzz chaos soak overload full_disk descriptors
bench: $(VENV)/installed-all ## measure everything, into docs/benchmarks.md (an idle Linux machine, an hour, wrk, the right to mount)
	@$(BIN)/python -m benchmarks.support.all $(BENCHMARKS)

UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header --no-emit-index-url --no-emit-find-links

# One resolution for all, then parts of it: every install has the same versions.
lock: $(VENV)/installed-all ## resolve the dependencies anew (UPGRADE=--upgrade takes newer versions)
	$(UV_COMPILE) $(UPGRADE) pyproject.toml --extra dev $(LOCKS)/build.in -o $(LOCKS)/all.txt
	$(UV_COMPILE) pyproject.toml -c $(LOCKS)/all.txt -o $(LOCKS)/serve.txt
	$(UV_COMPILE) pyproject.toml --extra app --extra pdf --extra phone -c $(LOCKS)/all.txt -o $(LOCKS)/app.txt
	$(UV_COMPILE) pyproject.toml --extra bulk -c $(LOCKS)/all.txt -o $(LOCKS)/bulk.txt
	$(UV_COMPILE) pyproject.toml --extra ray -c $(LOCKS)/all.txt -o $(LOCKS)/ray.txt
	$(UV_COMPILE) pyproject.toml --extra train -c $(LOCKS)/all.txt -o $(LOCKS)/train.txt
	$(UV_COMPILE) $(LOCKS)/build.in -c $(LOCKS)/all.txt -o $(LOCKS)/build.txt
	$(UV_COMPILE) $(LOCKS)/venv.in -c $(LOCKS)/all.txt -o $(LOCKS)/venv.txt
	$(UV_COMPILE) $(UPGRADE) $(LOCKS)/bench-litserve.in -o $(LOCKS)/bench-litserve.txt
	$(UV_COMPILE) $(UPGRADE) $(LOCKS)/bench-bentoml.in -o $(LOCKS)/bench-bentoml.txt
	$(UV_COMPILE) $(UPGRADE) $(LOCKS)/bench-easyocr.in -o $(LOCKS)/bench-easyocr.txt
	$(UV_COMPILE) $(UPGRADE) $(LOCKS)/bench-rapidocr.in -o $(LOCKS)/bench-rapidocr.txt
	$(UV_COMPILE) $(UPGRADE) $(LOCKS)/bench-atheris.in -o $(LOCKS)/bench-atheris.txt

# The report of the shipped model illustrates docs/training.md.
shipped: $(VENV)/installed-all ## train the model that ships with the package
	@$(BIN)/python train.py --out digits/shipped/mnist_model.keras --recipe convnet --keep 0 $(ARGS)
	@$(BIN)/digits model quantize digits/shipped/mnist_model.keras
	@cd digits/shipped/reports && mv training_curves.png confusion_matrix.png reliability.png ../../../docs/images/
	@rm -r digits/shipped/reports

# The decoding is fitted with all networks and with the recognizer, so it comes last. Hours on one core.
segmenter: $(VENV)/installed-all ## train the three networks that read numbers, and fit the decoding
	@$(BIN)/python -m digits.training.lines.run
	@$(BIN)/python -m digits.training.segmenter.signs
	@$(BIN)/python -m digits.training.segmenter.run

pictures: $(VENV)/installed-all browser ## take the README's screenshots anew, and make its moving picture
	@$(BIN)/python -m scripts.screenshots
	@$(BIN)/python -m scripts.reading_gif

clean: ## delete the environment and caches (models/ and reports/ stay)
	rm -rf $(VENV) site .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
