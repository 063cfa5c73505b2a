"""The only room that talks to MLflow: runs of nights, backtests, what-ifs, monitorings; the registry."""

from forecasting.tracking.backtests import BacktestRuns
from forecasting.tracking.monitorings import MonitorRuns
from forecasting.tracking.registry import Champion, Registry
from forecasting.tracking.runs import Runs
from forecasting.tracking.scenarios import ScenarioRuns

__all__ = ["BacktestRuns", "Champion", "MonitorRuns", "Registry", "Runs", "ScenarioRuns"]
