"""The only room that talks to MLflow: the night's runs and the models' registry."""

from forecasting.tracking.registry import Champion, Registry
from forecasting.tracking.runs import Runs

__all__ = ["Champion", "Registry", "Runs"]
