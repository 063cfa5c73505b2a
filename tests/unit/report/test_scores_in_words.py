from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from forecasting.report import answer, answers_markdown, print_scores, scores_markdown
from forecasting.report.scores import seed_noise

pytestmark = pytest.mark.unit


def row(model: str, wql: float, skill: float, low: float = np.nan, **more: Any) -> dict[str, Any]:
    return {
        "target": "ed_arrivals",
        "period": "PT1H",
        "by": "all",
        "group": "",
        "model": model,
        "wql": wql,
        "skill": skill,
        "skill_low": low,
        "skill_high": low + 0.02,
        "mae": 1.5,
        "bias": -0.1,
        "pit_80": 0.8,
        "pit_90": 0.9,
        **more,
    }


REFERENCE = row("climatology", 0.2, 0.0)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [REFERENCE, row("glm", 0.19, 0.05, 0.01)],
            "glm is best, WQL 0.1900, 5.0 % better than the reference, more",
        ),
        ([REFERENCE, row("glm", 0.199, 0.005, -0.01)], "not more than noise"),
        ([REFERENCE, row("glm", 0.21, -0.05, -0.07)], "climatology is best, WQL 0.2000: no model beats"),
        ([row("climatology", np.nan, np.nan)], "nothing to score"),
    ],
)
def test_the_answer_says_who_is_best_and_how_sure_that_is(rows: list[dict[str, Any]], said: str) -> None:
    assert said in answer(pd.DataFrame(rows))


def test_several_seeds_tell_their_noise() -> None:
    rows = [REFERENCE, row("tft seed 1", 0.19, 0.05), row("tft seed 2", 0.21, -0.05)]
    (sentence,) = seed_noise(pd.DataFrame(rows))
    assert "tft: WQL 0.2000 ± 0.0141 over 2 seeds" in sentence
    assert seed_noise(pd.DataFrame(rows[:2])) == []


def test_the_table_has_a_row_a_model_and_no_column_of_what_is_not_known() -> None:
    page = io.StringIO()
    print_scores(pd.DataFrame([REFERENCE, row("glm", 0.19, 0.05, 0.01)]), Console(file=page, width=140))
    said = page.getvalue()
    assert "ed_arrivals by hour" in said
    assert "1.0 % to 3.0 %" in said
    assert "Gap closed" not in said


def test_the_description_answers_for_the_hours_first() -> None:
    by_day = row("glm", 0.1, 0.2, 0.1, period="P1D")
    census = row("flow", 0.3, 0.1, 0.05, target="bed_census")
    text = answers_markdown(pd.DataFrame([REFERENCE, row("glm", 0.19, 0.05, 0.01), by_day, census]))
    said = [line.partition(":")[0] for line in text.splitlines()]
    assert said == ["* **ed_arrivals by hour**", "* **bed_census by hour**", "* **ed_arrivals by day**"]


def test_the_tables_say_where_and_mark_what_is_more_than_noise() -> None:
    def of(unit: str, model: str, skill: float, low: float, high: float) -> dict[str, Any]:
        ends = {"skill_low": low, "skill_high": high}
        return {**row(model, 0.2, skill), "by": "unit", "group": unit, **ends}

    by_unit = [
        of("north/ed", "glm", 0.1, 0.05, 0.15),
        of("west/ed", "glm", -0.02, -0.03, -0.01),
        of("west/ward", "glm", 0.02, -0.03, 0.07),
        of("west/ward", "climatology", 0.0, np.nan, np.nan),
    ]
    text = scores_markdown(
        pd.DataFrame([REFERENCE, row("glm", 0.19, 0.05, 0.01), *by_unit]), {"unit": "unit"}
    )
    assert "| north/ed |  | **10.0 %** |" in text
    assert "| west/ed |  | *-2.0 %* |" in text
    assert "| west/ward | 0.0 % | 2.0 % |" in text
