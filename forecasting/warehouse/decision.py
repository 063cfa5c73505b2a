"""What was decided about recommended shifts, and by whom: an audit that only grows.

The recommendations themselves are never touched by a decision; the views join the two.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from forecasting import schema
from forecasting.outcome import PlanReplaced
from forecasting.schema import DecisionState, NightState
from forecasting.warehouse import tables
from forecasting.warehouse.engine import reading, writing
from forecasting.warehouse.night import Night, read_night
from forecasting.warehouse.rows import Row, read_frame, to_rows

PUBLICATION = "publication"
"""Who decided where another plan for the same night took back what was decided about the one before."""

_DECISIONS = tables.STAFFING_DECISION.c
_SHIFT = ("unit_id", "role", "shift", "shift_start")
_NUMBERS = ("required", "scheduled", "recommended")
_VERDICT = ("state", "heads", "decided_at", "decided_by")


def record_decisions(
    engine: sa.Engine, site_id: str, night: date, decided: pd.DataFrame, output_digest: str | None
) -> int:
    """Append decisions on a site's night, one row a shift; one that stands there already is passed over.

    Args:
        engine: the warehouse.
        site_id: whose plan was decided on.
        night: whose plan was decided on.
        decided: STAFFING_DECISION rows of that site and night, one a shift; their ``number`` is given here.
        output_digest: of the plan that was decided on.

    Returns:
        How many rows were appended.

    Raises:
        PlanReplaced: the night is not, or no longer, published with that digest; nothing is written.
        SchemaError: a column is missing or has a value of another type.
        WarehouseError: a row is of another site or night.
    """
    rows = to_rows(schema.STAFFING_DECISION, decided.assign(number=1), site_id=site_id, night=night)
    with writing(engine, f"night {site_id}") as connection:
        published = read_night(connection, site_id, night)
        if (
            published is None
            or published.state is not NightState.PUBLISHED
            or published.output_digest != output_digest
        ):
            raise PlanReplaced(
                f"the plan of {site_id} for night {night} was published anew since it was read"
            )
        latest = _latest(connection, site_id, night)
        return _append(connection, latest, [row for row in rows if not _stands(latest, row)])


def decisions(engine: sa.Engine, night: date, site_ids: Sequence[str] | None = None) -> pd.DataFrame:
    """Every decision on a night's plans, of these sites or of all: STAFFING_DECISION rows."""
    query = sa.select(tables.STAFFING_DECISION).where(_DECISIONS.night == night)
    if site_ids is not None:
        query = query.where(_DECISIONS.site_id.in_(site_ids))
    with reading(engine) as connection:
        return read_frame(connection, schema.STAFFING_DECISION, query)


def take_back_changed(
    connection: sa.Connection, night: Night, advice: Collection[Row], decided_at: datetime
) -> int:
    """Propose anew each shift whose numbers are others than were decided on, as a plan is published.

    Args:
        connection: the transaction.
        night: as it is published.
        advice: STAFFING_RECOMMENDATION rows as they are published.
        decided_at: UTC.

    Returns:
        How many rows were appended.
    """
    published = {_shift(row): row for row in advice}
    latest = _latest(connection, night.site_id, night.night)
    taken_back = []
    for shift, standing in latest.items():
        new = published.get(shift)
        if standing["state"] != DecisionState.PROPOSED and (
            new is None or _numbers(new) != _numbers(standing)
        ):
            verdict = {"state": DecisionState.PROPOSED.value, "heads": None, "decided_at": decided_at}
            numbers = dict(zip(_NUMBERS, _numbers(new) if new else (None, None, None), strict=True))
            why = {"decided_by": PUBLICATION, "comment": _why(standing, new), "dag_run_id": night.dag_run_id}
            taken_back.append(standing | verdict | numbers | why)
    return _append(connection, latest, taken_back)


def _latest(connection: sa.Connection, site_id: str, night: date) -> dict[tuple[Any, ...], Row]:
    of_night = sa.select(tables.STAFFING_DECISION).where(
        _DECISIONS.site_id == site_id, _DECISIONS.night == night
    )
    rows = connection.execute(of_night.order_by(_DECISIONS.number)).mappings()
    return {_shift(row): dict(row) for row in map(dict, rows)}


def _append(connection: sa.Connection, latest: dict[tuple[Any, ...], Row], rows: list[Row]) -> int:
    numbered = [row | {"number": latest.get(_shift(row), {"number": 0})["number"] + 1} for row in rows]
    if numbered:
        connection.execute(sa.insert(tables.STAFFING_DECISION), numbered)
    return len(numbered)


def _stands(latest: dict[tuple[Any, ...], Row], row: Row) -> bool:
    standing = latest.get(_shift(row))
    return standing is not None and all(standing[name] == row[name] for name in _VERDICT)


def _shift(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _SHIFT)


def _numbers(row: Row) -> tuple[int | None, ...]:
    return tuple(row[name] for name in _NUMBERS)


def _why(standing: Row, new: Row | None) -> str:
    was = f"was {standing['state']}"
    if new is None:
        return f"{was}; the shift is no longer planned"
    changes = (
        f"{name} went from {_told(standing[name])} to {_told(new[name])}"
        for name in _NUMBERS
        if standing[name] != new[name]
    )
    return f"{was}; {', '.join(changes)}"


def _told(heads: int | None) -> str:
    return "none" if heads is None else str(heads)
