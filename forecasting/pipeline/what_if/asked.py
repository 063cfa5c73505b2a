"""What a what-if asks, checked against the configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from forecasting.config import Settings, Site
from forecasting.outcome import WhatIfRefused
from forecasting.rules import ratio_sets
from forecasting.staffing.scenario import NO_SET, Scenario

LIMITS = {"arrivals": (-100, 300), "census": (-100, 300), "stay": (-90, 300), "absence": (0, 100)}
"""Per cent that may be asked for, both ends included."""

TITLE_AT_MOST = 200
CLOSED = re.compile(r"(?:(?P<site>[a-z]\w*)/)?(?P<unit>[a-z]\w*)\s*=\s*(?P<beds>[0-9]{1,6})", re.ASCII)


@dataclass(frozen=True)
class WhatIf:
    """A scenario, for which sites and of which night, as :func:`read_what_if` checked it."""

    night: date | None
    """None: the last that all the sites have published."""
    site_ids: tuple[str, ...]
    scenario: Scenario
    title: str = ""

    def of(self, night: date) -> WhatIf:
        """The same of a night."""
        return replace(self, night=night)

    def as_json(self) -> dict[str, Any]:
        """What is asked as plain values."""
        night = self.night.isoformat() if self.night else None
        return {"night": night, "site_ids": list(self.site_ids), "title": self.title, **asdict(self.scenario)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> WhatIf:
        """What :meth:`as_json` wrote."""
        night, sites, title, *scenario = ("night", "site_ids", "title", *asdict(Scenario()))
        return cls(
            night=date.fromisoformat(values[night]) if values[night] else None,
            site_ids=tuple(values[sites]),
            scenario=Scenario(**{field: values[field] for field in scenario}),
            title=values[title],
        )


def read_what_if(
    settings: Settings,
    *,
    night: date | None = None,
    site_ids: Sequence[str] = (),
    arrivals: float = 0,
    census: float = 0,
    stay: float = 0,
    absence: float = 0,
    closed: Sequence[str] = (),
    ratio_set: str | None = None,
    title: str = "",
) -> WhatIf:
    """Check what a person asks for.

    Args:
        settings: the sites, units and beds that there are.
        night: whose published plan is changed; the last that all the sites have if left out.
        site_ids: all sites if there is none.
        arrivals: per cent by which more patients arrive at the ED; negative for fewer.
        census: per cent by which more patients are in the wards' beds.
        stay: per cent by which patients stay longer.
        absence: per cent of the rostered heads who don't come.
        closed: beds by unit, each as ``unit=beds`` or ``site/unit=beds``.
        ratio_set: published ratios for all the sites, ``none`` for their own rules alone; as configured if
            left out.
        title: what to call it.

    Raises:
        WhatIfRefused: something asked for does not exist, repeats, or lies outside what is allowed.
    """
    changes = {"arrivals": arrivals, "census": census, "stay": stay, "absence": absence}
    for what, per_cent in changes.items():
        low, high = LIMITS[what]
        # A number that is none lies nowhere.
        if not low <= per_cent <= high:
            raise WhatIfRefused(f"{what} {per_cent:g} %: allowed are {low} to {high} %")
    allowed = (*ratio_sets(), NO_SET)
    if ratio_set is not None and ratio_set not in allowed:
        raise WhatIfRefused(f"ratio set {ratio_set!r} is unknown; allowed are {', '.join(allowed)}")
    if len(title) > TITLE_AT_MOST:
        raise WhatIfRefused(f"a title of {len(title)} letters is too long; allowed are {TITLE_AT_MOST}")
    sites = _sites(settings, site_ids)
    return WhatIf(
        night=night,
        site_ids=tuple(site.site_id for site in sites),
        scenario=Scenario(
            **{what: per_cent / 100 for what, per_cent in changes.items()},
            closed_beds=_closed_beds(sites, closed),
            ratio_set=ratio_set,
        ),
        title=title,
    )


def _sites(settings: Settings, site_ids: Sequence[str]) -> tuple[Site, ...]:
    for site_id in site_ids:
        if site_id not in settings.site_ids:
            raise WhatIfRefused(f"site {site_id!r} is unknown; allowed are {', '.join(settings.site_ids)}")
        if list(site_ids).count(site_id) > 1:
            raise WhatIfRefused(f"site {site_id} is named more than once; name each once")
    return tuple(settings.site(site_id) for site_id in site_ids or settings.site_ids)


def _closed_beds(sites: Sequence[Site], asked: Sequence[str]) -> dict[str, dict[str, int]]:
    closed: dict[str, dict[str, int]] = {}
    for words in asked:
        found = CLOSED.fullmatch(words)
        if found is None:
            raise WhatIfRefused(
                f"closed beds {words!r}: write unit=beds or site/unit=beds, such as {_example(sites)}"
            )
        site = _site_of(sites, found["site"], found["unit"])
        of_site = closed.setdefault(site.site_id, {})
        if found["unit"] in of_site:
            raise WhatIfRefused(f"closed beds of {site.site_id}/{found['unit']} are given more than once")
        of_site[found["unit"]] = _beds(site, found["unit"], int(found["beds"]))
    return closed


def _site_of(sites: Sequence[Site], site_id: str | None, unit_id: str) -> Site:
    """The one site, of those that are asked for, whose unit is meant."""
    named = [site for site in sites if site_id in (None, site.site_id)]
    if not named:
        asked = ", ".join(site.site_id for site in sites)
        raise WhatIfRefused(f"closed beds of site {site_id!r}: this is asked of {asked}")
    having = [site for site in named if any(unit.unit_id == unit_id for unit in site.units)]
    if len(having) > 1:
        each = " or ".join(f"{site.site_id}/{unit_id}" for site in having)
        raise WhatIfRefused(f"closed beds of unit {unit_id!r}: say which, {each}")
    if not having:
        units = ", ".join(f"{site.site_id}/{unit.unit_id}" for site in named for unit in site.units)
        raise WhatIfRefused(f"closed beds of unit {unit_id!r}, which is unknown; there are {units}")
    return having[0]


def _beds(site: Site, unit_id: str, beds: int) -> int:
    unit = next(unit for unit in site.units if unit.unit_id == unit_id)
    if site.ed is None:
        raise WhatIfRefused(
            f"closed beds of {site.site_id}/{unit_id}: the site has no ED where its patients could wait"
        )
    if unit == site.ed:
        raise WhatIfRefused(
            f"closed beds of {site.site_id}/{unit_id}: whoever finds no bed waits in the ED, so its own stay"
        )
    if not 1 <= beds <= unit.beds:
        raise WhatIfRefused(f"closed beds of {site.site_id}/{unit_id} {beds}: allowed are 1 to {unit.beds}")
    return beds


def _example(sites: Sequence[Site]) -> str:
    site = sites[0]
    unit = next((unit for unit in site.units if unit != site.ed), site.units[0])
    return f"{site.site_id}/{unit.unit_id}=2"
