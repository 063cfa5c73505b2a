"""A patient's way through a hospital as stretches of time in one place, and the source's rows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Segment:
    """One stretch in one place; times are UTC, ``until`` is None while it lasts.

    ``unit_id`` is empty while the patient is somewhere that is neither a bed nor an ED, as in a clinic.
    """

    unit_id: str
    in_ed: bool
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Way:
    """A visit from its first place to its last; ``disposition`` is how it ended, None while it lasts."""

    visit_id: str
    site_id: str
    segments: tuple[Segment, ...]
    disposition: str | None


@dataclass(frozen=True)
class SourceRows:
    """Rows of ``ed_visit`` and ``bed_stay``, as their columns are named."""

    ed_visit: list[dict[str, Any]]
    bed_stay: list[dict[str, Any]]


def source_rows(ways: Sequence[Way]) -> SourceRows:
    """The rows of some visits: of ``ed_visit`` for stretches in the ED, of ``bed_stay`` for those in a bed.

    A patient who goes from the ED to a bed was admitted; else an ED visit ends as the visit does.
    """
    rows = SourceRows([], [])
    for way in ways:
        for number, segment in enumerate(way.segments):
            row_id = way.visit_id if number == 0 else f"{way.visit_id}-{number}"
            if not segment.unit_id:
                continue
            if not segment.in_ed:
                rows.bed_stay.append(
                    {
                        "stay_id": row_id,
                        "site_id": way.site_id,
                        "unit_id": segment.unit_id,
                        "bed_from": segment.since,
                        "bed_to": segment.until,
                    }
                )
                continue
            admitted = any(later.unit_id for later in way.segments[number + 1 : number + 2])
            rows.ed_visit.append(
                {
                    "visit_id": row_id,
                    "site_id": way.site_id,
                    "arrived_at": segment.since,
                    "departed_at": segment.until,
                    "acuity": None,
                    "disposition": "admitted" if admitted else way.disposition if segment.until else None,
                }
            )
    return rows
