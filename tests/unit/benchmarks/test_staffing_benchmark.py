from __future__ import annotations

import pytest

from benchmarks.staffing import Measured, a_site, growth, plan, table_of, verdict

pytestmark = pytest.mark.unit


def measured(seconds: float) -> list[Measured]:
    return [Measured(100, 3, 6, 0.001, 0.3), Measured(1_000, seconds, 60, 0.001, 0.3)]


def test_growth_in_proportion_is_one() -> None:
    assert growth(measured(30)) == pytest.approx(1)


@pytest.mark.parametrize(("seconds", "code"), [(59.0, 0), (61.0, 1)])
def test_a_slow_thousand_is_told_by_the_exit(
    seconds: float, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verdict(measured(seconds)) == code
    assert capsys.readouterr().out.splitlines()[-1] == f"staffing: 1,000 units in {seconds:.1f} s (≤ 60)"
    assert table_of(measured(seconds), paths=500).row_count == 2


def test_its_sites_can_be_planned_and_differ() -> None:
    planned = plan(0, paths=20)
    assert planned.refused == 0
    assert planned.gap <= 1e-3
    assert (a_site(0, 20).units[0].requirement != a_site(1, 20).units[0].requirement).any()
