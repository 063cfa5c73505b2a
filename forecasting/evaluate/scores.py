"""Scores of quantile forecasts, as pure functions on long tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecasting.evaluate.scored import INTERVALS, SERIES, scored_hours

ALL = ""
"""site_id and unit_id of the rows that speak of all series together."""

COVERAGES = [f"coverage_{name}" for name in INTERVALS]
PITS = [f"pit_{name}" for name in INTERVALS]
MEASURES = ["pinball", "mae", "bias", *COVERAGES, *PITS]
REFERENCES = ("climatology", "seasonal_naive")
FLOOR = ["floor_pinball", "rate"]
KNOWN = "_known"


def score(forecasts: pd.DataFrame, outcomes: pd.DataFrame, reference: str = "climatology") -> pd.DataFrame:
    """Scores of each model, per series and over all series.

    Args:
        forecasts: rows of :data:`forecasting.schema.FORECAST`, of one or more models and one period.
        outcomes: see :func:`forecasting.evaluate.scored.scored_hours`.
        reference: the model that skill is measured against.

    Returns:
        What :func:`score_series` does.
    """
    return score_series(scored_hours(forecasts, outcomes), reference)


def score_series(hours: pd.DataFrame, reference: str = "climatology") -> pd.DataFrame:
    """Scores of each model, per series and over all series of a target.

    Args:
        hours: what :func:`forecasting.evaluate.scored.scored_hours` returns, of one period.
        reference: the model that skill is measured against.

    Returns:
        model, target, site_id, unit_id (both :data:`ALL` where a row speaks of all series of its target),
        the measures of :func:`score_by`, and skill (1 - wql / wql of the reference on the same series).

    Raises:
        ValueError: the hours are of several periods, whose patients can't be added up.
    """
    if (periods := hours["period"].unique()).size > 1:
        raise ValueError(f"scores of periods {', '.join(periods)} don't add up; take score_by, by period")
    by_series = score_by(hours, SERIES, (reference,))
    overall = score_by(hours, ["target"], (reference,)).assign(site_id=ALL, unit_id=ALL)
    table = pd.concat([overall, by_series], ignore_index=True)
    return table.rename(columns={_skill(reference): "skill"})[
        ["model", *SERIES, "hours", "pinball", "wql", "mae", "bias", *COVERAGES, *PITS, "skill"]
    ]


def score_by(
    hours: pd.DataFrame, by: Sequence[str] = (), references: Sequence[str] = REFERENCES
) -> pd.DataFrame:
    """Scores of each model in each group of scored hours.

    Args:
        hours: what :func:`forecasting.evaluate.scored.scored_hours` returns; where
            :func:`forecasting.evaluate.floor.with_floor` has been there, the noise floor is told.
        by: columns to tell groups by, beside the model: target, period, lead_day, site_id, unit_id, or any
            that the caller adds, such as shift (:func:`forecasting.blocks.shift_names`).
        references: models that skill is measured against; the first of them also the gap.

    Returns:
        model, the columns of ``by``, hours (scored, each issue time's own), pinball (mean over hours and
        levels, patients), wql (pinball summed x 2 / outcomes summed, mean over levels), mae (of the
        median, patients), bias (median - outcome, patients), coverage_80, coverage_90 (share of outcomes
        inside the interval, its ends included: what a reader of the interval sees), pit_80, pit_90 (the
        same with each count spread over its probability: 80 % and 90 % under a true forecast), and
        skill_<reference> (1 - wql / wql of the reference in the same group) for each reference. With a
        floor also floor (its WQL) and gap_closed ((reference - model) / (reference - floor): 0 no better
        than the reference, 1 at the floor; NaN where the reference is not above the floor). What can't be
        computed is NaN.
    """
    return score_sums(add_up(hours, by), by, references)


def add_up(hours: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """The measures of scored hours added up in each group, for :func:`score_sums`.

    Sums of some hours and of others, one below the other, say as much as those of all: so hours can be
    scored a few at a time. By issue time they say enough for the intervals of
    :mod:`forecasting.evaluate.bootstrap`.

    Args:
        hours: see :func:`score_by`.
        by: columns to tell groups by, beside the model.

    Returns:
        model, the columns of ``by``, hours (how many), valid_at (the last of them), and of each measure its
        sum, under ``<measure>_known`` over how many hours.
    """
    measures = [*MEASURES, "outcome", *(name for name in FLOOR if name in hours)]
    groups = hours.groupby(["model", *by])
    known = groups[measures].count().add_suffix(KNOWN)
    table = pd.concat([groups[measures].sum(), known], axis=1)
    table.insert(0, "hours", groups.size())
    table.insert(1, "valid_at", groups["valid_at"].max())
    return table.reset_index()


def score_sums(
    sums: pd.DataFrame, by: Sequence[str] = (), references: Sequence[str] = REFERENCES
) -> pd.DataFrame:
    """Scores of each model in each group, as :func:`score_by` tells them, from sums of hours.

    Args:
        sums: what :func:`add_up` returns, by ``by`` and perhaps more.
        by: see :func:`score_by`.
        references: see :func:`score_by`.
    """
    keys = ["model", *by]
    measures = [name.removesuffix(KNOWN) for name in sums.columns if name.endswith(KNOWN)]
    added = sums.groupby(keys)[["hours", *measures, *(name + KNOWN for name in measures)]].sum()
    table = pd.DataFrame({name: added[name] / _positive(added[name + KNOWN]) for name in measures})
    table.insert(0, "hours", added["hours"])
    floor = "floor_pinball" in table
    table["wql"] = _wql(table["pinball"], table["outcome"])
    if floor:
        table["floor"] = _wql(table["floor_pinball"], table["rate"])
    table = table.reset_index()
    for reference in references:
        table[_skill(reference)] = 1 - table["wql"] / _positive(_of_reference(table, by, reference))
    if floor:
        lost = _of_reference(table, by, references[0]) if references else np.nan
        table["gap_closed"] = (lost - table["wql"]) / _positive(lost - table["floor"])
    told = ["hours", "pinball", "wql", *MEASURES[1:], *(_skill(name) for name in references)]
    return table[[*keys, *told, *(["floor", "gap_closed"] if floor else [])]]


def _wql(pinball: pd.Series[float], outcome: pd.Series[float]) -> pd.Series[float]:
    return 2 * pinball / _positive(outcome)


def _positive(values: pd.Series[float]) -> pd.Series[float]:
    return values.where(values > 0)


def _of_reference(table: pd.DataFrame, by: Sequence[str], reference: str) -> pd.Series[float]:
    """The reference's WQL in each row's group."""
    mine = table.loc[table["model"] == reference, [*by, "wql"]]
    if not by:
        return pd.Series(mine["wql"].iloc[0] if len(mine) else np.nan, index=table.index)
    joined = table[list(by)].merge(mine, on=list(by), how="left")
    return pd.Series(joined["wql"].to_numpy(), index=table.index)


def _skill(reference: str) -> str:
    return f"skill_{reference}"
