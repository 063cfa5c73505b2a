from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.source import Asked, figures, table_of, verdict

pytestmark = pytest.mark.unit

YEAR = Asked("months", "year", 1_000, "bed_census", 2.0, 2.5, 1_010, 1_000, 400, 13)
FOUND = [
    YEAR,
    replace(YEAR, stays=100, database_seconds=0.2),
    replace(YEAR, window="increment", database_seconds=0.1, rows=8, partitions=2),
    replace(YEAR, question="activity", database_seconds=50.0, rows=10**6),
]


def test_the_worst_target_is_held_against_the_bars() -> None:
    of = figures(FOUND)
    assert of.passes == 1.01
    assert of.increment == pytest.approx(8 / 1_010)
    assert of.growth == pytest.approx(1.0)


def test_a_second_pass_misses_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(FOUND) == 0
    assert verdict([replace(YEAR, layout="whole", rows=2_000), *FOUND[1:]]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == (
        "source: 1.01 passes a target (1.05), growth 1.00 (1.1), an increment reads 0.8% of the rows (5%)"
    )


def test_every_question_has_a_row() -> None:
    assert table_of(FOUND, 5).row_count == len(FOUND)
