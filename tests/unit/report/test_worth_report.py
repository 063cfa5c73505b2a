from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from forecasting.report import print_worth, worth_figure

pytestmark = pytest.mark.unit

BY_WAY = pd.DataFrame(
    {
        "way": ["fixed roster", "ours"],
        "short_hours": [1200.0, 400.0],
        "over_hours": [90.0, 70.0],
        "cost": [30_000.0, 20_000.0],
        "paid": [15_000.0, 16_000.0],
        "wait_minutes": [31.0, 12.0],
        "left_unseen_share": [0.042, float("nan")],
    }
)


def test_every_way_and_group_has_its_row_and_a_group_is_named_once() -> None:
    groups = pd.concat([BY_WAY.assign(group=group) for group in ("icu", "ed")])
    sink = io.StringIO()
    print_worth(BY_WAY, groups, Console(file=sink, width=100))
    lines = sink.getvalue().splitlines()
    assert sum("fixed roster" in line for line in lines) == 3
    assert sum(line.split()[:1] == ["icu"] for line in lines) == 1
    assert "1,200" in sink.getvalue()
    assert "4.2 %" in sink.getvalue()
    assert "nan" not in sink.getvalue()


def test_the_figure_has_a_line_for_who_may_choose_and_a_name_for_every_way() -> None:
    choices = pd.DataFrame(
        {"way": ["ours"] * 2, "price": [0.5, 1], "short_hours": [900.0, 400.0], "paid": [14_000.0, 16_000.0]}
    )
    (axes,) = worth_figure(choices, BY_WAY, "where and when").axes
    ours = axes.get_lines()[0]
    assert np.array_equal(ours.get_xdata(), [14_000, 16_000])
    assert {text.get_text() for text in axes.texts} == {"fixed roster", "ours"}
    low, high = axes.get_xlim()
    assert low < 14_000
    assert high > 16_000
