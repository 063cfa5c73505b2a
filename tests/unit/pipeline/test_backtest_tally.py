"""Scores that are added up an issue time after the other are those of all hours at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.blocks import HOUR
from forecasting.config import Settings
from forecasting.evaluate import compare, pit_histogram, rates_of, score_by, scored_hours, with_floor
from forecasting.models import Climatology
from forecasting.pipeline.backtest.tally import Tally, calibration_of, scores_of, tally, together
from forecasting.schema import Target

pytestmark = pytest.mark.unit

MODELS = ["climatology", "sharp"]
ARRIVALS = Target.ED_ARRIVALS
Night = tuple[pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def nights(
    observations: Callable[..., pd.DataFrame],
    panel_of: Callable[..., pd.DataFrame],
    settings: Settings,
    issued_at: datetime,
) -> list[Night]:
    """Forecasts of two models from four issue times, and what came; an hour of one night is NaN."""
    history = observations(60, days_after=14)
    came = history[history["target"] == ARRIVALS].assign(period=HOUR)
    random = np.random.default_rng(2)
    told = []
    for week in range(-2, 2):
        at = issued_at + timedelta(weeks=week)
        panel = panel_of(history, ARRIVALS, at)
        spoken = Climatology.fit(panel, settings, at, ARRIVALS).predict(panel, at)
        other = spoken.assign(model="sharp", value=spoken["value"] * (1 + 0.2 * random.random()))
        if week == 0:
            other.loc[5, "value"] = np.nan
        told.append((pd.concat([spoken, other], ignore_index=True), came))
    return told


@pytest.fixture(scope="module")
def counted(nights: list[Night], settings: Settings) -> Tally:
    return together([tally(spoken, came, ARRIVALS, settings) for spoken, came in nights])


@pytest.fixture(scope="module")
def at_once(nights: list[Night], settings: Settings) -> pd.DataFrame:
    """The scored hours of all nights, with the floor of the better model."""
    spoken = pd.concat([forecasts for forecasts, _ in nights], ignore_index=True)
    hours = scored_hours(spoken, nights[0][1])
    best = hours.groupby("model")["pinball"].mean().idxmin()
    rates = rates_of(spoken[spoken["model"] == best])
    return with_floor(hours, rates, settings.horizon.quantile_levels)


@pytest.mark.parametrize(("by", "columns"), [("all", []), ("unit", ["site_id", "unit_id"])])
def test_every_measure_is_that_of_all_hours_together(
    counted: Tally, at_once: pd.DataFrame, by: str, columns: list[str]
) -> None:
    expected = score_by(at_once, ["period", *columns], ("climatology",))
    group = expected[columns].agg("/".join, axis=1) if columns else ""
    expected = expected.rename(columns={"skill_climatology": "skill"}).assign(group=group)
    scores = scores_of(counted, MODELS)
    found = scores[scores["by"] == by]
    key = ["model", "period", "group"]
    both = found.merge(expected, on=key, suffixes=("", "_expected"), validate="one_to_one")
    assert len(both) == len(expected) == len(found)
    for measure in ("hours", "wql", "mae", "bias", "coverage_80", "pit_90", "skill", "floor", "gap_closed"):
        np.testing.assert_allclose(both[measure], both[f"{measure}_expected"], rtol=1e-9, err_msg=measure)


def test_the_interval_of_the_skill_is_that_of_the_difference(counted: Tally, at_once: pd.DataFrame) -> None:
    scores = scores_of(counted, MODELS)
    sharp = scores[(scores["by"] == "all") & (scores["model"] == "sharp")].iloc[0]
    known = compare(at_once, "sharp", "climatology")
    np.testing.assert_allclose(
        [sharp["skill_low"], sharp["skill_high"], sharp["probability"]],
        [known.low / known.champion_wql, known.high / known.champion_wql, known.probability],
    )


def test_every_group_has_an_interval_and_the_reference_none(counted: Tally) -> None:
    scores = scores_of(counted, MODELS)
    assert set(scores["by"]) == {"all", "site", "unit", "lead_day", "shift"}
    reference = scores["model"] == "climatology"
    assert scores.loc[reference, ["skill_low", "skill_high", "probability"]].isna().all(axis=None)
    assert scores.loc[~reference, ["skill_low", "skill_high"]].notna().all(axis=None)
    assert (scores.loc[~reference, "skill_low"] <= scores.loc[~reference, "skill_high"]).all()


def test_the_calibration_is_that_of_all_hours_together(
    counted: Tally, at_once: pd.DataFrame, settings: Settings
) -> None:
    expected = pit_histogram(at_once, (), settings.horizon.quantile_levels)
    found = calibration_of(counted, MODELS)
    np.testing.assert_allclose(found["density"], expected["density"])
    np.testing.assert_allclose(found.groupby("model")["share"].last(), 1.0)


def test_who_spoke_is_told_by_series(counted: Tally, settings: Settings) -> None:
    voices = counted.voices
    assert len(voices) == 2 * 2
    assert (voices["issue_times"] == 4).all()
    assert (voices["hours"] == 4 * settings.lead_hours).all()


def test_nights_without_any_outcome_are_scored_as_nothing(nights: list[Night], settings: Settings) -> None:
    spoken, came = nights[0]
    silent = tally(spoken, came.assign(value=np.nan), ARRIVALS, settings)
    assert scores_of(silent, MODELS).empty
    assert len(silent.voices) == 4
    again = together([silent, tally(*nights[1], ARRIVALS, settings)])
    alone = tally(*nights[1], ARRIVALS, settings)
    pd.testing.assert_frame_equal(scores_of(again, MODELS), scores_of(alone, MODELS), check_dtype=False)
