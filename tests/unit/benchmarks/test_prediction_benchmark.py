from __future__ import annotations

import math

import pytest

from benchmarks.contenders.prediction_job import Prediction
from benchmarks.contenders.process import Run
from benchmarks.prediction import Measured, growth, seconds_of

pytestmark = pytest.mark.unit


def measured(contender: str, series: int, seconds: float, gib: float) -> Measured:
    return Measured(contender, series, Prediction(seconds, {}, 1.0), Run(seconds + 9, gib))


def test_growth_is_from_the_fewest_series_to_the_most() -> None:
    rows = [
        measured("ours", 1000, 1, 0.9),
        measured("ours", 100, 1, 0.8),
        measured("ours", 10_000, 1, 1.2),
        measured("stock", 10_000, 1, 8.0),
    ]
    assert growth(rows, "ours") == pytest.approx(1.5)


def test_seconds_are_of_that_contender_and_number_of_series() -> None:
    rows = [measured("stock", 100, 5, 1), measured("stock", 1000, 50, 1), measured("ours", 1000, 2, 1)]
    assert seconds_of(rows, "stock", 1000) == 50
    assert math.isnan(seconds_of(rows, "ours", 100))
