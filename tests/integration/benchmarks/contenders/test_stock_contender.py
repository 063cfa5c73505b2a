from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.contenders import stock
from benchmarks.contenders.job import Job
from benchmarks.contenders.panel import held_out, panel_of
from benchmarks.contenders.prediction_job import PredictionJob, write_prediction_job
from benchmarks.contenders.prediction_setup import set_up_stock
from benchmarks.contenders.process import watch
from benchmarks.contenders.stock_prediction import predict
from benchmarks.training import JOBS

pytestmark = pytest.mark.integration


@pytest.fixture
def job() -> Job:
    return replace(
        JOBS["cpu"],
        series=8,
        train_hours=200,
        held_out_hours=100,
        encoder_hours=24,
        lead_hours=12,
        hidden_size=4,
        hidden_continuous_size=2,
        attention_heads=1,
        batch_size=8,
        steps=4,
        snapshots=2,
        warm_up_steps=1,
    )


def test_forecasts_stand_where_their_outcomes_do(job: Job) -> None:
    class Seer(torch.nn.Module):
        """Says of every hour what will come of it."""

        def forward(self, x: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            return {"prediction": x["decoder_target"][..., None].expand(-1, -1, len(job.levels))}

    panel = panel_of(job)
    windows = stock.held_out_set(stock.training_set(panel, job), panel, job)
    outcomes = held_out(panel.counts, job)
    forecasts = stock.forecast(Seer(), windows, job)
    np.testing.assert_array_equal(forecasts, np.repeat(outcomes[..., None], len(job.levels), axis=-1))


def test_it_learns_from_every_whole_window_before_the_held_out_hours(job: Job) -> None:
    data = stock.training_set(panel_of(job), job)
    assert len(data) == job.series * (job.train_hours - job.encoder_hours - job.lead_hours + 1)
    assert data.decoded_index["time_idx_last"].max() == job.train_hours - 1


def test_training_gives_a_curve(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock, "_worker_counts", lambda: [0])
    curve = stock.train(job)
    assert [point.windows for point in curve.points] == [16, 32]
    assert all(0 < point.loss < 1 for point in curve.points)
    assert curve.notes["num_workers"] == "0"


def test_prediction_tells_where_its_seconds_go(tmp_path: Path) -> None:
    job = PredictionJob(
        "stock", 5, encoder_hours=12, history_hours=12, lead_hours=6, hidden_size=4, attention_heads=1
    )
    set_up_stock(job, tmp_path)
    prediction = predict(job, tmp_path)
    assert sum(prediction.parts.values()) == pytest.approx(prediction.seconds)
    assert min(prediction.parts.values()) >= 0
    assert prediction.parts["forward"] > 0


def test_a_watched_process_that_fails_raises(tmp_path: Path) -> None:
    write_prediction_job(PredictionJob("stock", 1, 168), tmp_path)
    with pytest.raises(subprocess.CalledProcessError, match="stock_prediction"):
        watch(Path(sys.executable), "benchmarks.contenders.stock_prediction", tmp_path, threads=1)
