"""Rows of one night of one site, as the stages hand them to the warehouse."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pandas as pd

from forecasting import schema
from forecasting.schema import NightState
from forecasting.warehouse import Night

NIGHT = date(2026, 11, 1)
ISSUED_AT = datetime(2026, 11, 1, 8, tzinfo=UTC)


def night_row(site_id: str = "north", output_digest: str | None = "first", run: str = "run-1") -> Night:
    return Night(
        site_id=site_id,
        night=NIGHT,
        issued_at=ISSUED_AT,
        started_at=datetime(2026, 11, 1, 8, 0, 12, 345678, tzinfo=UTC),
        finished_at=datetime(2026, 11, 1, 8, 9, 1, tzinfo=UTC),
        state=NightState.RUNNING,
        data_digest="d41d",
        output_digest=output_digest,
        mlflow_run_id=run,
        dag_run_id=f"scheduled__{run}",
        timings={"extract": 1.5, "train": 201.25},
    )


def forecast_rows(
    site_id: str = "north", value: float = 10.0, hours: int = 48, units: tuple[str, ...] = ("ed", "icu")
) -> pd.DataFrame:
    rows = [
        {
            "issued_at": ISSUED_AT,
            "site_id": site_id,
            "unit_id": unit,
            "target": "bed_census",
            "period": "PT1H",
            "valid_at": ISSUED_AT + timedelta(hours=hour),
            "quantile": quantile,
            "value": value + quantile,
            "model": "climatology",
            "model_version": "1",
            "note": "",
        }
        for unit in units
        for hour in range(hours)
        for quantile in (0.1, 0.5, 0.9)
    ]
    return schema.FORECAST.conform(pd.DataFrame(rows))


def recommendation_rows(
    site_id: str = "north", required: int = 3, shifts: int = 4, run: str = "run-1"
) -> pd.DataFrame:
    rows = [
        {
            "issued_at": ISSUED_AT,
            "night": NIGHT,
            "site_id": site_id,
            "unit_id": unit,
            "role": "registered_nurse",
            "shift": "day" if number % 2 == 0 else "night",
            "shift_date": NIGHT + timedelta(days=1 + number // 2),
            "shift_start": ISSUED_AT + timedelta(hours=28 + 12 * number),
            "shift_end": ISSUED_AT + timedelta(hours=40 + 12 * number),
            "patients_p10": 8.25,
            "patients_p50": 10.0,
            "patients_p90": None if unit == "icu" else 12.5,
            "required": required,
            "scheduled": None if unit == "icu" else 2,
            "recommended": required,
            "gap": None if unit == "icu" else required - 2,
            "action": f"roster {required}" if unit == "icu" else f"add {required - 2}",
            "probability_short": None if unit == "icu" else 0.6,
            "expected_cost": None if unit == "icu" else 1740.5,
            "expected_cost_scheduled": None if unit == "icu" else 1933.25,
            "short_hours": None if unit == "icu" else 0.4,
            "wait_minutes": None if unit == "icu" else 7.5,
            "wait_minutes_scheduled": None if unit == "icu" else 12.25,
            "left_unseen": None if unit == "icu" else 0.02,
            "left_unseen_scheduled": None if unit == "icu" else 0.03,
            "relief": "" if unit == "icu" else "1 missing in more than 1 of 20 such shifts",
            "rule_id": "registered_nurse_ed",
            "quantile_level": 0.75,
            "reason": "At most 12 patients expected",
            "note": "",
            "model": "climatology",
            "model_version": "1",
            "mlflow_run_id": run,
            "dag_run_id": f"scheduled__{run}",
            "data_digest": "d41d",
        }
        for unit in ("ed", "icu")
        for number in range(shifts)
    ]
    return schema.STAFFING_RECOMMENDATION.conform(pd.DataFrame(rows))
