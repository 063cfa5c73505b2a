"""Whom to plan for which shift, so that the cost expected over all paths of the need is least."""

from forecasting.staffing.cover.case import Pool, Posts, SiteCase, Slot, Surge, UnitCase, Wages
from forecasting.staffing.cover.faults import CoverError
from forecasting.staffing.cover.plan import PoolCover, Relief, SiteCover, StretchCover, UnitCover
from forecasting.staffing.cover.site import cover, judged

__all__ = [
    "CoverError",
    "Pool",
    "PoolCover",
    "Posts",
    "Relief",
    "SiteCase",
    "SiteCover",
    "Slot",
    "StretchCover",
    "Surge",
    "UnitCase",
    "UnitCover",
    "Wages",
    "cover",
    "judged",
]
