from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecasting.report import interpretation_figures

pytestmark = pytest.mark.unit

VARIABLES = pd.DataFrame(
    [
        ("static", "beds", 0.7),
        ("static", "which unit", 0.3),
        ("encoder", "hour of the day", 1.0),
        ("decoder", "expected value", 0.6),
        ("decoder", "public holiday", 0.4),
    ],
    columns=["part", "variable", "importance"],
)
ATTENTION = pd.DataFrame(
    [(lead, hour, 0.01 * (1 + lead / 24)) for lead in (0, 24) for hour in range(-72, 0)],
    columns=["lead", "hour", "attention"],
)


def test_each_part_of_the_input_has_a_panel_with_its_heaviest_variable_on_top() -> None:
    figure = interpretation_figures(VARIABLES, ATTENTION, "Patients present", "north")["variable_importance"]
    of_series, before, ahead = figure.axes
    assert [label.get_text() for label in of_series.get_yticklabels()] == ["which unit", "beds"]
    assert [round(bar.get_width()) for bar in ahead.containers[0]] == [40, 60]
    assert before.get_xlim() == ahead.get_xlim() == of_series.get_xlim()


def test_the_attention_has_a_line_for_each_day_ahead_over_the_days_before() -> None:
    axes = interpretation_figures(VARIABLES, ATTENTION, "Patients present", "north")["attention"].axes[0]
    first, second = axes.lines[:2]
    assert [first.get_label(), second.get_label()] == ["day 1", "day 2"]
    np.testing.assert_allclose(np.asarray(second.get_ydata()), 2.0)
    assert axes.get_xlim() == (-3, 0)
