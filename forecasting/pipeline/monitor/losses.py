"""Stored scores, as what is compared: by the day of the outcome, each speaker beside climatology."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from forecasting.evaluate import outcome_day
from forecasting.pipeline.backtest.tally import GROUPINGS, Tally, scores_of
from forecasting.schema import Speaker

HOUR_KEY = ["night", "site_id", "unit_id", "target", "period", "lead_day", "shift"]
MEASURES = ["outcome", "pinball", "mae", "bias", "coverage_80", "coverage_90", "pit_80", "pit_90"]
PUBLISHED, CLIMATOLOGY = "published", Speaker.CLIMATOLOGY.value


def by_outcome_day(scores: pd.DataFrame, days: int) -> pd.DataFrame:
    """The scores of the last days of outcomes, with ``day``.

    Args:
        scores: FORECAST_SCORE rows.
        days: how many days back from the last that is scored.
    """
    day = [outcome_day(*each) for each in zip(scores["night"], scores["lead_day"], strict=True)]
    dated = scores.assign(day=pd.Series(day, index=scores.index, dtype=object))
    if dated.empty:
        return dated
    begins: date = dated["day"].max() - timedelta(days=days)
    return dated[dated["day"] > begins].reset_index(drop=True)


def beside_climatology(spoke: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Rows of one speaker, with climatology's loss on the same hours.

    Returns:
        ``spoke`` with climatology_pinball, and pit_hours: the hours of which pit_80 is known.
    """
    usual = scores.loc[scores["speaker"] == Speaker.CLIMATOLOGY, [*HOUR_KEY, "pinball"]]
    beside = spoke.merge(usual.rename(columns={"pinball": "climatology_pinball"}), on=HOUR_KEY)
    return beside.assign(pit_hours=beside["hours"].where(beside["pit_80"].notna(), 0))


def score_tables(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores of what was published and of climatology, grouped as those of a backtest are.

    Args:
        scores: what :func:`by_outcome_day` returns.

    Returns:
        target, and the columns of :func:`forecasting.pipeline.backtest.tally.scores_of`; its intervals are
        drawn over days of outcomes.
    """
    published = scores[scores["published"]].assign(model=PUBLISHED)
    usual = scores[scores["speaker"] == Speaker.CLIMATOLOGY].assign(model=CLIMATOLOGY)
    both = pd.concat([published, usual], ignore_index=True)
    known = {f"{name}_known": both["hours"].where(both[name].notna(), 0) for name in MEASURES}
    day = pd.to_datetime(both["day"], utc=True)
    both = both.assign(**known, issued_at=day, valid_at=day)
    tables = [
        scores_of(_tally(rows), [PUBLISHED, CLIMATOLOGY]).assign(target=target)
        for target, rows in both.groupby("target")
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _tally(rows: pd.DataFrame) -> Tally:
    sums = ["hours", *MEASURES, *(f"{name}_known" for name in MEASURES)]
    how = {**dict.fromkeys(sums, "sum"), "valid_at": "max"}
    grouped = {}
    for by, columns in GROUPINGS.items():
        # A day is of no shift.
        of_kind = rows[rows["shift"] != ""] if by == "shift" else rows
        grouped[by] = of_kind.groupby(["model", "period", *columns, "issued_at"], as_index=False).agg(how)
    nothing = pd.DataFrame({name: np.array([]) for name in ("model", "note")})
    return Tally(grouped, nothing, nothing)
