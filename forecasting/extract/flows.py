"""How patients flow through one site's units, as counts: who came, how stays pass, who is there now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import perf_counter

import numpy as np
import pandas as pd
import sqlalchemy as sa
import structlog

from forecasting.config import Settings, Site
from forecasting.extract.adt import whole_hour
from forecasting.extract.contract import resolve
from forecasting.extract.questions import Questions
from forecasting.extract.source import reading
from forecasting.schema import DEPARTURE, INFLOW, PRESENT

FLOW_DAYS = 182
"""How far back the flow is counted: half a year of stays."""
HOURS_PER_DAY = 24
HOURS_PER_WEEK = 168
THURSDAY = 3
"""Hours are numbered from 1970-01-01, a Thursday."""

BIN = ["unit_id", "elapsed_from"]

log = structlog.get_logger()


def extract_flows(
    engine: sa.Engine, site: Site, settings: Settings, issued_at: datetime, days: int = FLOW_DAYS
) -> dict[str, pd.DataFrame]:
    """One site's flow of patients over the last ``days``, as the source knew it at the issue time.

    Patients are counted in the database, per unit and hour: none can be told from another.

    Args:
        engine: the source, from :func:`~forecasting.extract.source.connect`.
        site: the campus.
        settings: names of tables and columns.
        issued_at: the issue time; aware, on the hour. Nothing that happens at or after it enters.
        days: how far back; at least one.

    Returns:
        The tables ``inflow``, ``departure`` and ``present`` (units unknown to the configuration included).

    Raises:
        ValueError: ``issued_at`` is not an aware hour.
        SourceUnreachable: the source does not answer.
        SourceContractBroken: the source has not the shape of the profile.
        SourceError: the source refused a query.
    """
    began = perf_counter()
    issued_at = whole_hour(issued_at)
    since = issued_at - timedelta(days=days)
    span = _span(since, issued_at)
    with reading(engine) as connection:
        questions = Questions(connection, resolve(connection, settings.source), site, since, issued_at)
        frames = {
            "inflow": INFLOW.conform(_dated(questions.ask("inflow", hours=span), site)),
            "departure": DEPARTURE.conform(_departures(questions, since, issued_at)),
            "present": PRESENT.conform(_dated(questions.ask("present", hours=span), site)),
        }
    log.info(
        "flows extracted",
        site=site.site_id,
        stage="extract",
        issued_at=issued_at.isoformat(),
        rows={name: len(frame) for name, frame in frames.items()},
        seconds=round(perf_counter() - began, 2),
    )
    return frames


def _span(since: datetime, until: datetime) -> dict[str, int]:
    """The numbers of the first hour and of the one after the last."""
    return {"since_hour": int(since.timestamp()) // 3600, "until_hour": int(until.timestamp()) // 3600}


def _dated(frame: pd.DataFrame, site: Site) -> pd.DataFrame:
    valid_at = pd.to_datetime(frame["hour_number"].astype("int64") * 3600, unit="s", utc=True)
    return frame.assign(site_id=site.site_id, valid_at=valid_at)


def _departures(questions: Questions, since: datetime, issued_at: datetime) -> pd.DataFrame:
    parts = [
        _by_local_hour(questions.ask("departure", begin, hours=_span(begin, end)), ahead)
        for begin, end, ahead in _spells_of_one_clock(questions.site, since, issued_at)
    ]
    cell = [*BIN, "weekday", "local_hour"]
    added = pd.concat(parts).groupby(cell, as_index=False)[["patient_hours", "departures"]].sum()
    return added[added["patient_hours"] > 0].assign(site_id=questions.site.site_id)


def _spells_of_one_clock(
    site: Site, since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime, int]]:
    """The spells between changes of the site's clock: begin, end, and whole hours it is ahead of UTC."""
    hours = pd.date_range(since, until, freq="h", inclusive="left").tz_convert(site.zone)
    naive_utc = hours.tz_convert(UTC).tz_localize(None)
    ahead = ((hours.tz_localize(None) - naive_utc) // pd.Timedelta(hours=1)).to_numpy()
    begins = np.flatnonzero(np.diff(ahead, prepend=ahead[0] - 1))
    times = [since + timedelta(hours=int(number)) for number in begins] + [until]
    for number, (begin, end) in zip(begins, pairwise(times), strict=True):
        yield begin, end, int(ahead[number])


def _by_local_hour(passages: pd.DataFrame, hours_ahead: int) -> pd.DataFrame:
    """Patient hours and departures by local hour of the week, from how the bins fill and empty.

    What changes at an hour of the week changes it by as much from the hour before; the level follows from
    the patient hours of all its hours together.
    """
    week = pd.DataFrame({"week_hour": range(HOURS_PER_WEEK)})
    bins = passages[BIN].drop_duplicates().merge(week, how="cross")
    counts = ["change", "patient_hours", "departures"]
    filled = bins.merge(passages, on=[*BIN, "week_hour"], how="left")
    change, total, departures = (
        filled[name].fillna(0).astype(np.int64).to_numpy().reshape(-1, HOURS_PER_WEEK) for name in counts
    )
    relative = change.cumsum(axis=1)
    lowest = (total.sum(axis=1) - relative.sum(axis=1)) // HOURS_PER_WEEK
    local = (filled["week_hour"] + THURSDAY * HOURS_PER_DAY + hours_ahead) % HOURS_PER_WEEK
    return filled[BIN].assign(
        weekday=local // HOURS_PER_DAY,
        local_hour=local % HOURS_PER_DAY,
        patient_hours=(relative + lowest[:, None]).ravel(),
        departures=departures.ravel(),
    )
