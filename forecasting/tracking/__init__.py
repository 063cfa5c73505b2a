"""The only room that talks to MLflow: the nights' runs, the backtests' and the models' registry."""

from forecasting.tracking.backtests import BacktestRuns
from forecasting.tracking.registry import Champion, Registry
from forecasting.tracking.runs import Runs

__all__ = ["BacktestRuns", "Champion", "Registry", "Runs"]
