"""Models: panel -> forecast. Nothing here loads torch; see :mod:`forecasting.models.tft`."""

from forecasting.models.baseline import Climatology
from forecasting.models.dependence import dependence
from forecasting.models.holdout import backcast, holdout_issue_times, holdout_start
from forecasting.models.interface import Forecaster
from forecasting.models.paths import Paths, sample_paths
from forecasting.models.periods import peak_forecast, period_forecast

__all__ = [
    "Climatology",
    "Forecaster",
    "Paths",
    "backcast",
    "dependence",
    "holdout_issue_times",
    "holdout_start",
    "peak_forecast",
    "period_forecast",
    "sample_paths",
]
