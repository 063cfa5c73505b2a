"""Rows of a site's plan and of what was decided about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd

from forecasting import schema
from forecasting.config import Settings, Site

NIGHT = date(2026, 11, 1)
ISSUED_AT = datetime(2026, 11, 1, 8, tzinfo=UTC)
UNITS = ("ed", "icu")


def advice(
    recommended: Sequence[int | None], scheduled: Sequence[int | None] | None = None, days: int = 2
) -> pd.DataFrame:
    """A day and a night shift of each unit, from the day after the night on; heads repeat over the days."""
    posts = [(unit, shift) for unit in UNITS for shift in ("day", "night")]
    scheduled = scheduled if scheduled is not None else recommended
    rows = [
        _row(unit, shift, ahead, wanted, rostered)
        for ahead in range(1, days + 1)
        for (unit, shift), wanted, rostered in zip(posts, recommended, scheduled, strict=True)
    ]
    columns = schema.STAFFING_RECOMMENDATION.columns.names
    return schema.STAFFING_RECOMMENDATION.conform(pd.DataFrame(rows, columns=columns))


def decided(
    rows: pd.DataFrame, state: schema.DecisionState, number: int = 1, heads: int | None = None
) -> pd.DataFrame:
    """A decision on each row."""
    made = rows.assign(
        number=number,
        state=state.value,
        heads=heads,
        decided_at=ISSUED_AT + timedelta(hours=number),
        decided_by="maria",
        comment="",
    )
    return schema.STAFFING_DECISION.conform(made)


def site_of(settings: Settings, **approval: Any) -> Site:
    """The first test site, with this approval."""
    site = settings.site("north").model_dump()
    return Site.model_validate({**site, "approval": approval})


def with_wages(settings: Settings, **prices: float) -> Settings:
    """The test settings, with these prices of the one role."""
    (role,) = settings.roles.values()
    return settings.model_copy(update={"roles": {"registered_nurse": role.model_copy(update=prices)}})


def _row(unit: str, shift: str, ahead: int, recommended: int | None, scheduled: int | None) -> dict[str, Any]:
    start = datetime(2026, 11, 1, 12, tzinfo=UTC) + timedelta(days=ahead, hours=12 * (shift == "night"))
    known = recommended is not None and scheduled is not None
    return {
        "issued_at": ISSUED_AT,
        "night": NIGHT,
        "site_id": "north",
        "unit_id": unit,
        "role": "registered_nurse",
        "shift": shift,
        "shift_date": NIGHT + timedelta(days=ahead),
        "shift_start": start,
        "shift_end": start + timedelta(hours=12),
        "patients_p10": 8.25,
        "patients_p50": 10.0,
        "patients_p90": 12.5,
        "required": recommended,
        "scheduled": scheduled,
        "recommended": recommended,
        "gap": recommended - scheduled if recommended is not None and scheduled is not None else None,
        "action": "keep" if known else "decide by hand",
        "probability_short": 0.25 if known else None,
        "rule_id": "registered_nurse_ed",
        "quantile_level": 0.75,
        "reason": "At most 12 patients expected.",
        "note": "",
        "model": "climatology",
        "model_version": "1",
        "mlflow_run_id": "run-1",
        "dag_run_id": "test__1",
        "data_digest": "d41d",
    }
