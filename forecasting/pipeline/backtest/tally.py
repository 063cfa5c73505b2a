"""Scored hours added up, an issue time after the other, and the scores that their sums make.

What is held in memory is one issue time's forecasts, and sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.blocks import BLOCK_HOURS, HOUR, shift_names
from forecasting.config import Settings
from forecasting.evaluate import (
    add_up,
    pit_histogram,
    rates_of,
    score_sums,
    scored_hours,
    skill_intervals,
    with_floor,
)
from forecasting.models.catalogue import REFERENCE
from forecasting.pipeline.backtest.periods import DAY
from forecasting.schema import Target

ALL = "all"
GROUPINGS: Mapping[str, tuple[str, ...]] = {
    ALL: (),
    "site": ("site_id",),
    "unit": ("site_id", "unit_id"),
    "lead_day": ("lead_day",),
    "shift": ("shift",),
}
VOICE = ["model", "site_id", "unit_id", "note"]
FLOOR = ["floor_pinball", "rate"]


@dataclass(frozen=True)
class Tally:
    """What one or more issue times of a target say, in sums."""

    sums: Mapping[str, pd.DataFrame]
    """By each of :data:`GROUPINGS`, by period and issue time: see :func:`forecasting.evaluate.add_up`. The
    floor of arrivals is that of each model's own rates."""
    pit: pd.DataFrame
    """PIT histograms of the hours: see :func:`forecasting.evaluate.pit_histogram`."""
    voices: pd.DataFrame
    """Who spoke of which series: model, site_id, unit_id, note, issue_times, hours."""


def tally(spoken: pd.DataFrame, outcomes: pd.DataFrame, target: Target, settings: Settings) -> Tally:
    """Score the forecasts of one issue time.

    Args:
        spoken: BACKTEST_FORECAST rows of a target, of all contenders.
        outcomes: what came: target, site_id, unit_id, period, valid_at, value.
        target: what is scored.
        settings: gives the levels, and the shifts.
    """
    hours = scored_hours(spoken, outcomes)
    hours = hours.assign(shift=shift_names(hours["valid_at"], hours["site_id"], settings))
    levels = settings.horizon.quantile_levels
    if target is Target.ED_ARRIVALS:
        own = [
            with_floor(rows, rates_of(spoken[spoken["model"] == model]), levels)
            for model, rows in hours.groupby("model")
        ]
        hours = pd.concat(own) if own else hours.assign(**dict.fromkeys(FLOOR, np.nan))
    sums = {}
    for by, columns in GROUPINGS.items():
        # A day is of no shift.
        of_kind = hours[hours["period"] != DAY] if by == "shift" else hours
        sums[by] = add_up(of_kind, ["period", *columns, "issued_at"])
    hourly = spoken[spoken["period"] == HOUR]
    voices = hourly.groupby(VOICE)["valid_at"].nunique().rename("hours").reset_index()
    return Tally(
        sums,
        pit_histogram(hours[hours["period"] == HOUR], (), levels),
        voices.assign(issue_times=1),
    )


def together(tallies: Sequence[Tally]) -> Tally:
    """The tally of different issue times as one."""
    pit = pd.concat([one.pit for one in tallies])
    pit = pit.assign(density=pit["density"] * pit["hours"])
    pit = pit.groupby(["model", "pit_from", "pit_to"], as_index=False)[["hours", "density"]].sum()
    voices = pd.concat([one.voices for one in tallies])
    return Tally(
        {by: pd.concat([one.sums[by] for one in tallies], ignore_index=True) for by in GROUPINGS},
        pit.assign(density=pit["density"] / pit["hours"]),
        voices.groupby(VOICE, as_index=False)[["hours", "issue_times"]].sum(),
    )


def scores_of(counted: Tally, contenders: Sequence[str]) -> pd.DataFrame:
    """Scores of each contender by each of :data:`GROUPINGS`.

    The floor is that of the contender with the lowest loss: see :func:`forecasting.evaluate.with_floor`.

    Args:
        counted: all issue times of one target.
        contenders: names, in the order of the rows.

    Returns:
        period, by (a name of :data:`GROUPINGS`), group (within it; "" for all), model, the measures of
        :func:`forecasting.evaluate.score_by` with skill against the reference, its 90 % interval skill_low
        and skill_high from a paired block bootstrap, and probability (that the model is better than the
        reference; missing for the reference itself).
    """
    order = {name: place for place, name in enumerate(contenders)}
    overall = counted.sums[ALL].groupby("model")["pinball"].sum()
    tables = []
    for by, columns in GROUPINGS.items():
        sums = counted.sums[by]
        if "rate" in sums and len(overall):
            sums = _with_floor_of(sums, str(overall.idxmin()), ["period", *columns, "issued_at"])
        keys = ["period", *columns]
        table = score_sums(sums, keys, (REFERENCE,)).rename(columns={f"skill_{REFERENCE}": "skill"})
        sure = [
            skill_intervals(of_period, keys, REFERENCE) for _, of_period in sums.groupby("period", sort=False)
        ]
        table = table.merge(pd.concat(sure), on=["model", *keys]) if sure else table
        group = ["/".join(map(str, values)) for values in table[list(columns)].to_numpy()]
        table = table.assign(by=by, group=group, place=table["model"].map(order))
        # Lead days are numbers, and sort as such.
        table = table.assign(length=table["period"].map({HOUR: 1, **BLOCK_HOURS}))
        table = table.sort_values(["length", *columns, "place"], ignore_index=True)
        tables.append(table.drop(columns=["length", "place", *columns]))
    scores = pd.concat(tables, ignore_index=True)
    first = ["period", "by", "group", "model"]
    return scores[[*first, *(name for name in scores.columns if name not in first)]]


def calibration_of(counted: Tally, contenders: Sequence[str]) -> pd.DataFrame:
    """Each contender's PIT histogram, its bins between the quantile levels.

    Returns:
        model, pit_from, pit_to, hours, density, and share: of outcomes up to ``pit_to``, each count spread
        evenly over its probability.
    """
    order = {name: place for place, name in enumerate(contenders)}
    histogram = counted.pit.assign(place=counted.pit["model"].map(order))
    histogram = histogram.sort_values(["place", "pit_from"], ignore_index=True).drop(columns="place")
    inside = histogram["density"] * (histogram["pit_to"] - histogram["pit_from"])
    return histogram.assign(share=inside.groupby(histogram["model"]).cumsum())


def _with_floor_of(sums: pd.DataFrame, model: str, keys: list[str]) -> pd.DataFrame:
    """The sums with one model's floor in every model's place: all of them are of the same hours."""
    floor = [column for column in sums.columns if column.startswith(tuple(FLOOR))]
    of_model = sums.loc[sums["model"] == model, [*keys, *floor]]
    return sums.drop(columns=floor).merge(of_model, on=keys, validate="many_to_one")
