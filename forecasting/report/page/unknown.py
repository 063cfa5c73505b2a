"""What the system doesn't know, in sentences, the gravest first."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from forecasting.report.doubts import undecided
from forecasting.report.page.site_night import SiteNight
from forecasting.schema import Target
from forecasting.wording import COUNTED, Doubt, Row, counted, notes, rows

HOURS_LOOKED_AT = 24
_TABLES = {"scheduled_shift": "the roster", "unit": "the list of units", "source_defect": "the source"}


def unknown(told: SiteNight) -> list[Doubt]:
    """Of what, and why, for the page's day; the last is what no night ever knows."""
    return [
        *undecided(told.plan, told.settings, told.site),
        *_without_roster(told),
        *notes(told.plan, told.site),
        *_silences(told),
        *_set_aside(told),
        *([("The source", _plainly(told, told.warning))] if told.warning else []),
        _never_known(told),
    ]


def _never_known(told: SiteNight) -> Doubt:
    without = ["events in town", "who calls in sick"]
    if not told.settings.weather.given:
        without.insert(0, "weather")
    return "Never in the forecast", f"{', '.join(without)}."


def _without_roster(told: SiteNight) -> list[Doubt]:
    lost = told.plan[told.plan["scheduled"].isna()]
    return [
        (_whose(told, of_role["unit_id"]), f"no roster known of {told.role_title(str(role))}.")
        for role, of_role in lost.groupby("role", sort=False)
    ]


def _whose(told: SiteNight, unit_ids: pd.Series[str]) -> str:
    named = dict.fromkeys(unit_ids)
    every = {unit.unit_id for unit in told.site.units} <= named.keys()
    return "All units" if every else ", ".join(told.unit_name(unit_id) for unit_id in named)


def _silences(told: SiteNight) -> list[Doubt]:
    """Units that were not counted in each of the last hours."""
    hours = pd.date_range(
        told.issued_at - timedelta(hours=HOURS_LOOKED_AT), told.issued_at, freq="h", inclusive="left"
    )
    doubts = []
    for target, what in COUNTED.items():
        of_target = told.history[told.history["target"] == target]
        for unit in told.site.units:
            if target is Target.ED_ARRIVALS and unit != told.site.ed:
                continue
            of_unit = of_target[of_target["unit_id"] == unit.unit_id].set_index("valid_at")["value"]
            missing = int(of_unit.reindex(hours).isna().sum())
            if missing:
                why = f"no count of {what} in {missing} of the last {HOURS_LOOKED_AT} hours."
                doubts.append((unit.name, why))
    return doubts


def _set_aside(told: SiteNight) -> list[Doubt]:
    """Rows of the source that were not believed."""
    by = ["table_name", "unit_id", "target", "reason"]
    if told.quarantined.empty:
        return []
    totals = told.quarantined.fillna({"source_rows": 1}).groupby(by, dropna=False)["source_rows"].sum()
    return [
        (told.unit_name(row["unit_id"] or "") or "The source", _told_set_aside(told, row))
        for row in rows(totals.reset_index())
    ]


def _told_set_aside(told: SiteNight, row: Row) -> str:
    """How many rows, of what, and why: the target is a role's where they are the roster's."""
    what = _TABLES.get(row["table_name"]) or _plainly(told, row["target"] or row["table_name"])
    if row["target"] in told.settings.roles:
        what = f"{what}, {told.role_title(row['target'])},"
    why = _plainly(told, row["reason"]).replace("_", " ")
    return f"{counted(int(row['source_rows']), 'row')} of {what} set aside: {why}."


def _plainly(told: SiteNight, text: str) -> str:
    """The text with what is counted and the units by the names that people call them."""
    for target, words in COUNTED.items():
        text = text.replace(target.value, words)
    for unit in told.site.units:
        text = text.replace(f"unit {unit.unit_id!r}", unit.name)
    return text
