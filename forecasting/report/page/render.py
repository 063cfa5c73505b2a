"""The page, laid out from its parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from forecasting.config import Unit
from forecasting.report.page import palette, provenance
from forecasting.report.page.changes import COMPARED, changes
from forecasting.report.page.days import other_days
from forecasting.report.page.decision import approval
from forecasting.report.page.hour_table import HourTable, hour_tables
from forecasting.report.page.post import shifts, worst
from forecasting.report.page.site_night import SiteNight
from forecasting.report.page.stakes import stakes
from forecasting.report.page.unit_chart import UnitChart, unit_chart
from forecasting.report.page.unknown import unknown
from forecasting.wording import balance, local, long_day, of_units

WORST = 5
"""How many of the widest gaps stand first."""


@dataclass(frozen=True)
class UnitPart:
    """A unit's picture and the numbers behind it."""

    unit: Unit
    chart: UnitChart
    tables: tuple[HourTable, ...]


def site_page(told: SiteNight) -> str:
    """The page as one HTML document, which needs no other file, no script and no network.

    Args:
        told: the site's night, with one recommendation or more.

    Raises:
        ValueError: the night recommends nothing, so there is nothing to tell.
    """
    if told.recommendations.empty:
        raise ValueError(
            f"night {told.night} of {told.site.site_id} has no recommendations to make a page of"
        )
    posts = int((told.plan["gap"] > 0).sum())
    issued = local(told.issued_at, told.site)
    return _template().render(
        told=told,
        colours=palette.INK | palette.GROUND | palette.MARK,
        day=long_day(told.day),
        tomorrow=told.day == told.night + timedelta(days=1),
        issued=f"{long_day(issued.date())}, {issued:%H:%M}",
        approval=approval(told.plan, told.site),
        balance=balance(of_units(told.plan, told.site)),
        short=posts,
        worst=worst(told, WORST),
        rest=max(posts - WORST, 0),
        today=_today(told),
        unknown=unknown(told),
        shifts=shifts(told),
        stakes=stakes(told),
        units=[
            UnitPart(unit, unit_chart(told, unit), tuple(hour_tables(told, unit))) for unit in told.site.units
        ],
        compared=tuple(COMPARED),
        changes=changes(told),
        other_days=other_days(told),
        models=provenance.models(told),
        rules=provenance.rules(told),
        runs=provenance.runs(told),
    )


def _today(told: SiteNight) -> str:
    """How the day of the night itself stands, where it is planned too and is not the page's day."""
    plan = told.recommendations[told.recommendations["shift_date"] == told.night]
    return "" if plan.empty or told.day == told.night else balance(of_units(plan, told.site))


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")
