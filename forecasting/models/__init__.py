"""Models: panel -> forecast. Nothing here loads torch; see :mod:`forecasting.models.tft`."""

from forecasting.models.baseline import Climatology
from forecasting.models.glm import Glm
from forecasting.models.holdout import backcast, holdout_issue_times, holdout_start
from forecasting.models.interface import Forecaster
from forecasting.models.seasonal_naive import SeasonalNaive

__all__ = [
    "Climatology",
    "Forecaster",
    "Glm",
    "SeasonalNaive",
    "backcast",
    "holdout_issue_times",
    "holdout_start",
]
