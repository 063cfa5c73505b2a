"""Which of a feed's places are ours: sites and units by what the source calls them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from forecasting.config import Site


@dataclass(frozen=True)
class Places:
    """The configured sites and units, found by the names that a feed has for them."""

    sites: tuple[Site, ...]

    def site(self, names: Iterable[str]) -> Site | None:
        """The site that one of the names belongs to; the only one there is where a feed names none."""
        asked = [name for name in names if name]
        if not asked and len(self.sites) == 1:
            return self.sites[0]
        return next((site for name in asked for site in self.sites if name in _names(site)), None)

    def unit(self, site: Site, names: Iterable[str]) -> str | None:
        """What the source calls the unit that the first of the names it can belong to."""
        ours = {unit.unit_id: unit.source_id or unit.unit_id for unit in site.units}
        ours |= {source_id: source_id for source_id in ours.values()}
        return next((ours[name] for name in names if name in ours), None)

    def units(self) -> pd.DataFrame:
        """The configured units as rows of ``unit``, for files that have none."""
        return pd.DataFrame(
            [
                {
                    "site_id": site_name(site),
                    "unit_id": unit.source_id or unit.unit_id,
                    "name": unit.name,
                    "unit_type": unit.unit_type.value,
                    "staffed_beds": unit.beds,
                }
                for site in self.sites
                for unit in site.units
            ]
        )

    @staticmethod
    def ed(site: Site) -> str | None:
        """What the source calls the site's emergency department, if it has one."""
        return (site.ed.source_id or site.ed.unit_id) if site.ed else None


def site_name(site: Site) -> str:
    """What the source calls a site."""
    return site.source_id or site.site_id


def _names(site: Site) -> tuple[str, ...]:
    return (site.source_id or site.site_id, site.site_id, site.name)
