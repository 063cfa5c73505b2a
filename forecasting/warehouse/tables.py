"""The warehouse's tables: those of :mod:`forecasting.schema`, and the version of each observation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKeyConstraint, Index, Named, Table, TypedColumns

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


class UtcDateTime(sa.TypeDecorator[datetime]):
    """An instant: an aware datetime, stored in UTC and returned in UTC, with microseconds."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """To UTC; SQLite then stores its wall clock."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; the warehouse stores instants: give it in UTC")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """From SQLite's wall clock or PostgreSQL's session zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _Observation(TypedColumns):
    site_id: Named[str] = Column(primary_key=True)
    unit_id: Named[str] = Column(primary_key=True)
    target: Named[str] = Column(primary_key=True)
    valid_at: Named[datetime] = Column(UtcDateTime, primary_key=True)
    value: Named[float | None]
    # The issue time of the night that first saw this value.
    known_at: Named[datetime] = Column(UtcDateTime, primary_key=True)


class _Forecast(TypedColumns):
    issued_at: Named[datetime] = Column(UtcDateTime, primary_key=True)
    site_id: Named[str] = Column(primary_key=True)
    unit_id: Named[str] = Column(primary_key=True)
    target: Named[str] = Column(primary_key=True)
    period: Named[str] = Column(primary_key=True)
    valid_at: Named[datetime] = Column(UtcDateTime, primary_key=True)
    quantile: Named[float] = Column(primary_key=True)
    value: Named[float]
    model: Named[str]
    model_version: Named[str]
    note: Named[str]


class _ForecastScore(TypedColumns):
    night: Named[date] = Column(primary_key=True)
    site_id: Named[str] = Column(primary_key=True)
    unit_id: Named[str] = Column(primary_key=True)
    target: Named[str] = Column(primary_key=True)
    period: Named[str] = Column(primary_key=True)
    lead_day: Named[int] = Column(primary_key=True, autoincrement=False)
    shift: Named[str] = Column(primary_key=True)
    speaker: Named[str] = Column(primary_key=True)
    published: Named[bool]
    model: Named[str]
    model_version: Named[str]
    hours: Named[int]
    outcome: Named[float]
    pinball: Named[float]
    mae: Named[float]
    bias: Named[float]
    coverage_80: Named[float | None]
    coverage_90: Named[float | None]
    pit_80: Named[float | None]
    pit_90: Named[float | None]
    outcomes_until: Named[datetime] = Column(UtcDateTime)
    output_digest: Named[str]


class _SeriesVerdict(TypedColumns):
    night: Named[date] = Column(primary_key=True)
    site_id: Named[str] = Column(primary_key=True)
    unit_id: Named[str] = Column(primary_key=True)
    target: Named[str] = Column(primary_key=True)
    state: Named[str]
    why: Named[str]
    judged_from: Named[date | None]
    days: Named[int]
    champion_pinball: Named[float | None]
    climatology_pinball: Named[float | None]
    skill: Named[float | None]
    skill_low: Named[float | None]
    skill_high: Named[float | None]
    coverage_80: Named[float | None]
    bias: Named[float | None]
    loss_change: Named[float | None]
    loss_change_low: Named[float | None]
    loss_change_high: Named[float | None]
    level_change: Named[float | None]
    missing_share: Named[float | None]
    mlflow_run_id: Named[str]


class _TrainingRequest(TypedColumns):
    target: Named[str] = Column(primary_key=True)
    night: Named[date] = Column(primary_key=True)
    issued_at: Named[datetime] = Column(UtcDateTime)
    why: Named[str]
    mlflow_run_id: Named[str]


class _StaffingRecommendation(TypedColumns):
    issued_at: Named[datetime] = Column(UtcDateTime, primary_key=True)
    night: Named[date]
    site_id: Named[str] = Column(primary_key=True)
    unit_id: Named[str] = Column(primary_key=True)
    role: Named[str] = Column(primary_key=True)
    shift: Named[str] = Column(primary_key=True)
    shift_date: Named[date]
    shift_start: Named[datetime] = Column(UtcDateTime, primary_key=True)
    shift_end: Named[datetime] = Column(UtcDateTime)
    patients_p10: Named[float | None]
    patients_p50: Named[float | None]
    patients_p90: Named[float | None]
    required: Named[int | None]
    scheduled: Named[int | None]
    recommended: Named[int | None]
    gap: Named[int | None]
    action: Named[str]
    probability_short: Named[float | None]
    expected_cost: Named[float | None]
    expected_cost_scheduled: Named[float | None]
    short_hours: Named[float | None]
    wait_minutes: Named[float | None]
    wait_minutes_scheduled: Named[float | None]
    left_unseen: Named[float | None]
    left_unseen_scheduled: Named[float | None]
    relief: Named[str]
    rule_id: Named[str | None]
    quantile_level: Named[float | None]
    reason: Named[str]
    note: Named[str]
    model: Named[str | None]
    model_version: Named[str | None]
    mlflow_run_id: Named[str | None]
    dag_run_id: Named[str | None]
    data_digest: Named[str | None]


class _ValidationResult(TypedColumns):
    site_id: Named[str] = Column(primary_key=True)
    night: Named[date] = Column(primary_key=True)
    table_name: Named[str] = Column(primary_key=True)
    expectation: Named[str] = Column(primary_key=True)
    column_name: Named[str] = Column(primary_key=True)
    severity: Named[str]
    success: Named[bool]
    checked_rows: Named[int | None]
    failed_rows: Named[int | None]
    detail: Named[str | None]


class _SourceColumn(TypedColumns):
    site_id: Named[str] = Column(primary_key=True)
    known_at: Named[datetime] = Column(UtcDateTime, primary_key=True)
    table_name: Named[str] = Column(primary_key=True)
    column_name: Named[str] = Column(primary_key=True)
    column_type: Named[str]
    read_as: Named[str]


class _QuarantinedRow(TypedColumns):
    site_id: Named[str] = Column(primary_key=True)
    night: Named[date] = Column(primary_key=True)
    table_name: Named[str] = Column(primary_key=True)
    unit_id: Named[str] = Column(primary_key=True)
    target: Named[str] = Column(primary_key=True)
    valid_at: Named[datetime] = Column(UtcDateTime, primary_key=True)
    reason: Named[str] = Column(primary_key=True)
    value: Named[float | None]
    source_rows: Named[int | None]


class _Night(TypedColumns):
    site_id: Named[str] = Column(primary_key=True)
    night: Named[date] = Column(primary_key=True)
    issued_at: Named[datetime] = Column(UtcDateTime)
    state: Named[str]
    why: Named[str | None]
    data_digest: Named[str | None]
    output_digest: Named[str | None]
    mlflow_run_id: Named[str | None]
    dag_run_id: Named[str | None]
    started_at: Named[datetime] = Column(UtcDateTime)
    finished_at: Named[datetime | None] = Column(UtcDateTime)
    timings: Named[str | None]
    smallest_count: Named[int | None]


class _StaffingDecision(TypedColumns):
    site_id: Named[str] = Column(primary_key=True)
    night: Named[date] = Column(primary_key=True)
    unit_id: Named[str] = Column(primary_key=True)
    role: Named[str] = Column(primary_key=True)
    shift: Named[str] = Column(primary_key=True)
    shift_start: Named[datetime] = Column(UtcDateTime, primary_key=True)
    number: Named[int] = Column(primary_key=True, autoincrement=False)
    state: Named[str]
    heads: Named[int | None]
    required: Named[int | None]
    scheduled: Named[int | None]
    recommended: Named[int | None]
    decided_at: Named[datetime] = Column(UtcDateTime)
    decided_by: Named[str]
    comment: Named[str]
    dag_run_id: Named[str | None]


class _ModelPromotion(TypedColumns):
    target: Named[str] = Column(primary_key=True)
    night: Named[date] = Column(primary_key=True)
    decided_at: Named[datetime] = Column(UtcDateTime)
    challenger: Named[str] = Column(primary_key=True)
    challenger_version: Named[str] = Column(primary_key=True)
    champion: Named[str]
    champion_version: Named[str]
    promoted: Named[bool]
    why: Named[str]
    challenger_wql: Named[float | None]
    champion_wql: Named[float | None]
    difference: Named[float | None]
    difference_low: Named[float | None]
    difference_high: Named[float | None]
    hours: Named[int | None]
    issue_times: Named[int | None]
    mlflow_run_id: Named[str | None]


class _Scenario(TypedColumns):
    scenario_id: Named[str] = Column(primary_key=True)
    site_id: Named[str] = Column(primary_key=True)
    night: Named[date]
    issued_at: Named[datetime] = Column(UtcDateTime)
    title: Named[str]
    arrivals: Named[float]
    census: Named[float]
    stay: Named[float]
    absence: Named[float]
    closed_beds: Named[str]
    ratio_set: Named[str | None]
    remarks: Named[str]
    output_digest: Named[str]
    config_digest: Named[str]
    mlflow_run_id: Named[str]
    dag_run_id: Named[str]
    made_at: Named[datetime] = Column(UtcDateTime)


class _ScenarioId(TypedColumns):
    scenario_id: Named[str] = Column(primary_key=True)


class _ScenarioRecommendation(_StaffingRecommendation, _ScenarioId):
    pass


def _of_a_night() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["site_id", "night"], ["night.site_id", "night.night"], ondelete="CASCADE")


NIGHT = Table("night", METADATA, _Night, Index(None, "night"))
# SQLite keeps it in its key's order, once, instead of a heap and an index on it.
OBSERVATION = Table(
    "observation",
    METADATA,
    _Observation,
    Index(None, "site_id", "known_at", "valid_at"),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (valid_at)",
)
FORECAST = Table("forecast", METADATA, _Forecast, postgresql_partition_by="RANGE (issued_at)")
SHADOW_FORECAST = Table("shadow_forecast", METADATA, _Forecast)
FORECAST_SCORE = Table("forecast_score", METADATA, _ForecastScore, _of_a_night())
SERIES_VERDICT = Table("series_verdict", METADATA, _SeriesVerdict)
TRAINING_REQUEST = Table("training_request", METADATA, _TrainingRequest)
STAFFING_RECOMMENDATION = Table(
    "staffing_recommendation",
    METADATA,
    _StaffingRecommendation,
    _of_a_night(),
    Index(None, "night", "site_id"),
)
VALIDATION_RESULT = Table("validation_result", METADATA, _ValidationResult, _of_a_night())
QUARANTINED_ROW = Table("quarantined_row", METADATA, _QuarantinedRow, _of_a_night())
SOURCE_COLUMN = Table("source_column", METADATA, _SourceColumn)
# Of no night by a foreign key: it outlives whatever it was decided about.
STAFFING_DECISION = Table(
    "staffing_decision", METADATA, _StaffingDecision, Index(None, "site_id", "shift_start")
)
MODEL_PROMOTION = Table("model_promotion", METADATA, _ModelPromotion)
SCENARIO = Table("scenario", METADATA, _Scenario, _of_a_night(), Index(None, "night"))
SCENARIO_RECOMMENDATION = Table(
    "scenario_recommendation",
    METADATA,
    _ScenarioRecommendation,
    ForeignKeyConstraint(
        ["scenario_id", "site_id"], ["scenario.scenario_id", "scenario.site_id"], ondelete="CASCADE"
    ),
)
MONTHLY: Mapping[str, sa.Column[datetime]] = {
    OBSERVATION.name: OBSERVATION.c.valid_at,
    FORECAST.name: FORECAST.c.issued_at,
}
"""The large tables, and the instant whose month a row lies in."""
