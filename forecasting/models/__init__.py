"""Models: panel -> forecast. Nothing here loads torch; see :mod:`forecasting.models.tft`."""

from forecasting.models.baseline import Climatology
from forecasting.models.calibration import Calibrated, Calibration
from forecasting.models.ensemble import Ensemble
from forecasting.models.gbm import Gbm
from forecasting.models.glm import Glm
from forecasting.models.holdout import backcast, holdout_issue_times, holdout_start
from forecasting.models.interface import Forecaster
from forecasting.models.seasonal_naive import SeasonalNaive

__all__ = [
    "Calibrated",
    "Calibration",
    "Climatology",
    "Ensemble",
    "Forecaster",
    "Gbm",
    "Glm",
    "SeasonalNaive",
    "backcast",
    "holdout_issue_times",
    "holdout_start",
]
