"""A hospital group that does not exist, with its truth known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import structlog

from forecasting.config import Settings, Site
from forecasting.rules import RuleBook, rule_book
from forecasting.simulate.admissions import Admissions, draw_admissions
from forecasting.simulate.arrivals import ArrivalRates, EdLevel, arrival_rates, draw_arrivals, ed_level
from forecasting.simulate.beds import NEVER, BedStays, assign_beds
from forecasting.simulate.clock import Clock, Wholes, wall_clock
from forecasting.simulate.demand import Demand, demand
from forecasting.simulate.emergency import ADMITTED, DISPOSITIONS, TRANSFERRED, EdVisits, draw_visits
from forecasting.simulate.public_holidays import HolidayCalendar, holiday_calendar
from forecasting.simulate.roster import draw_roster
from forecasting.simulate.streams import Streams
from forecasting.simulate.told_weather import simulated_temperature, told_weather
from forecasting.simulate.weather import Weather, draw_weather

WARM_UP = timedelta(days=60)  # the wards fill before the first row is kept
BEYOND = timedelta(days=5)  # the calendar a discharge planned before the end may look at

Progress = Callable[[str, int, int], None]

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Hospital:
    """The source tables of one or more sites, and the truth behind them; every time is UTC.

    ``bed_stay`` has two columns more than the source: ``patient``, the same for the stays of one admission,
    and ``visit_id``, the ED visit it came from, missing for others. ``truth`` has, per hour of each ED, the
    arrivals per hour that calendar, season, growth and weather give (``expected_rate``), the rate with the
    day's shocks that patients were drawn from (``drawn_rate``), and the day's temperature (°C) and
    precipitation (mm). ``weather`` is what a weather service told of temperatures, where hospital.toml says
    that the source tells them; else it is empty.
    """

    ed_visit: pd.DataFrame
    bed_stay: pd.DataFrame
    unit: pd.DataFrame
    scheduled_shift: pd.DataFrame
    truth: pd.DataFrame
    weather: pd.DataFrame


def simulate(
    settings: Settings, start: datetime, until: datetime, seed: int, progress: Progress | None = None
) -> Hospital:
    """Every configured site in one; see :func:`simulate_sites`."""
    sites = []
    for done, site in enumerate(simulate_sites(settings, start, until, seed), start=1):
        sites.append(site)
        if progress:
            progress(f"simulated {settings.site_ids[done - 1]}", done, len(settings.sites))
    frames = {
        field.name: pd.concat([getattr(site, field.name) for site in sites], ignore_index=True)
        for field in fields(Hospital)
    }
    return Hospital(**frames)


def simulate_sites(settings: Settings, start: datetime, until: datetime, seed: int) -> Iterator[Hospital]:
    """One :class:`Hospital` per configured site, as its database stands at the instant ``until``.

    Every event lies in [``start``, ``until``): what is still open then has no end yet. Rosters reach past
    ``until``. The wards are in full swing at ``start``: patients already in a bed have their stay begin
    there. Same seed and start, same rows: a later ``until`` only adds rows and closes open ones, and a
    change to one site leaves the others as they are.

    Raises:
        ValueError: a time has no zone, ``start`` is not a whole hour or not before ``until``.
    """
    start, until = _utc("start", start), _utc("until", until)
    if start.replace(minute=0, second=0, microsecond=0) != start:
        raise ValueError(f"start = {start.isoformat()} is not a whole hour; let the simulation start at one")
    if start >= until:
        raise ValueError(f"start = {start.isoformat()} must lie before until = {until.isoformat()}")
    rules = rule_book(settings)
    for site in settings.sites:
        yield _simulate_site(settings, site, start, until, seed, rules)


@dataclass(frozen=True)
class Law:
    """What a site's patients come and stay by; of everything that chance decides, only the weather."""

    site: Site
    clock: Clock
    span: tuple[int, int]
    """Start and end of what is kept, in seconds since the clock's origin."""
    holiday: HolidayCalendar
    weather: Weather
    level: EdLevel
    rates: ArrivalRates
    """With the shocks of the site's own streams."""
    need: Demand


@dataclass(frozen=True)
class Patients:
    """Who came to a site's ED and who asked for a bed, with everything drawn but the wait for it."""

    visits: EdVisits
    admissions: Admissions


def site_law(site: Site, start: datetime, until: datetime, seed: int) -> Law:
    """The law of a site of :func:`simulate_sites`."""
    clock = wall_clock(site.zone, pd.Timestamp(start - WARM_UP), pd.Timestamp(until + BEYOND))
    first, last = clock.seconds(start), clock.seconds(until)
    holiday = holiday_calendar(site, clock.dates)
    weather = draw_weather(clock, site.country, Streams(seed, site.site_id))
    level, rates = _ed_rates(site, clock, first, holiday, weather, seed)
    need = demand(site, level.visits_per_day)
    return Law(site, clock, (first, last), holiday, weather, level, rates, need)


def draw_patients(law: Law, streams: Streams) -> Patients:
    """The patients of a site over its whole clock."""
    visits = draw_visits(draw_arrivals(law.rates.drawn, streams), law.rates, law.clock, law.need, streams)
    return Patients(visits, draw_admissions(visits, law.clock, law.need, law.holiday, streams))


def _simulate_site(
    settings: Settings, site: Site, start: datetime, until: datetime, seed: int, rules: RuleBook
) -> Hospital:
    streams = Streams(seed, site.site_id)
    law = site_law(site, start, until, seed)
    clock, span = law.clock, law.span
    patients = draw_patients(law, streams)
    beds = assign_beds(patients.admissions, site.units, law.need.types, clock, span[1])
    ed_visit, visit_id = _ed_visits(site, patients.visits, patients.admissions, beds, clock, span)
    hospital = Hospital(
        ed_visit=ed_visit,
        bed_stay=_bed_stays(site, patients.admissions, beds, visit_id, clock, span),
        unit=_units(site),
        scheduled_shift=draw_roster(settings, site, law.level.visits_per_day, start, until, streams, rules),
        truth=_truth(site, law.rates, law.weather, clock, span),
        weather=_told(settings, law, streams),
    )
    log.info(
        "simulated", site=site.site_id, ed_visits=len(hospital.ed_visit), bed_stays=len(hospital.bed_stay)
    )
    return hospital


def _utc(name: str, instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{name} = {instant.isoformat()} has no time zone; give one, such as UTC")
    return instant.astimezone(UTC)


def _ed_rates(
    site: Site, clock: Clock, first: int, holiday: HolidayCalendar, weather: Weather, seed: int
) -> tuple[EdLevel, ArrivalRates]:
    if site.ed is None:
        nothing = np.zeros(len(clock.offset))
        return EdLevel(0.0, 0.0), ArrivalRates(nothing, nothing, nothing + 1)
    level = ed_level(site.ed, Streams(seed, site.site_id))
    return level, arrival_rates(site, level, clock, first, holiday, weather, seed)


def _ed_visits(
    site: Site, visits: EdVisits, admissions: Admissions, beds: BedStays, clock: Clock, span: tuple[int, int]
) -> tuple[pd.DataFrame, pd.Series[str]]:
    """Rows of ``ed_visit``, and the id of every visit by its index, missing where it is not kept."""
    first, last = span
    kept = np.flatnonzero((visits.arrived >= first) & (visits.arrived < last))
    departed, disposition = _departures(visits, admissions, beds)
    departed, disposition = departed[kept], disposition[kept]
    open_still = departed >= last
    ids = _ids(site, "v", len(kept))
    frame = pd.DataFrame(
        {
            "visit_id": ids,
            "site_id": site.site_id,
            "arrived_at": clock.instants(visits.arrived[kept]),
            "departed_at": _instants_or_none(departed, open_still, clock),
            "acuity": visits.acuity[kept],
            "disposition": pd.Series(DISPOSITIONS, dtype="str")
            .take(disposition)
            .mask(open_still)
            .reset_index(drop=True),
        }
    )
    return frame, ids.set_axis(kept).reindex(range(len(visits.arrived)))


def _departures(visits: EdVisits, admissions: Admissions, beds: BedStays) -> tuple[Wholes, Wholes]:
    """When each visit ends and how: an admission when its bed is taken, or gives up and goes elsewhere."""
    departed, disposition = visits.ready.copy(), visits.disposition.copy()
    from_ed = admissions.visit >= 0
    visit = admissions.visit[from_ed]
    first_bed, gave_up = beds.first_bed[from_ed], beds.gave_up[from_ed]
    departed[visit] = np.minimum(first_bed, gave_up)
    disposition[visit] = np.where(gave_up < NEVER, TRANSFERRED, ADMITTED)
    return departed, disposition


def _bed_stays(
    site: Site,
    admissions: Admissions,
    beds: BedStays,
    visit_id: pd.Series[str],
    clock: Clock,
    span: tuple[int, int],
) -> pd.DataFrame:
    first, last = span
    kept = beds.bed_to > first
    patient, bed_to = beds.patient[kept], beds.bed_to[kept]
    visit = admissions.visit[patient]
    return pd.DataFrame(
        {
            "stay_id": _ids(site, "s", len(patient)),
            "site_id": site.site_id,
            "unit_id": pd.Series([unit.unit_id for unit in site.units], dtype="str").to_numpy()[
                beds.unit[kept]
            ],
            "bed_from": clock.instants(np.maximum(beds.bed_from[kept], first)),
            "bed_to": _instants_or_none(bed_to, bed_to >= last, clock),
            "patient": patient,
            "visit_id": visit_id.reindex(visit).to_numpy(),
        }
    )


def _units(site: Site) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "site_id": site.site_id,
            "unit_id": [unit.unit_id for unit in site.units],
            "name": [unit.name for unit in site.units],
            "unit_type": [unit.unit_type.value for unit in site.units],
            "staffed_beds": [unit.beds for unit in site.units],
        }
    )


def _truth(
    site: Site, rates: ArrivalRates, weather: Weather, clock: Clock, span: tuple[int, int]
) -> pd.DataFrame:
    seconds = np.arange(len(clock.offset)) * 3600
    kept = (seconds >= span[0]) & (seconds < span[1]) & (site.ed is not None)
    day = clock.day[kept]
    return pd.DataFrame(
        {
            "site_id": pd.Series(site.site_id, index=range(int(kept.sum())), dtype="str"),
            "unit_id": site.ed.unit_id if site.ed else "",
            "valid_at": clock.hours[kept],
            "expected_rate": rates.expected[kept],
            "drawn_rate": rates.drawn[kept],
            "temperature": weather.temperature[day],
            "precipitation": weather.precipitation[day],
        }
    )


def _told(settings: Settings, law: Law, streams: Streams) -> pd.DataFrame:
    """Rows of ``weather``, in the unit that the source is said to keep."""
    if not settings.weather.given:
        return pd.DataFrame(columns=["site_id", "issued_at", "valid_at", "temperature_c"])
    temperature = simulated_temperature(law.clock, law.weather, law.site.country)
    told = told_weather(law.clock, temperature, law.span, streams)
    told.insert(0, "site_id", law.site.site_id)
    if settings.weather.temperature == "fahrenheit":
        told["temperature_c"] = told["temperature_c"] * 9 / 5 + 32
    return told


def _ids(site: Site, kind: str, count: int) -> pd.Series[str]:
    """Ids that no other site has, counted in the order of the rows."""
    number = pd.Series(np.arange(1, count + 1)).astype("str").str.zfill(8)
    return f"{site.site_id}-{kind}" + number


def _instants_or_none(
    seconds: Wholes, missing: np.typing.NDArray[np.bool_], clock: Clock
) -> pd.Series[pd.Timestamp]:
    return pd.Series(clock.instants(np.where(missing, 0, seconds))).mask(missing)
