"""Models: panel -> forecast. Nothing here loads torch; see :mod:`forecasting.models.tft`."""

from forecasting.models.baseline import Climatology
from forecasting.models.flow import Flow, Flows
from forecasting.models.holdout import backcast, holdout_issue_times, holdout_start
from forecasting.models.interface import Forecaster

__all__ = ["Climatology", "Flow", "Flows", "Forecaster", "backcast", "holdout_issue_times", "holdout_start"]
