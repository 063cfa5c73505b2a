"""The offered load of a site's ED, where it is asked for: counted, staged, and put into a night's paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
import structlog

from forecasting import extract
from forecasting.config import Load, Settings, Site
from forecasting.schema import ED_STAY, PRESENT, Target
from forecasting.staging import Stage

if TYPE_CHECKING:
    from forecasting.staffing import OfferedLoad, SamplePaths

log = structlog.get_logger()

STAYS, THERE, REFUSED = "ed_stay", "ed_present", "ed_load_refused"


@dataclass(frozen=True)
class ToldByLoad:
    """A site's paths, the ED's patients among them as its load is asked for."""

    paths: Mapping[Target, SamplePaths]
    load: OfferedLoad | None
    """By which they are told; None where the census tells them."""
    why_census: str = ""
    """Why it does though the offered load is asked for."""


def asks_for_load(site: Site) -> bool:
    """Whether the site's ED is to be planned by its offered load."""
    return site.ed is not None and site.ed.load is Load.OFFERED


def stage_ed_load(stage: Stage, source: sa.Engine, settings: Settings, issued_at: datetime) -> None:
    """Count how long the ED's patients stay and who is there, where its offered load is asked for.

    Where it can't be counted, why is staged instead: the ED is then planned by its census.
    """
    site = settings.site(stage.site_id)
    if not asks_for_load(site):
        return
    stays, there, why = ED_STAY.empty(), PRESENT.empty(), ""
    try:
        stays, there = extract.extract_ed_load(source, site, settings, [issued_at])
    except Exception as error:
        # Whatever is wrong with the visits must not cost a hospital the hours that could be read.
        log.exception("no load of the ED", site=site.site_id, stage="extract", why=str(error))
        why = str(error)
    stage.write(ED_STAY, stays, STAYS)
    stage.write(PRESENT, there, THERE)
    stage.write_record(REFUSED, why)


def told_by_load(
    stage: Stage, settings: Settings, issued_at: datetime, paths: Mapping[Target, SamplePaths]
) -> ToldByLoad:
    """The paths of a night, with the ED's patients by its offered load where that is asked for and known."""
    from forecasting.staffing import LoadError, by_offered_load

    if not asks_for_load(settings.site(stage.site_id)):
        return ToldByLoad(paths, None)
    try:
        load = _staged_load(stage, settings.site(stage.site_id), issued_at)
        return ToldByLoad(by_offered_load(paths, load), load)
    except LoadError as error:
        log.warning("planned by the census", site=stage.site_id, night=str(stage.night), why=str(error))
        return ToldByLoad(paths, None, str(error))


def _staged_load(stage: Stage, site: Site, issued_at: datetime) -> OfferedLoad:
    from forecasting.staffing import LoadError, OfferedLoad, Stays

    if site.ed is None or not stage.has(f"{REFUSED}.json"):
        raise LoadError("the night counted no stays in the ED")
    if why := str(stage.read_record(REFUSED)):
        raise LoadError(why)
    stays, there = stage.read(ED_STAY, STAYS), stage.read(PRESENT, THERE)
    return OfferedLoad.of(site.ed.unit_id, site.zone, issued_at, Stays.counted(stays), there)


def past_loads(
    source: sa.Engine, site: Site, settings: Settings, nights: Sequence[date]
) -> Callable[[date], OfferedLoad | None]:
    """The ED's offered load at past nights where it is asked for, of the stays known before the first.

    Raises:
        SourceUnreachable: the source does not answer. One that can't tell the load leaves the census to tell.
    """
    from forecasting.staffing import LoadError, OfferedLoad, Stays

    ed, times = site.ed, {night: settings.issued_at(night) for night in nights}
    if ed is None or not asks_for_load(site):
        return lambda _: None
    try:
        stays, present = extract.extract_ed_load(source, site, settings, list(times.values()))
        law = Stays.counted(stays)
    except extract.SourceUnreachable:
        raise
    except (extract.SourceError, LoadError) as error:
        log.warning("planned by the census", site=site.site_id, why=str(error))
        return lambda _: None
    return lambda night: OfferedLoad.of(ed.unit_id, site.zone, times[night], law, present)
