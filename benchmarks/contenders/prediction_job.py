"""What every contender of the prediction is given, and what it hands back.

A folder holds ``job.json``, what the contender forecasts from and with, and ``prediction.json`` once it is
done.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

JOB_FILE = "job.json"
ROWS_FILE = "rows.parquet"
"""One row an hour and series, series after series, with the columns of
:func:`benchmarks.contenders.panel.long_frame`: the history with its counts, the lead hours without (NaN)."""
NETWORK_FILE = "network.pt"
"""A pytorch-forecasting TFT with the parameters of the TimeSeriesDataSet it was made for."""
PANEL_FOLDER = "panels"
"""A Parquet file for the panel of every five sites, as :func:`forecasting.features.build_panel` makes it."""
MODEL_FOLDER = "model"
"""A saved :class:`~forecasting.models.tft.TrainedTFT`."""
RESULT_FILE = "prediction.json"
ISSUED_AT = "2026-06-10T07:00:00+00:00"


@dataclass(frozen=True)
class PredictionJob:
    """One forecast of every series from one issue time."""

    contender: str
    series: int
    history_hours: int
    """Hours with counts that a contender is given; at least the encoder's."""
    encoder_hours: int = 168
    lead_hours: int = 168
    hidden_size: int = 16
    hidden_continuous_size: int = 8
    attention_heads: int = 2
    levels: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
    seed: int = 1


@dataclass(frozen=True)
class Prediction:
    """What one took."""

    seconds: float
    """From the Parquet file to the quantiles; imports are not counted, nor is reading the network."""
    parts: dict[str, float]
    """Where the seconds went."""
    mean_median: float
    """Mean of the forecasts' medians."""


def write_prediction_job(job: PredictionJob, folder: Path) -> None:
    """As JSON."""
    (folder / JOB_FILE).write_text(json.dumps(asdict(job)), encoding="utf-8")


def read_prediction_job(folder: Path) -> PredictionJob:
    """What :func:`write_prediction_job` wrote."""
    content = json.loads((folder / JOB_FILE).read_text(encoding="utf-8"))
    return PredictionJob(**{**content, "levels": tuple(content["levels"])})


def write_prediction(prediction: Prediction, folder: Path) -> None:
    """As JSON."""
    (folder / RESULT_FILE).write_text(json.dumps(asdict(prediction)), encoding="utf-8")


def read_prediction(folder: Path) -> Prediction:
    """What :func:`write_prediction` wrote."""
    return Prediction(**json.loads((folder / RESULT_FILE).read_text(encoding="utf-8")))
