"""Profile ``adt``: one site's hours, counted by the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import perf_counter

import pandas as pd
import sqlalchemy as sa
import structlog

from forecasting.config import Settings, Site
from forecasting.extract.contract import resolve
from forecasting.extract.hours import ED_VISIT, SourceHours, observations
from forecasting.extract.questions import Questions
from forecasting.extract.source import reading
from forecasting.schema import OBSERVATION, SCHEDULED_SHIFT, SOURCE_DEFECT, UNIT, Target

ACTIVITY_DAYS = 56
"""How far back, at least, the source's usual activity is read, to know its silence."""
ROSTER_MARGIN_HOURS = 12
"""How far past the forecast's last hour the roster is read, to have the last shift whole."""

log = structlog.get_logger()


def extract(
    engine: sa.Engine, site: Site, settings: Settings, since: datetime, issued_at: datetime
) -> dict[str, pd.DataFrame]:
    """One site's hours ``since <= hour < issued_at``, as the source knew them at the issue time.

    Every series of a unit that the source knows has every hour: 0 where nobody came, missing where the
    source was silent. A series begins with the first event of its source table; without any there is none.

    Args:
        engine: the source, from :func:`~forecasting.extract.source.connect`.
        site: the campus.
        settings: names of tables and columns, and how far ahead the roster is read.
        since: first hour; aware, on the hour.
        issued_at: the issue time; aware, on the hour. Nothing that happens at or after it enters.

    Returns:
        The tables ``observation`` (units unknown to the configuration included), ``unit``,
        ``scheduled_shift`` (empty where the source has no roster) and ``source_defect``.

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
    with reading(engine) as connection:
        questions = Questions(connection, resolve(connection, settings.source), site, since, issued_at)
        frames = {
            "observation": OBSERVATION.conform(
                observations(_source_hours(questions), site, since, issued_at)
            ),
            "unit": UNIT.conform(questions.ask("unit").assign(site_id=site.site_id)),
            "scheduled_shift": SCHEDULED_SHIFT.conform(_roster(questions, settings)),
            "source_defect": SOURCE_DEFECT.conform(_defects(questions)),
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
        settings: names of tables and columns.
        since: shifts that end before it are left out; aware, on the hour.
        until: shifts that start at or after it are left out; aware, on the hour.

    Returns:
        SCHEDULED_SHIFT rows; none where the source has no roster.

    Raises:
        SourceError: see :func:`extract`.
    """
    with reading(engine) as connection:
        tables = resolve(connection, settings.source)
        if "scheduled_shift" not in tables:
            return SCHEDULED_SHIFT.empty()
        questions = Questions(connection, tables, site, whole_hour(since), whole_hour(until))
        return SCHEDULED_SHIFT.conform(questions.ask("scheduled_shift").assign(site_id=site.site_id))


def _source_hours(questions: Questions) -> SourceHours:
    ed = questions.site.ed
    census = [questions.ask("bed_census")]
    arrivals = []
    if ed is not None:
        census.append(questions.ask("ed_census").assign(unit_id=ed.unit_id))
        arrivals.append(questions.ask("ed_arrivals").assign(unit_id=ed.unit_id))
    usual_since = min(questions.since, questions.issued_at - timedelta(days=ACTIVITY_DAYS))
    return SourceHours(
        counts={
            Target.ED_ARRIVALS: pd.concat(arrivals) if arrivals else census[0].head(0),
            Target.BED_CENSUS: pd.concat(census),
        },
        activity=questions.ask("activity", since=usual_since),
        unit_ids=frozenset(questions.ask("unit")["unit_id"]),
    )


def _roster(questions: Questions, settings: Settings) -> pd.DataFrame:
    if "scheduled_shift" not in questions.tables:
        return SCHEDULED_SHIFT.empty()
    until = questions.issued_at + timedelta(hours=settings.lead_hours + ROSTER_MARGIN_HOURS)
    shifts = questions.ask("scheduled_shift", since=questions.issued_at, until=until)
    over = shifts["shift_end"].eq(questions.issued_at) & shifts["shift_start"].lt(questions.issued_at)
    return shifts[~over].assign(site_id=questions.site.site_id)


def _defects(questions: Questions) -> pd.DataFrame:
    found = [questions.ask("bed_stay_defects").assign(target=str(Target.BED_CENSUS))]
    if questions.site.ed is not None:
        found.append(questions.ask(f"{ED_VISIT}_defects").assign(unit_id=questions.site.ed.unit_id))
    return pd.concat(found).assign(site_id=questions.site.site_id)


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
