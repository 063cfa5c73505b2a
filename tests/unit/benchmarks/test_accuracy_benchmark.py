from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import accuracy, iowa
from benchmarks.accuracy import Measured, gap_closed, table_of, verdict
from benchmarks.iowa import Losses

pytestmark = pytest.mark.unit


def measured(model: str, wql: float, day: float) -> Measured:
    return Measured(
        model, Losses(wql, wql - 0.003, wql + 0.003, 2.0, 6.0, 7.5, day, 0.81, 0.91, 0.8, 0.9), 1.0
    )


def test_the_gap_is_counted_from_the_reference_to_the_floor() -> None:
    assert gap_closed(accuracy.REFERENCE) == 0
    assert gap_closed(accuracy.FLOOR) == 1


@pytest.mark.parametrize(("wql", "day", "code"), [(0.1704, 11.1, 0), (0.1706, 11.1, 1), (0.1704, 11.3, 1)])
def test_either_bar_missed_by_the_best_model_is_told_by_the_exit(
    wql: float, day: float, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verdict([measured("other", 0.18, 9.0), measured("best", wql, day)]) == code
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"accuracy: WQL {wql:.5f} of best (≤ 0.1705)")


def test_the_table_ranks_ours_among_the_peers_and_the_floor_ends_it() -> None:
    console = Console(width=160, record=True, file=StringIO())
    console.print(table_of([measured("ours", 0.1711, 11.0)], iowa.TEST))
    lines = console.export_text().splitlines()
    order = [
        next(row for row, line in enumerate(lines) if name in line) for name in ("GLM ", "ours", "floor")
    ]
    assert order == sorted(order)


def test_without_the_data_it_says_so_and_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(iowa, "DATA", tmp_path / "hourly.csv")
    monkeypatch.setattr(sys, "argv", ["accuracy"])
    accuracy.main()
    assert "skipped" in capsys.readouterr().out
