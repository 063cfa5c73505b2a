# The commands a newcomer needs. `make` alone lists them.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PEERS  := .venv-peers

.DEFAULT_GOAL := help
.PHONY: help run up test fuzz lint audit bench-night bench-loader bench-training bench-prediction bench-scale bench-load bench-accuracy bench-accuracy-simulated bench-totals-simulated bench-regimes bench-staffing bench-worth bench-corruption bench-scoring bench-source lock clean

help:            ## list these commands
	@grep -hE '^[a-z-]+: .*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 18

run: $(READY)    ## run the demo hospitals' latest night through Airflow; print tomorrow's staffing
	@$(BIN)/forecasting run

up: $(READY)     ## keep Airflow and the MLflow pages up until Ctrl-C
	@$(BIN)/forecasting up

test: $(READY) lint  ## lint, types, import rules, and every test, in three processes: those that wait for Airflow leave room
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

fuzz: $(READY)   ## look for a file, a configuration or a cell that breaks its reader: other examples each time, 10,000 a law
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --hypothesis-profile=search tests/unit/load/test_fuzzed_files.py tests/unit/load/test_hl7_messages.py tests/unit/test_fuzzed_config.py tests/integration/extract/test_dirty_cells.py

lint: $(READY)   ## lint, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --disable-progress-bar sql
	$(BIN)/deptry .

audit:           ## known vulnerabilities of the locked dependencies; fails where nobody could be asked
	@$(PYTHON) .ci/audit.py

bench-night: $(READY) ## seconds and peak memory of the demo's night, beside their limits
	@$(BIN)/python -m benchmarks.night $(if $(JSON),--json $(JSON))

bench-loader: $(READY) ## windows a second beside pytorch-forecasting's own loader
	@$(BIN)/python benchmarks/loader.py $(if $(JSON),--json $(JSON))

bench-training: $(READY) ## training's speed and learning curves beside its peers; DEVICE=cuda for a GPU
	@$(MAKE) --no-print-directory $(PEERS)/.ready || echo "$(PEERS) can't be installed: its contender is left out"
	@$(BIN)/python -m benchmarks.training $(if $(DEVICE),--device $(DEVICE)) $(if $(JSON),--json $(JSON))

bench-prediction: $(READY) ## seconds and memory of forecasting 100 to 10,000 series
	@$(BIN)/python -m benchmarks.prediction $(if $(JSON),--json $(JSON))

bench-scale: $(READY) ## seconds, memory and growth of each stage of a night, for 1, 10 and 100 sites
	@$(BIN)/python -m benchmarks.scale $(if $(JSON),--json $(JSON))

bench-load: $(READY) ## a night of 100 sites on LocalExecutor and on Celery with two workers; about an hour
	@$(BIN)/python -m benchmarks.load $(if $(SITES),--sites $(SITES)) $(if $(SLOTS),--slots $(SLOTS)) $(if $(FOLDER),--folder $(FOLDER)) $(if $(JSON),--json $(JSON))

bench-scoring: $(READY) ## seconds and peak memory of scoring a backtest of 100 series, 52 issue times and 5 models
	@$(BIN)/python -m benchmarks.scoring

bench-accuracy: $(READY) ## our models on a real ED's arrivals beside the noise floor; MODELS="glm" for some
	@$(BIN)/python -m benchmarks.accuracy $(if $(MODELS),--models $(MODELS)) $(if $(JSON),--json $(JSON))

bench-accuracy-simulated: $(READY) ## census and arrivals beside the forecasters who know a simulated hospital's law
	@$(BIN)/python -m benchmarks.accuracy_simulated $(if $(JSON),--json $(JSON))

bench-totals-simulated: $(READY) ## whether intervals of simulated sites' and days' totals hold what they say
	@$(BIN)/python -m benchmarks.totals_simulated $(if $(JSON),--json $(JSON))

bench-regimes: $(READY) ## the transformer beside its rivals under growth, a change of level and waves; 40 minutes
	@$(BIN)/python -m benchmarks.regimes $(if $(JSON),--json $(JSON))

bench-staffing: $(READY) ## seconds to plan a week's heads for 100, 300 and 1,000 units
	@$(BIN)/python -m benchmarks.staffing $(if $(JSON),--json $(JSON))

bench-worth: $(READY) ## what a simulated year's staffing plans are worth beside its fixed rosters
	@$(BIN)/python -m benchmarks.worth $(if $(JSON),--json $(JSON))

bench-corruption: $(READY) ## defects planted into a clean year: what is told, set right, flagged falsely, and lost; SEEDS="7" for one
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.corruption $(if $(SEEDS),--seeds $(SEEDS)) $(if $(JSON),--json $(JSON))

bench-source: $(READY) ## counting ten million stays in PostgreSQL: a year and an increment; SITES=5 to ask fewer
	@$(BIN)/python -m benchmarks.source $(if $(STAYS),--stays $(STAYS)) $(if $(SITES),--sites $(SITES)) $(if $(JSON),--json $(JSON))

lock:            ## resolve pyproject.toml anew into requirements.lock
	rm -rf $(VENV)/lock && $(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip install --quiet torch==2.13.0 '.[celery,dev,kubernetes,lineage,postgres,s3]'
	$(VENV)/lock/bin/pip freeze --exclude hospital-forecasting | sed 's/+cpu$$//' > requirements.lock
	rm -rf $(VENV)/lock

clean:           ## forget the demo's data and runs
	rm -rf var

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --progress-bar $(if $(CI),off,on) -r requirements.lock
	$(BIN)/pip install --disable-pip-version-check --no-deps --editable .
	@touch $@

$(PEERS)/.ready: requirements.lock benchmarks/peers.txt
	rm -rf $(PEERS)
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check -c requirements.lock -r benchmarks/peers.txt \
		|| { rm -rf $(PEERS); exit 1; }
	@touch $@
