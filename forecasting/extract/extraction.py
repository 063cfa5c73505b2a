"""One site's night, read from its source by the source's profile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import perf_counter

import pandas as pd
import sqlalchemy as sa
import structlog

from forecasting.config import Settings, Site
from forecasting.extract.adt import read_adt
from forecasting.extract.clock import UTC_CLOCK
from forecasting.extract.columns import source_columns
from forecasting.extract.hourly import MARGIN, read_hourly, source_clock
from forecasting.extract.names import WITHHELD, unplaced
from forecasting.extract.questions import Questions
from forecasting.extract.source import reading
from forecasting.profile import Profile
from forecasting.schema import OBSERVATION, SCHEDULED_SHIFT, SOURCE_COLUMN, SOURCE_DEFECT, UNIT

ACTIVITY_DAYS = 56
"""How far back, at least, the source's usual activity is read, to know its silence."""
ROSTER_MARGIN_HOURS = 12
"""How far past the forecast's last hour the roster is read, to have the last shift whole."""
ROSTER = "scheduled_shift"

log = structlog.get_logger()


def extract(
    engine: sa.Engine, site: Site, settings: Settings, since: datetime, issued_at: datetime
) -> dict[str, pd.DataFrame]:
    """One site's hours ``since <= hour < issued_at``, as the source knew them at the issue time.

    Args:
        engine: the source, from :func:`~forecasting.extract.source.connect`.
        site: the campus.
        settings: the profile, names of tables and columns, and how far ahead the roster is read.
        since: first hour; aware, on the hour.
        issued_at: the issue time; aware, on the hour. Nothing that happens at or after it enters.

    Returns:
        The tables ``observation`` (units unknown to the configuration included), ``unit``,
        ``scheduled_shift`` (empty where the source has no roster), ``source_defect`` and ``source_column``.

    Raises:
        ValueError: ``since`` is not before ``issued_at``, or one is not an aware hour.
        SourceUnreachable: the source does not answer.
        SourceContractBroken: the source has not the shape of the profile.
        SourceError: the source refused a query.
    """
    began = perf_counter()
    since, issued_at = whole_hour(since), whole_hour(issued_at)
    if since >= issued_at:
        raise ValueError(f"nothing to extract: since {since} is not before the issue time {issued_at}")
    ahead = issued_at + timedelta(hours=settings.lead_hours + ROSTER_MARGIN_HOURS)
    usual_since = min(since, issued_at - timedelta(days=ACTIVITY_DAYS))
    with reading(engine) as connection:
        source = settings.source
        questions = Questions(connection, source, site, since, issued_at)
        if source.profile is Profile.HOURLY:
            read = read_hourly(questions, settings, pd.Timestamp(usual_since))
        else:
            read = read_adt(questions, usual_since)
        frames = {
            "observation": OBSERVATION.conform(read["observation"]),
            "unit": UNIT.conform(read["unit"]),
            "scheduled_shift": SCHEDULED_SHIFT.conform(_roster(questions, settings, ahead)),
            "source_defect": SOURCE_DEFECT.conform(read["source_defect"]),
            SOURCE_COLUMN.name: source_columns(questions.tables, site, issued_at),
        }
    log.info(
        "extracted",
        site=site.site_id,
        stage="extract",
        since=since.isoformat(),
        issued_at=issued_at.isoformat(),
        rows={name: len(frame) for name, frame in frames.items()},
        seconds=round(perf_counter() - began, 2),
    )
    return frames


def extract_roster(
    engine: sa.Engine, site: Site, settings: Settings, since: datetime, until: datetime
) -> pd.DataFrame:
    """One site's roster of a past time, as it stands in the source today.

    Args:
        engine: see :func:`extract`.
        site: the campus.
        settings: the profile, and names of tables and columns.
        since: shifts that end before it are left out; aware, on the hour.
        until: shifts that start at or after it are left out; aware, on the hour.

    Returns:
        SCHEDULED_SHIFT rows; none where the source has no roster.

    Raises:
        SourceError: see :func:`extract`.
    """
    since, until = whole_hour(since), whole_hour(until)
    with reading(engine) as connection:
        questions = Questions(connection, settings.source, site, since, since)
        return SCHEDULED_SHIFT.conform(_roster(questions, settings, until))


def _roster(questions: Questions, settings: Settings, until: datetime) -> pd.DataFrame:
    """Shifts that are not over at the issue time and begin before another."""
    if ROSTER not in questions.tables:
        return SCHEDULED_SHIFT.empty()
    own = questions.profile is Profile.HOURLY
    clock = source_clock(questions, ROSTER, settings) if own else UTC_CLOCK
    issued_at = questions.issued_at
    shifts = questions.ask(ROSTER, since=clock.label(issued_at - MARGIN), until=clock.label(until + MARGIN))
    for time in ("shift_start", "shift_end"):
        shifts[time] = clock.nearest(shifts[time].dt.tz_localize(None))
    shifts = _without_persons(shifts, questions.site, settings)
    begins, ends = shifts["shift_start"], shifts["shift_end"]
    ahead = begins.lt(until) & (ends.gt(issued_at) | begins.ge(issued_at))
    # Two times that a clock change makes one moment are one shift.
    keys = ["unit_id", "role", "shift_start", "shift_end"]
    heads = shifts[ahead].groupby(keys, dropna=False)["heads"].sum(min_count=1).reset_index()
    return heads.assign(site_id=questions.site.site_id)


def _without_persons(shifts: pd.DataFrame, site: Site, settings: Settings) -> pd.DataFrame:
    """The roster with no role but those configured, and no unit whose name could be a person's."""
    posts = [*(unit.unit_id for unit in site.units), *(pool.pool_id for pool in site.float_pools)]
    strange = shifts["role"].notna() & ~shifts["role"].isin(list(settings.roles))
    return shifts.assign(
        role=shifts["role"].mask(strange, WITHHELD),
        unit_id=shifts["unit_id"].mask(unplaced(shifts["unit_id"], posts), WITHHELD),
    )


def whole_hour(time: datetime) -> datetime:
    """The time in UTC.

    Raises:
        ValueError: it is not an aware time on the hour.
    """
    if time.tzinfo is None or time.astimezone(UTC) != time.astimezone(UTC).replace(
        minute=0, second=0, microsecond=0
    ):
        raise ValueError(f"{time!r} is not an aware time on the hour")
    return time.astimezone(UTC)
