"""What the warehouse keeps of a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal

import pandas as pd

from forecasting.config import Site
from forecasting.schema import QUARANTINED_ROW, VALIDATION_RESULT, Severity
from forecasting.validate.suite import Outcome

State = Literal["clean", "warned", "blocked"]


def state_of(outcomes: Iterable[Outcome]) -> State:
    """Blocked by one failed blocking check, warned by one failed warning."""
    failed = {outcome.check.severity for outcome in outcomes if not outcome.success}
    if Severity.BLOCK in failed:
        return "blocked"
    return "warned" if failed else "clean"


def why(outcomes: list[Outcome]) -> str:
    """What blocks the night; where nothing does, what to look at."""
    severity = Severity.BLOCK if state_of(outcomes) == "blocked" else Severity.WARN
    sentences = (one.detail for one in outcomes if not one.success and one.check.severity is severity)
    return " ".join(dict.fromkeys(sentences))


def result_rows(outcomes: list[Outcome], site: Site, night: date) -> pd.DataFrame:
    """One row of ``validation_result`` per check."""
    rows = [
        {
            "table_name": outcome.table,
            "expectation": outcome.check.name,
            "column_name": outcome.check.column,
            "severity": str(outcome.check.severity),
            "success": outcome.success,
            "checked_rows": outcome.checked_rows,
            "failed_rows": len(outcome.failed),
            "detail": outcome.detail,
        }
        for outcome in outcomes
    ]
    return pd.DataFrame(rows, columns=VALIDATION_RESULT.columns.names).assign(
        site_id=site.site_id, night=night
    )


def quarantined_rows(outcomes: list[Outcome], site: Site, night: date, issued_at: datetime) -> pd.DataFrame:
    """The rows of ``quarantined_row``; source rows that share a key are counted together."""
    parts = [
        _quarantined(outcome, issued_at)
        for outcome in outcomes
        if outcome.check.quarantine and len(outcome.failed)
    ]
    if not parts:
        return QUARANTINED_ROW.empty()
    rows = pd.concat(parts, ignore_index=True)
    key = ["table_name", "unit_id", "target", "valid_at", "reason"]
    together = rows.groupby(key, as_index=False).agg(
        value=("value", "first"), source_rows=("source_rows", "sum")
    )
    return together.assign(site_id=site.site_id, night=night)


def _quarantined(outcome: Outcome, issued_at: datetime) -> pd.DataFrame:
    """A check's failed rows, whatever their table, in the columns of ``quarantined_row``."""
    failed = outcome.failed

    def first_of(*columns: str, default: object) -> pd.Series:
        for column in columns:
            if column in failed:
                return failed[column]
        return pd.Series(default, index=failed.index)

    return pd.DataFrame(
        {
            "table_name": outcome.table.partition(".")[0],
            "unit_id": failed["unit_id"],
            "target": first_of("target", "role", default=""),
            "valid_at": first_of("valid_at", "shift_start", default=pd.Timestamp(issued_at)),
            "reason": [outcome.check.quarantine.format_map(row) for row in failed.to_dict("records")],
            "value": first_of("value", "heads", "staffed_beds", default=float("nan")).astype(float),
            "source_rows": first_of("source_rows", default=1),
        }
    )
