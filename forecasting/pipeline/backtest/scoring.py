"""Forecasts and outcomes to scores: each contender as a whole, and by site, unit, lead and shift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from forecasting.blocks import BLOCK_HOURS, HOUR, shift_names
from forecasting.config import Settings
from forecasting.evaluate import (
    compare,
    period_outcomes,
    pit_histogram,
    rates_of,
    score_by,
    scored_hours,
    with_floor,
)
from forecasting.models.catalogue import REFERENCE
from forecasting.pipeline.backtest.periods import DAY, block_periods
from forecasting.schema import Target

ALL = "all"
GROUPINGS: Mapping[str, tuple[str, ...]] = {
    ALL: (),
    "site": ("site_id",),
    "unit": ("site_id", "unit_id"),
    "lead_day": ("lead_day",),
    "shift": ("shift",),
}
CONFIDENCE = ["skill_low", "skill_high", "probability"]
SERIES = ["site_id", "unit_id"]


def hours_of(
    forecasts: pd.DataFrame, outcomes: pd.DataFrame, target: Target, settings: Settings
) -> pd.DataFrame:
    """The scored hours of a target, each with its shift; those of arrivals with their noise floor.

    The floor is estimated from the rates of the contender with the lowest loss: see
    :func:`forecasting.evaluate.with_floor`.

    Args:
        forecasts: BACKTEST_FORECAST rows.
        outcomes: OBSERVATION rows.
        target: what is scored.
        settings: gives the shifts.

    Returns:
        What :func:`forecasting.evaluate.scored_hours` does; no rows where no outcome is known yet.
    """
    spoken = forecasts[forecasts["target"] == target]
    came = outcomes[outcomes["target"] == target]
    blocks = period_outcomes(came, settings, block_periods(settings))
    hours = scored_hours(spoken, pd.concat([came.assign(period=HOUR), blocks], ignore_index=True))
    hours = hours.assign(shift=shift_names(hours["valid_at"], hours["site_id"], settings))
    if target is not Target.ED_ARRIVALS or hours.empty:
        return hours
    best = hours.groupby("model")["pinball"].mean().idxmin()
    levels = np.sort(spoken["quantile"].unique()).tolist()
    return with_floor(hours, rates_of(spoken[spoken["model"] == best]), levels)


def scores_of(hours: pd.DataFrame, contenders: Sequence[str]) -> pd.DataFrame:
    """Scores of each contender by each of :data:`GROUPINGS`.

    Args:
        hours: what :func:`hours_of` returns, of one target.
        contenders: names, in the order of the rows.

    Returns:
        target, period, by (a name of :data:`GROUPINGS`), group (within it; "" for all), model, the measures
        of :func:`forecasting.evaluate.score_by` with skill against the reference, and for all hours together
        skill_low, skill_high (90 % interval of a paired block bootstrap) and probability (that the model is
        better than the reference; missing for the reference itself).
    """
    order = {name: place for place, name in enumerate(contenders)}
    tables = []
    for by, columns in GROUPINGS.items():
        # A day is of no shift.
        of_kind = hours[hours["period"] != DAY] if by == "shift" else hours
        table = score_by(of_kind, ["target", "period", *columns], (REFERENCE,))
        group = table[list(columns)].astype(str).agg("/".join, axis=1) if columns else ""
        table = table.assign(by=by, group=group, place=table["model"].map(order))
        # Lead days are numbers, and sort as such.
        table = table.assign(length=table["period"].map({HOUR: 1, **BLOCK_HOURS}))
        table = table.sort_values(["length", *columns, "place"], ignore_index=True).drop(
            columns=["length", "place", *columns]
        )
        tables.append(table.rename(columns={f"skill_{REFERENCE}": "skill"}))
    scores = pd.concat(tables, ignore_index=True)
    keys = ["target", "period", "by", "group", "model"]
    sure = _confidence(hours, contenders)
    scores = scores.merge(sure.assign(by=ALL), on=["period", "by", "model"], how="left")
    return scores[[*keys, *(name for name in scores.columns if name not in keys)]]


def _confidence(hours: pd.DataFrame, contenders: Sequence[str]) -> pd.DataFrame:
    rows = []
    for period, of_period in hours.groupby("period"):
        for name in contenders:
            if name == REFERENCE:
                continue
            found = compare(of_period, name, REFERENCE)
            scale = found.champion_wql if found.champion_wql > 0 else float("nan")
            rows.append((period, name, found.low / scale, found.high / scale, found.probability))
    table = pd.DataFrame(rows, columns=["period", "model", *CONFIDENCE])
    return table.astype({"period": "str", "model": "str", **dict.fromkeys(CONFIDENCE, "float64")})


def calibration_of(hours: pd.DataFrame, levels: Sequence[float], contenders: Sequence[str]) -> pd.DataFrame:
    """Each contender's PIT histogram, its bins between the quantile levels.

    Returns:
        model, pit_from, pit_to, hours, density, and share: of outcomes up to ``pit_to``, each count spread
        evenly over its probability.
    """
    histogram = pit_histogram(hours, (), levels)
    order = {name: place for place, name in enumerate(contenders)}
    histogram = histogram.assign(place=histogram["model"].map(order))
    histogram = histogram.sort_values(["place", "pit_from"], ignore_index=True).drop(columns="place")
    inside = histogram["density"] * (histogram["pit_to"] - histogram["pit_from"])
    return histogram.assign(share=inside.groupby(histogram["model"]).cumsum())


def stand_ins(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Where the reference stood in for a contender, and why.

    Returns:
        target, model, note, site_id, unit_id, issue_times (how many).
    """
    keys = ["target", "model", "note", *SERIES]
    noted = forecasts[forecasts["note"] != ""]
    return noted.groupby(keys)["issued_at"].nunique().rename("issue_times").reset_index()
