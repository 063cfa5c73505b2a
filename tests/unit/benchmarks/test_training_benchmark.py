from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.contenders.job import Curve, Device, Point
from benchmarks.contenders.process import Run
from benchmarks.training import JOBS, Trained, draw, shortfalls

pytestmark = pytest.mark.unit


def training(rate: float, loss: float) -> Trained:
    points = [Point(100, 1.0, 2 * loss), Point(200, 2.0, loss)]
    return Trained([Curve(points, rate, None)], [Run(3.0, 1.0)])


@pytest.mark.parametrize(
    ("device", "rate", "loss", "missed"),
    [
        ("cpu", 500, 0.15, []),
        ("cpu", 499, 0.15, ["2.50 x stock, bar 2.5"]),
        ("cpu", 900, 0.16, ["held-out WQL 0.1600, stock 0.1500"]),
        ("cuda", 25_000, 0.15, []),
        ("cuda", 24_999, 0.15, ["24,999 windows/s, bar 25,000"]),
        ("cuda", 3_000, 0.15, ["15.00 x stock, bar 20.0", "3,000 windows/s, bar 25,000"]),
    ],
)
def test_every_bar_counts(device: Device, rate: float, loss: float, missed: list[str]) -> None:
    assert shortfalls({"stock": training(200, 0.15), "ours": training(rate, loss)}, device) == missed


def test_ours_must_learn_as_well_as_every_peer() -> None:
    trained = {
        "stock": training(200, 0.16),
        "neuralforecast": training(170, 0.14),
        "ours": training(900, 0.15),
    }
    assert shortfalls(trained, "cpu") == ["held-out WQL 0.1500, neuralforecast 0.1400"]


def test_the_picture_is_written(tmp_path: Path) -> None:
    file = tmp_path / "new" / "curves.png"
    draw({"stock": training(200, 0.15)}, 0.13, JOBS["cpu"], file)
    assert file.read_bytes().startswith(b"\x89PNG")
