"""Our halves of the benchmarks, small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.contenders.job import Job
from benchmarks.contenders.ours import build as build_ours
from benchmarks.contenders.ours_prediction import predict
from benchmarks.contenders.panel import panel_of
from benchmarks.contenders.prediction_job import MODEL_FOLDER, PANEL_FOLDER, PredictionJob
from benchmarks.contenders.prediction_setup import set_up_ours
from benchmarks.contenders.stock import build, forecast, held_out_set, training_set
from forecasting.models.tft import load
from forecasting.schema import FORECAST

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:Attribute .* is an instance of `nn.Module`"),
]

JOB = Job(
    device="cpu",
    series=4,
    train_hours=300,
    held_out_hours=72,
    encoder_hours=24,
    lead_hours=12,
    hidden_size=8,
    hidden_continuous_size=4,
    attention_heads=2,
    batch_size=16,
    steps=4,
    warm_up_steps=1,
    snapshots=2,
)


def test_both_contenders_forecast_the_same_with_the_same_weights() -> None:
    panel = panel_of(JOB)
    data = training_set(panel, JOB)
    torch.manual_seed(1)
    stock, ours = build(data, JOB).eval(), build_ours(data, JOB).eval()
    ours.load_state_dict(stock.state_dict())
    windows = held_out_set(data, panel, JOB)
    np.testing.assert_allclose(forecast(ours, windows, JOB), forecast(stock, windows, JOB), rtol=1e-3)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[PredictionJob, Path]:
    folder = tmp_path_factory.mktemp("prediction")
    job = PredictionJob("ours", 120, history_hours=800, lead_hours=24, hidden_size=8)
    set_up_ours(job, folder)
    return job, folder


def test_a_streamed_forecast_is_the_models_own(prepared: tuple[PredictionJob, Path]) -> None:
    job, folder = prepared
    prediction = predict(job, folder)
    model = load(folder / MODEL_FOLDER)
    medians = []
    for panel in sorted((folder / PANEL_FOLDER).iterdir()):
        (file,) = folder.glob(f"night=*/site={panel.stem}/forecast.parquet")
        streamed = FORECAST.conform(pd.read_parquet(file))
        whole = model.predict(pd.read_parquet(panel), streamed["issued_at"].iloc[0].to_pydatetime())
        pd.testing.assert_frame_equal(streamed, FORECAST.conform(whole))
        medians.append(whole.loc[whole["quantile"] == 0.5, "value"])
    assert len(medians) == 3
    assert prediction.mean_median == pytest.approx(pd.concat(medians).mean())


def test_a_forecast_that_lacks_a_series_is_not_a_measurement(prepared: tuple[PredictionJob, Path]) -> None:
    job, folder = prepared
    with pytest.raises(RuntimeError, match="rows of the forecast were written, not"):
        predict(replace(job, series=130), folder)
