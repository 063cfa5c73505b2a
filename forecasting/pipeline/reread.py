"""A site's past read again beyond the look-back: a source that was corrected, or loaded anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import pandas as pd
import structlog

from forecasting import extract, warehouse
from forecasting.config import read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import SiteBlocked, SourceLost
from forecasting.schema import OBSERVATION
from forecasting.warehouse import no_longer_told

log = structlog.get_logger()

HOUR = timedelta(hours=1)
HISTORY = timedelta(weeks=10)
"""How much of what is known the hours are judged beside."""


@dataclass(frozen=True)
class Reread:
    """How a site's source tells past hours today, beside what was known; counts of hours of every series."""

    since: datetime
    """UTC, the first hour that was asked for."""
    until: datetime
    """UTC, where what nights have recorded ends."""
    read: int
    new: int
    """Hours that nobody knew of."""
    changed: int
    """Hours whose value is another, or known at last."""
    taken_back: int
    """Hours that had a value and have none."""
    warnings: str
    """What validation says of them; empty where all is well."""


def reread_site(
    place: Deployment, site_id: str, since: date, now: datetime | None = None, *, dry_run: bool = False
) -> Reread:
    """Read a site's recorded hours once more from a local date on, and record what is told otherwise.

    It becomes known ``now``: the next night forecasts and trains with it, past nights keep what they knew.
    Only hours that nights have recorded are read.

    Args:
        place: this installation.
        site_id: the site.
        since: the first local date.
        now: aware; the present if left out.
        dry_run: record nothing.

    Raises:
        ConfigError: there is no such site.
        SiteBlocked: nothing is recorded since then, the data can't be trusted, or the source is not what the
            profile says; nothing is recorded.
        SourceLost: the source does not answer.
    """
    from forecasting.validate import validate

    now = now or datetime.now(UTC)
    settings = read_settings(place.config)
    site = settings.site(site_id)
    begin = datetime.combine(since, time(), site.zone).astimezone(UTC).replace(minute=0)
    engine = warehouse.connect(place.warehouse)
    last = warehouse.last_observed(engine, site_id, now)
    if last is None or last < begin:
        recorded = "no night has recorded an hour" if last is None else f"the last recorded hour is {last}"
        raise SiteBlocked(f"{site_id}: nothing to read again since {since}: {recorded}")
    until = last + HOUR
    try:
        source = extract.connect(place.source, settings.source.timeout_seconds)
        tables = extract.extract(source, site, settings, begin, until)
    except extract.SourceUnreachable as error:
        raise SourceLost(f"{site_id}: {error}") from error
    except extract.SourceError as error:
        raise SiteBlocked(f"{site_id}: {error}") from error
    known = warehouse.observations(engine, [site_id], None, begin - HISTORY, now)
    night = until.astimezone(settings.group.zone).date()
    verdict = validate(tables, known, site, settings, night, until)
    if verdict.state == "blocked":
        raise SiteBlocked(f"{site_id}: {verdict.why}")
    read = verdict.tables[OBSERVATION.name]
    if not dry_run:
        warehouse.record_observations(engine, site_id, now, read)
    told = _beside(read, known, begin, until, verdict.why)
    log.info("read again", site=site_id, stage="reread", dry_run=dry_run, **vars(told))
    return told


def _beside(read: pd.DataFrame, known: pd.DataFrame, since: datetime, until: datetime, why: str) -> Reread:
    key = list(OBSERVATION.key)
    both = read.merge(known, on=key, how="left", suffixes=("", "_known"), indicator="side")
    there, was = both["value"].notna(), both["value_known"].notna()
    stood = both["side"].eq("both")
    return Reread(
        since=since,
        until=until,
        read=len(read),
        new=int((~stood).sum()),
        changed=int((stood & there & both["value"].ne(both["value_known"])).sum()),
        taken_back=int((was & ~there).sum()) + len(no_longer_told(read, known)),
        warnings=why,
    )
