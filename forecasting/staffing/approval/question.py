"""What people are asked about a site's plan, in words and as fields of a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from forecasting.config import OnTimeout, Settings, Site
from forecasting.staffing.approval.due import deadline
from forecasting.wording import (
    TO,
    Doubt,
    Row,
    helps_out,
    in_order,
    local,
    long_day,
    notes,
    patients,
    post_name,
    risk,
    role_title,
    rows,
    shift_and_hours,
)

PLAN = "plan"
ASKED_AT = "asked_at"

_WHAT_EITHER_DOES = (
    "**Approve** takes the heads in the fields below, so change any of them first. "
    "**Reject** keeps the roster, whatever the fields say."
)


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


def pose(
    asked: pd.DataFrame,
    settings: Settings,
    site: Site,
    output_digest: str,
    now: datetime,
    why: Sequence[str] = (),
) -> Question:
    """Put shifts to people: a field for each that would not stay as rostered, the others in one sentence.

    Args:
        asked: STAFFING_RECOMMENDATION rows of the site, of one date.
        settings: name the roles.
        site: whose plan.
        output_digest: of the plan.
        now: UTC.
        why: which thresholds the plan is above, in words; none where the site is always asked.
    """
    until = deadline(settings, site, asked, now)
    posts = rows(in_order(asked, settings, site))
    open_posts = [row for row in posts if not _stays(row)]
    return Question(
        subject=f"{site.name}: staffing for {long_day(posts[0]['shift_date'])}",
        body="\n\n".join(_body(posts, open_posts, notes(asked, site), settings, site, until, why)),
        fields=tuple(_field(row, settings, site) for row in open_posts),
        until=until,
        unseen={PLAN: output_digest, ASKED_AT: now.isoformat()},
    )


def field_name(row: Row) -> str:
    """What the field of a shift is called in an answer."""
    return f"{row['unit_id']}/{row['role']}/{row['shift']}"


def _body(
    posts: list[Row],
    open_posts: list[Row],
    doubts: list[Doubt],
    settings: Settings,
    site: Site,
    until: datetime,
    why: Sequence[str],
) -> list[str]:
    end = local(until, site)
    unanswered = {
        OnTimeout.APPROVE: "then it is approved as recommended",
        OnTimeout.LEAVE: "then it stays a proposal, and the roster stands",
    }[site.approval.on_timeout]
    by = f"{end:%H:%M} on {end:%A} {end.day} {end:%B}"
    return [
        f"**{_summary(posts)}** Please decide by **{by}**; {unanswered}. Times are local to {site.name}.",
        *([f"You are asked because of this: {'; '.join(why)}."] if why else []),
        *([_table(open_posts, settings, site)] if open_posts else []),
        *(["Take note:\n\n" + "\n".join(f"- {what}: {doubt}" for what, doubt in doubts)] if doubts else []),
        _WHAT_EITHER_DOES,
    ]


def _summary(posts: list[Row]) -> str:
    changes = [_change(row) for row in posts]
    more = sum(change for change in changes if change is not None and change > 0)
    fewer = -sum(change for change in changes if change is not None and change < 0)
    stay = sum(map(_stays, posts))
    unknown = sum(change is None for change in changes)
    parts = [
        f"{more} more heads than rostered"
        if not fewer
        else f"{more} more heads and {fewer} fewer than rostered"
    ]
    if unknown:
        parts.append(f"{unknown} of {len(posts)} posts without a roster or a rule")
    parts.append(f"{stay} of {len(posts)} posts stay as rostered")
    return f"{'; '.join(parts)}."


def _table(posts: list[Row], settings: Settings, site: Site) -> str:
    head = ("Shift", "Unit", "Role", "Patients", "Rostered", "Recommended", "Change", "Risk as rostered")
    lines = [
        (
            shift_and_hours(row, site),
            post_name(row["unit_id"], site),
            role_title(row["role"], settings),
            "" if helps_out(row) else patients(row),
            _heads(row, "scheduled"),
            _heads(row, "recommended"),
            _told_change(row),
            risk(row, settings.horizon.quantile_levels) or TO,
        )
        for row in posts
    ]
    rule = ("---", "---", "---", "---:", "---:", "---:", "---:", "---:")
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *lines))


def _field(row: Row, settings: Settings, site: Site) -> Field:
    post_id, recommended = row["unit_id"], _whole(row, "recommended")
    whose = f"{post_name(post_id, site)}, {role_title(row['role'], settings)}"
    limits = {unit.unit_id: unit.beds for unit in site.units}
    limits |= {pool.pool_id: pool.most for pool in site.float_pools}
    return Field(
        name=field_name(row),
        title=f"{shift_and_hours(row, site)}, {whose}",
        description=str(row["reason"]),
        heads=recommended,
        most=max(limits.get(post_id, 0), recommended or 0, _whole(row, "scheduled") or 0),
    )


def _stays(row: Row) -> bool:
    return _change(row) == 0


def _change(row: Row) -> int | None:
    recommended, scheduled = _whole(row, "recommended"), _whole(row, "scheduled")
    return None if recommended is None or scheduled is None else recommended - scheduled


def _told_change(row: Row) -> str:
    change = _change(row)
    return str(row["action"]) if change is None else f"**{change:+d}**"


def _heads(row: Row, name: str) -> str:
    heads = _whole(row, name)
    return TO if heads is None else str(heads)


def _whole(row: Row, name: str) -> int | None:
    return None if row[name] is None else round(row[name])
