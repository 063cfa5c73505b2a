"""A scenario, and what a plan is made of before and after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import numpy as np
import pandas as pd

from forecasting.config import Settings, Site, Unit
from forecasting.schema import Target
from forecasting.staffing.distribution import Reals
from forecasting.staffing.offered_load import OfferedLoad, by_offered_load
from forecasting.staffing.outlook import SamplePaths
from forecasting.staffing.roster import within
from forecasting.staffing.scenario.absence import thinned
from forecasting.staffing.scenario.beds import close_beds
from forecasting.staffing.scenario.demand import mean_stays, presence, times
from forecasting.staffing.shifts import planned_shifts

NO_SET = "none"
"""The ratio set of a site that takes no published one."""


@dataclass(frozen=True)
class Scenario:
    """What differs from a published night; a change is a share: 0.2 is 20 % more, -0.2 fewer."""

    arrivals: float = 0.0
    """Of the patients who arrive at the ED."""
    census: float = 0.0
    """Of the patients in the wards' beds."""
    stay: float = 0.0
    """Of how long patients stay."""
    absence: float = 0.0
    """The share of rostered heads who don't come."""
    closed_beds: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By site and unit."""
    ratio_set: str | None = None
    """Published ratios instead of the configured ones; :data:`NO_SET` for none."""

    def closed_at(self, site: Site) -> Mapping[str, int]:
        """Beds closed at a site, by unit."""
        return self.closed_beds.get(site.site_id, {})


@dataclass(frozen=True)
class Inputs:
    """What the plan of one site and night is made of."""

    settings: Settings
    site: Site
    issued_at: datetime
    """UTC."""
    paths: Mapping[Target, SamplePaths]
    roster: pd.DataFrame
    """SCHEDULED_SHIFT rows."""
    inflow: pd.DataFrame
    """INFLOW rows, known at the issue time."""
    departure: pd.DataFrame
    """DEPARTURE rows, counted over the same weeks."""
    load: OfferedLoad | None = None
    """By which the ED's patients are told; None where its census tells them."""
    why_census: str = ""
    """See :func:`~forecasting.staffing.recommendation.recommend`."""

    @cached_property
    def stays(self) -> dict[str, float]:
        """Mean hours in each unit's beds, as far as they are known."""
        return mean_stays(self.departure)


def changed(before: Inputs, scenario: Scenario) -> Inputs:
    """The inputs as the scenario has them.

    Everything changes at the issue time. First come patients and stays, then closed beds. The ED's patients
    follow its arrivals, by their offered load where the plan is made by that; the wards' do not, as nothing
    counts how many of their patients come through the ED: say what becomes of them with ``census``. The work
    of those who come and go stays as it was, but in a unit that is closed.
    """
    site = _site(before.settings, before.site, scenario)
    paths = {target: times(of, _factor(before, of, target, scenario)) for target, of in before.paths.items()}
    if before.load is not None:
        paths = by_offered_load(paths, before.load, scenario.stay)
    if Target.BED_CENSUS in paths:
        census = paths[Target.BED_CENSUS]
        paths[Target.BED_CENSUS] = close_beds(census, site, scenario.closed_at(site))
    shifts = planned_shifts(before.settings, site, before.issued_at)
    shut = {unit.unit_id for unit in site.units if _is_shut(unit, site, scenario)}
    return replace(
        before,
        settings=_with_site(before.settings, site),
        site=site,
        paths=paths,
        roster=thinned(within(before.roster, shifts), scenario.absence),
        inflow=_without(before.inflow, "patients", shut),
        departure=_without(before.departure, "departures", shut),
    )


def _factor(before: Inputs, paths: SamplePaths, target: Target, scenario: Scenario) -> Reals:
    """How many times the patients, by unit and hour (units, hours)."""
    if target is Target.ED_ARRIVALS:
        return np.full((len(paths.units), len(paths.valid_at)), 1 + scenario.arrivals)
    since = np.asarray((paths.valid_at - before.issued_at) / pd.Timedelta(hours=1), dtype=float)
    ed = before.site.ed
    factors = np.empty((len(paths.units), len(paths.valid_at)))
    for place, unit_id in enumerate(paths.units):
        at_ed = ed is not None and unit_id == ed.unit_id
        arrivals, census = (scenario.arrivals, 0.0) if at_ed else (0.0, scenario.census)
        settled = presence(arrivals, scenario.stay, before.stays.get(unit_id), since)
        factors[place] = (1 + census) * settled
    return factors


def _site(settings: Settings, site: Site, scenario: Scenario) -> Site:
    """The site with its ratio set; a unit without an open bed asks for nobody."""
    nobody = {"minimum_heads": dict.fromkeys(settings.roles, 0), "posts": {}}
    units = tuple(
        unit.model_copy(update=nobody) if _is_shut(unit, site, scenario) else unit for unit in site.units
    )
    asked = None if scenario.ratio_set == NO_SET else scenario.ratio_set
    ratio_set = site.ratio_set if scenario.ratio_set is None else asked
    return site.model_copy(update={"ratio_set": ratio_set, "units": units})


def _with_site(settings: Settings, site: Site) -> Settings:
    sites = tuple(site if each.site_id == site.site_id else each for each in settings.sites)
    return settings.model_copy(update={"sites": sites})


def _is_shut(unit: Unit, site: Site, scenario: Scenario) -> bool:
    return scenario.closed_at(site).get(unit.unit_id) == unit.beds


def _without(events: pd.DataFrame, count: str, shut: set[str]) -> pd.DataFrame:
    """The rows, with nobody in these units; the span that they tell of stays."""
    return events.assign(**{count: events[count].mask(events["unit_id"].isin(shut), 0)})
