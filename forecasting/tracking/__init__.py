"""The only room that talks to MLflow: runs of nights, backtests and what-ifs, and the models' registry."""

from forecasting.tracking.backtests import BacktestRuns
from forecasting.tracking.registry import Champion, Registry
from forecasting.tracking.runs import Runs
from forecasting.tracking.scenarios import ScenarioRuns

__all__ = ["BacktestRuns", "Champion", "Registry", "Runs", "ScenarioRuns"]
