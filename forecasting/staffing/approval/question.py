"""What people are asked about a site's plan, in words and as fields of a form."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from forecasting.config import OnTimeout, Settings, Site, Unit
from forecasting.staffing.approval.due import deadline

PLAN = "plan"
ASKED_AT = "asked_at"

_TO = "\N{EN DASH}"

_WHAT_EITHER_DOES = (
    "**Approve** takes the heads in the fields below, so change any of them first. "
    "**Reject** keeps the roster, whatever the fields say."
)

Row = dict[Hashable, Any]


@dataclass(frozen=True)
class Field:
    """A number that a person may change: the heads of one unit, role and shift."""

    name: str
    title: str
    description: str
    heads: int | None
    """Recommended; none where no rule holds."""
    most: int


@dataclass(frozen=True)
class Question:
    """A site's plan as it is put to people."""

    subject: str
    body: str
    """Markdown."""
    fields: tuple[Field, ...]
    until: datetime
    """UTC, when an answer is no longer waited for."""
    unseen: Mapping[str, str]
    """What comes back with the answer, by name: which plan was shown, and when."""


def pose(asked: pd.DataFrame, settings: Settings, site: Site, output_digest: str, now: datetime) -> Question:
    """Put shifts to people: a field for each that would not stay as rostered, the others in one sentence.

    Args:
        asked: STAFFING_RECOMMENDATION rows of the site, of one date.
        settings: name the roles.
        site: whose plan.
        output_digest: of the plan.
        now: UTC.
    """
    until = deadline(settings, site, asked, now)
    rows = sorted(_rows(asked), key=lambda row: _order(row, settings, site))
    open_rows = [row for row in rows if not _stays(row)]
    day = rows[0]["shift_date"]
    return Question(
        subject=f"{site.name}: staffing for {day:%A} {day.day} {day:%B %Y}",
        body="\n\n".join(_body(rows, open_rows, settings, site, until)),
        fields=tuple(_field(row, settings, site) for row in open_rows),
        until=until,
        unseen={PLAN: output_digest, ASKED_AT: now.isoformat()},
    )


def field_name(row: Row) -> str:
    """What the field of a shift is called in an answer."""
    return f"{row['unit_id']}/{row['role']}/{row['shift']}"


def _body(
    rows: list[Row], open_rows: list[Row], settings: Settings, site: Site, until: datetime
) -> list[str]:
    local = until.astimezone(site.zone)
    end = f"{local:%H:%M} on {local:%A} {local.day} {local:%B}"
    unanswered = {
        OnTimeout.APPROVE: "then it is approved as recommended",
        OnTimeout.LEAVE: "then it stays a proposal, and the roster stands",
    }[site.approval.on_timeout]
    return [
        f"**{_summary(rows)}** Please decide by **{end}**; {unanswered}. Times are local to {site.name}.",
        *([_table(open_rows, settings, site)] if open_rows else []),
        _WHAT_EITHER_DOES,
    ]


def _summary(rows: list[Row]) -> str:
    changes = [_change(row) for row in rows]
    more = sum(change for change in changes if change is not None and change > 0)
    fewer = -sum(change for change in changes if change is not None and change < 0)
    stay = sum(map(_stays, rows))
    unknown = sum(change is None for change in changes)
    parts = [
        f"{more} more heads than rostered"
        if not fewer
        else f"{more} more heads and {fewer} fewer than rostered"
    ]
    if unknown:
        parts.append(f"{unknown} of {len(rows)} posts without a roster or a rule")
    parts.append(f"{stay} of {len(rows)} posts stay as rostered")
    return f"{'; '.join(parts)}."


def _table(rows: list[Row], settings: Settings, site: Site) -> str:
    head = ("Shift", "Unit", "Role", "Patients", "Rostered", "Recommended", "Change", "Risk as rostered")
    lines = [
        (
            _shift(row, site),
            _unit(row, site).name,
            settings.roles[row["role"]].title,
            _patients(row),
            _heads(row, "scheduled"),
            _heads(row, "recommended"),
            _told_change(row),
            _risk(row),
        )
        for row in rows
    ]
    rule = ("---", "---", "---", "---:", "---:", "---:", "---:", "---:")
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *lines))


def _field(row: Row, settings: Settings, site: Site) -> Field:
    unit, recommended = _unit(row, site), _whole(row, "recommended")
    return Field(
        name=field_name(row),
        title=f"{_shift(row, site)}, {unit.name}, {settings.roles[row['role']].title}",
        description=str(row["reason"]),
        heads=recommended,
        most=max(unit.beds, recommended or 0, _whole(row, "scheduled") or 0),
    )


def _order(row: Row, settings: Settings, site: Site) -> tuple[Any, ...]:
    units, roles = [unit.unit_id for unit in site.units], list(settings.roles)
    return row["shift_start"], units.index(row["unit_id"]), roles.index(row["role"])


def _stays(row: Row) -> bool:
    return _change(row) == 0


def _change(row: Row) -> int | None:
    recommended, scheduled = _whole(row, "recommended"), _whole(row, "scheduled")
    return None if recommended is None or scheduled is None else recommended - scheduled


def _told_change(row: Row) -> str:
    change = _change(row)
    return str(row["action"]) if change is None else f"**{change:+d}**"


def _shift(row: Row, site: Site) -> str:
    start, end = (row[name].astimezone(site.zone) for name in ("shift_start", "shift_end"))
    name = str(row["shift"]).replace("_", " ")
    return f"{name[:1].upper()}{name[1:]} {start:%H:%M}{_TO}{end:%H:%M}"


def _patients(row: Row) -> str:
    low, middle, high = (_whole(row, f"patients_p{level}") for level in (10, 50, 90))
    return _TO if middle is None else f"{middle} ({low}{_TO}{high})"


def _heads(row: Row, name: str) -> str:
    heads = _whole(row, name)
    return _TO if heads is None else str(heads)


def _risk(row: Row) -> str:
    risk = _known(row, "probability_short")
    return _TO if risk is None else f"{risk:.0%}"


def _whole(row: Row, name: str) -> int | None:
    number = _known(row, name)
    return None if number is None else round(number)


def _known(row: Row, name: str) -> float | None:
    return float(row[name]) if pd.notna(row[name]) else None


def _unit(row: Row, site: Site) -> Unit:
    return next(unit for unit in site.units if unit.unit_id == row["unit_id"])


def _rows(frame: pd.DataFrame) -> list[Row]:
    return frame.to_dict("records")
