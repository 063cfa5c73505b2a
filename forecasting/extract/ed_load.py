"""What the offered load of one site's ED is made of, as counts: how long patients stay, and who is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import perf_counter

import numpy as np
import pandas as pd
import sqlalchemy as sa
import structlog

from forecasting.config import Settings, Site
from forecasting.extract.errors import SourceContractBroken
from forecasting.extract.extraction import whole_hour
from forecasting.extract.flows import FLOW_DAYS
from forecasting.extract.questions import Questions, hour_number
from forecasting.extract.source import reading
from forecasting.schema import ED_STAY, ED_STAY_HOURS, PRESENT

LONGEST = timedelta(hours=ED_STAY_HOURS)

log = structlog.get_logger()


def extract_ed_load(
    engine: sa.Engine, site: Site, settings: Settings, issue_times: Sequence[datetime], days: int = FLOW_DAYS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How long the ED's patients stayed, as known at the first issue time, and who was there at each.

    Of the stays those are counted that began early enough for the longest to have ended by then: who has only
    just come has left only if the stay was short.

    Args:
        engine: the source, from :func:`~forecasting.extract.source.connect`.
        site: the campus; it has an ED.
        settings: names of tables and columns.
        issue_times: aware, on the hour, at most two hours from each other in their time of day (UTC).
        days: how far back from the first of them stays are counted.

    Returns:
        ED_STAY rows; PRESENT rows of the ED, valid at the issue times.

    Raises:
        ValueError: there is no issue time, or one is not an aware hour.
        SourceUnreachable: the source does not answer.
        SourceContractBroken: the source has not the shape of the profile, or the profile knows no stays.
        SourceError: the source refused a query.
    """
    if not issue_times:
        raise ValueError("an ED's load is counted up to an issue time; none was given")
    profile = settings.source.profile
    if not profile.has_ed_stays:
        raise SourceContractBroken(f"profile {profile} has no visits from arrival to departure")
    began = perf_counter()
    times = sorted({whole_hour(time) for time in issue_times})
    since = times[0] - timedelta(days=days)
    with reading(engine) as connection:
        questions = Questions(connection, settings.source, site, since, times[0])
        clock = {"clock": list(_clock(site, since, times[0] - LONGEST))}
        stays = questions.ask("ed_stay", hours={"longest": _longest(site)}, lists=clock)
        questions = Questions(connection, settings.source, site, times[0] - LONGEST, times[-1])
        asked = {"asked": [(hour_number(time), 1) for time in times]}
        present = questions.ask("present", lists=asked).assign(site_id=site.site_id)
    log.info(
        "load of the ED extracted",
        site=site.site_id,
        stage="extract",
        issued_at=times[-1].isoformat(),
        patients=int(stays["patients"].sum()),
        seconds=round(perf_counter() - began, 2),
    )
    of_ed = present["unit_id"] == (site.ed.unit_id if site.ed else "")
    return ED_STAY.conform(stays.assign(site_id=site.site_id)), PRESENT.conform(present[of_ed])


def _longest(site: Site) -> int:
    """For how many hours a stay counts at most: no longer than it is counted in the census."""
    return min(ED_STAY_HOURS, site.ed.counted_hours) if site.ed else ED_STAY_HOURS


def _clock(site: Site, since: datetime, until: datetime) -> list[tuple[int, int, int]]:
    """Spans of one clock: its first hour, the one after its last, and whole hours that it is ahead of UTC."""
    hours = pd.date_range(since, until, freq="h", inclusive="left")
    local, utc = (hours.tz_convert(zone).tz_localize(None) for zone in (site.zone, UTC))
    ahead = ((local - utc) // pd.Timedelta(hours=1)).to_numpy()
    changes = [0, *(np.flatnonzero(np.diff(ahead)) + 1).tolist(), len(hours)]
    first = hour_number(since)
    return [(first + begin, first + end, int(ahead[begin])) for begin, end in pairwise(changes)]
