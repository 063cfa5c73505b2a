"""Models: panel -> forecast. Nothing here loads torch or LightGBM; see :mod:`forecasting.models.tft`."""

from forecasting.models.baseline import Climatology
from forecasting.models.dependence import dependence
from forecasting.models.flow import Flow, Flows
from forecasting.models.glm import Glm
from forecasting.models.holdout import backcast, holdout_issue_times, holdout_start
from forecasting.models.interface import Forecaster
from forecasting.models.paths import Paths, sample_paths
from forecasting.models.periods import period_forecast
from forecasting.models.seasonal_naive import SeasonalNaive
from forecasting.models.shifts_and_days import joint_paths, shifts_and_days

__all__ = [
    "Climatology",
    "Flow",
    "Flows",
    "Forecaster",
    "Glm",
    "Paths",
    "SeasonalNaive",
    "backcast",
    "dependence",
    "holdout_issue_times",
    "holdout_start",
    "joint_paths",
    "period_forecast",
    "sample_paths",
    "shifts_and_days",
]
