"""How patients flow through one site's units, as counts: who came, how stays pass, who is there now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import perf_counter
from typing import NamedTuple

import numpy as np
import pandas as pd
import sqlalchemy as sa
import structlog

from forecasting.config import Settings, Site
from forecasting.extract.errors import SourceContractBroken
from forecasting.extract.extraction import whole_hour
from forecasting.extract.queries import NO_LISTS, Lists
from forecasting.extract.questions import Questions, hour_number
from forecasting.extract.source import reading
from forecasting.schema import DEPARTURE, INFLOW, PASSAGE, PRESENT

FLOW_DAYS = 182
"""How far back the flow is counted: half a year of stays."""
HOURS_PER_DAY = 24
HOURS_PER_WEEK = 168
THURSDAY = 3
"""Hours are numbered from 1970-01-01, a Thursday."""
PRESENT_THEN = "present_then"

BIN = ["unit_id", "elapsed_from"]
CELL = ["site_id", "unit_id", "weekday", "local_hour", "elapsed_from"]

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
        The tables ``inflow``, ``departure`` and ``present`` of the configured units.

    Raises:
        ValueError: ``issued_at`` is not an aware hour.
        SourceUnreachable: the source does not answer.
        SourceContractBroken: the source has not the shape of the profile, or the profile tells no flow.
        SourceError: the source refused a query.
    """
    return flows_at(extract_flow_record(engine, site, settings, [issued_at], days), issued_at)


def extract_flow_record(
    engine: sa.Engine, site: Site, settings: Settings, issue_times: Sequence[datetime], days: int = FLOW_DAYS
) -> dict[str, pd.DataFrame]:
    """One site's flow of patients so that it can be told as known at any of several issue times.

    Each source table is gone through once, not once for each issue time. All windows begin ``days`` before
    the last issue time. Where an id repeats with several ends, the last one counts at every issue time.

    Args:
        engine: see :func:`extract_flows`.
        site: see there.
        settings: see there.
        issue_times: aware, on the hour, at most two hours from each other in their time of day (UTC).
        days: how far back from the last of them.

    Returns:
        The tables ``inflow``, ``passage``, ``present`` (who was there at the hour of day of an issue time,
        on the days before it) and ``present_then`` (who was there at an issue time, as was known then), for
        :func:`flows_at`.

    Raises:
        ValueError: there is no issue time, or one is not an aware hour.
        SourceError: see :func:`extract_flows`.
    """
    if not issue_times:
        raise ValueError("flows are counted up to an issue time; none was given")
    profile = settings.source.profile
    if not profile.has_flows:
        raise SourceContractBroken(f"profile {profile} has no stays, and tells no flow of patients")
    began = perf_counter()
    times = sorted({whole_hour(time) for time in issue_times})
    since = times[-1] - timedelta(days=days)
    with reading(engine) as connection:
        questions = Questions(connection, settings.source, site, since, times[-1])
        frames = {
            INFLOW.name: INFLOW.conform(_asked(questions, "inflow").assign(site_id=site.site_id)),
            PASSAGE.name: PASSAGE.conform(_passages(questions, since, times)),
            **_present(questions, since, times),
        }
    log.info(
        "flows extracted",
        site=site.site_id,
        stage="extract",
        issued_at=times[-1].isoformat(),
        issue_times=len(times),
        rows={name: len(frame) for name, frame in frames.items()},
        seconds=round(perf_counter() - began, 2),
    )
    return frames


def flows_at(record: dict[str, pd.DataFrame], issued_at: datetime) -> dict[str, pd.DataFrame]:
    """The tables of :func:`extract_flows`, as known at an issue time.

    Args:
        record: from :func:`extract_flow_record`.
        issued_at: one of its issue times; who is present at another is not known.
    """
    inflow, passage, present, then = (
        record[name] for name in (INFLOW.name, PASSAGE.name, PRESENT.name, PRESENT_THEN)
    )
    now = pd.Timestamp(issued_at)
    added = passage[passage["known_at"] <= now].groupby(CELL, as_index=False)[["patient_hours", "departures"]]
    departure = added.sum()
    same_hour = present["valid_at"].dt.hour == now.tz_convert(UTC).hour
    earlier = present[(present["valid_at"] < now) & same_hour]
    return {
        INFLOW.name: inflow[inflow["valid_at"] < now].reset_index(drop=True),
        DEPARTURE.name: DEPARTURE.conform(departure[departure["patient_hours"] > 0]),
        PRESENT.name: PRESENT.conform(pd.concat([earlier, then[then["valid_at"] == now]])),
    }


def _asked(questions: Questions, name: str, lists: Lists = NO_LISTS) -> pd.DataFrame:
    """The answer's rows of configured units: another name is not needed, and might be a patient's."""
    answer = questions.ask(name, lists=lists)
    return answer[answer["unit_id"].isin([unit.unit_id for unit in questions.site.units])]


def _present(
    questions: Questions, since: datetime, issue_times: Sequence[datetime]
) -> dict[str, pd.DataFrame]:
    last = {time.hour: hour_number(time) for time in issue_times}
    daily = [
        (hour, 0) for end in last.values() for hour in range(end, hour_number(since) - 1, -HOURS_PER_DAY)
    ]
    asked = [*daily, *((hour_number(time), 1) for time in issue_times)]
    answer = _asked(questions, "present", {"asked": asked}).assign(site_id=questions.site.site_id)
    then = answer["strictly"] == 1
    return {PRESENT.name: PRESENT.conform(answer[~then]), PRESENT_THEN: PRESENT.conform(answer[then])}


class _Span(NamedTuple):
    """Hours of one clock between two issue times, by their numbers."""

    since_hour: int
    until_hour: int
    begins_strictly: int
    ends_strictly: int


def _passages(questions: Questions, since: datetime, issue_times: Sequence[datetime]) -> pd.DataFrame:
    spans = list(_spans(questions.site, since, issue_times))
    listed = [tuple(span) for span, _, _ in spans]
    answer = _asked(questions, "departure", {"span": listed})
    parts = [
        _by_local_hour(answer[answer["since_hour"] == span.since_hour], ahead).assign(known_at=known_at)
        for span, ahead, known_at in spans
    ]
    cell = [*BIN, "known_at", "weekday", "local_hour"]
    added = pd.concat(parts).groupby(cell, as_index=False)[["patient_hours", "departures"]].sum()
    some = (added["patient_hours"] > 0) | (added["departures"] > 0)
    return added[some].assign(site_id=questions.site.site_id)


def _spans(
    site: Site, since: datetime, issue_times: Sequence[datetime]
) -> Iterator[tuple[_Span, int, datetime]]:
    """Each span, whole hours that its clock is ahead of UTC, and the issue time at which it is known."""
    hours = pd.date_range(since, issue_times[-1], freq="h", inclusive="left").tz_convert(site.zone)
    naive_utc = hours.tz_convert(UTC).tz_localize(None)
    ahead = ((hours.tz_localize(None) - naive_utc) // pd.Timedelta(hours=1)).to_numpy()
    changes = {since + timedelta(hours=int(number)) for number in np.flatnonzero(np.diff(ahead)) + 1}
    edges = sorted({since, *changes, *(time for time in issue_times if time > since)})
    for begin, end in pairwise(edges):
        span = _Span(hour_number(begin), hour_number(end), int(begin in issue_times), int(end in issue_times))
        known_at = next(time for time in issue_times if time >= end)
        yield span, int(ahead[hour_number(begin) - hour_number(since)]), known_at


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
