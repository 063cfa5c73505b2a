from __future__ import annotations

import pytest

from benchmarks.contenders.prediction_job import Prediction, PredictionJob
from benchmarks.contenders.process import Run
from benchmarks.prediction import Measured, growth, jobs, ratio, verdict

pytestmark = pytest.mark.unit


def measured(contender: str, series: int, history_hours: int, seconds: float, gib: float) -> Measured:
    job = PredictionJob(contender, series, history_hours)
    return Measured(job, Prediction(seconds, {}, 1.0), Run(seconds + 9, gib))


def rows(ours_seconds: float = 2, ours_gib: float = 0.85) -> list[Measured]:
    return [
        measured("stock", 1000, 17_520, 50, 4),
        measured("stock", 1000, 168, 6, 1),
        measured("ours", 1000, 17_520, ours_seconds, 0.9),
        measured("ours", 1000, 4368, 1.5, 0.9),
        measured("ours", 100, 4368, 1, 0.8),
        measured("ours", 10_000, 4368, 20, ours_gib),
    ]


def test_growth_is_ours_from_the_fewest_series_to_the_most() -> None:
    assert growth(rows(ours_gib=1.2)) == pytest.approx(1.5)


def test_the_ratio_is_taken_at_one_size_and_history() -> None:
    assert ratio(rows(), 17_520, 17_520) == pytest.approx(25)
    assert ratio(rows(), 168, 17_520) == pytest.approx(3)


@pytest.mark.parametrize(("ours_seconds", "ours_gib", "code"), [(2, 0.85, 0), (3, 0.85, 1), (2, 1.2, 1)])
def test_either_bar_missed_is_told_by_the_exit(ours_seconds: float, ours_gib: float, code: int) -> None:
    assert verdict(rows(ours_seconds, ours_gib), 17_520) == code


def test_the_stock_model_is_also_asked_the_least_it_needs() -> None:
    assert PredictionJob("stock", 1000, 168) in jobs(17_520)
