"""The tables that pass between stages: their columns, types and keys.

Times are UTC and hour-aligned unless a column says otherwise; ``valid_at`` is the *start* of its hour.
A missing value means "not known" and never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


class SchemaError(ValueError):
    """A frame that does not have the columns, types or key of its table."""


class Target(StrEnum):
    """What is observed and forecast, per hour."""

    ED_ARRIVALS = "ed_arrivals"
    """Patients who arrived at the ED during the hour; only the unit of type ``ed`` has it."""
    BED_CENSUS = "bed_census"
    """Patients present in the unit at the start of the hour; for the ED, boarders included."""


class Severity(StrEnum):
    """What a failed expectation does to the site's night."""

    BLOCK = "block"
    WARN = "warn"


class NightState(StrEnum):
    """How a site's night stands or ended."""

    RUNNING = "running"
    PUBLISHED = "published"
    BLOCKED = "blocked"
    FAILED = "failed"


class DecisionState(StrEnum):
    """How a recommended shift stands before people; without any decision it is proposed."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    CHANGED = "changed"
    REJECTED = "rejected"


class SeriesState(StrEnum):
    """What the monitor makes of a series: whether the champion may go on speaking for it."""

    OK = "ok"
    WATCH = "watch"
    FALLBACK = "fallback"


class Speaker(StrEnum):
    """Whose forecast is scored: the champion's, published or in shadow, or climatology's."""

    CHAMPION = "champion"
    CLIMATOLOGY = "climatology"


@dataclass(frozen=True)
class Table:
    """A named table: Arrow columns and the columns that identify a row."""

    name: str
    columns: pa.Schema
    key: tuple[str, ...]

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with exactly this table's columns and types, sorted by key.

        Raises:
            SchemaError: a column is missing, has values of another type, or a key repeats.
        """
        missing = [name for name in self.columns.names if name not in frame.columns]
        if missing:
            present = ", ".join(frame.columns)
            raise SchemaError(f"{self.name}: no column {', '.join(missing)}; there are {present}")
        try:
            arrow = pa.Table.from_pandas(frame[self.columns.names], schema=self.columns, preserve_index=False)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise SchemaError(f"{self.name}: {'; '.join(map(str, error.args))}") from error
        # Arrow keeps the frame's own time zone in its metadata; the schema's, UTC, is the one that counts.
        typed: pd.DataFrame = arrow.replace_schema_metadata().to_pandas()
        if _rises(arrow.select(self.key)):
            return typed
        repeated = typed.duplicated(list(self.key))
        if repeated.any():
            example = typed.loc[repeated, list(self.key)].iloc[0].to_dict()
            raise SchemaError(f"{self.name}: {int(repeated.sum())} rows repeat a key, such as {example}")
        return typed.sort_values(list(self.key), ignore_index=True)

    def empty(self) -> pd.DataFrame:
        """No rows, with this table's columns and types."""
        frame: pd.DataFrame = self.columns.empty_table().to_pandas()
        return frame


def _rises(keys: pa.Table) -> bool:
    """Whether each row of the key comes after the one before: then it is sorted, and no row repeats."""
    before, after = keys.slice(0, max(len(keys) - 1, 0)), keys.slice(1)
    rising, same = pa.scalar(False), pa.scalar(True)
    for name in keys.column_names:
        earlier, later = before[name], after[name]
        rising = pc.or_(rising, pc.and_(same, pc.less(earlier, later)))
        same = pc.and_(same, pc.equal(earlier, later))
    # A missing key compares as unknown; it is left to the sort.
    return bool(pc.all(rising, skip_nulls=False, min_count=0).as_py())


_HOUR = pa.timestamp("us", tz="UTC")
_TEXT = pa.string()
_REAL = pa.float64()
_WHOLE = pa.int64()
_DATE = pa.date32()


def _table(name: str, key: tuple[str, ...], **columns: pa.DataType) -> Table:
    return Table(name, pa.schema(list(columns.items())), key)


OBSERVATION = _table(
    "observation",
    ("site_id", "unit_id", "target", "valid_at"),
    site_id=_TEXT,
    unit_id=_TEXT,
    target=_TEXT,
    valid_at=_HOUR,
    value=_REAL,  # missing where the source was silent
)

ELAPSED_HOURS = (
    0, 1, 2, 3, 4, 6, 8, 12, 18, 24, 30, 36, 48, 60, 72, 96, 120, 144, 168, 240, 336, 504, 720, 1440,
)  # fmt: skip
"""Where each bin of hours since a patient took the bed begins; the last one never ends."""

INFLOW = _table(
    "inflow",
    ("site_id", "unit_id", "valid_at"),
    site_id=_TEXT,
    unit_id=_TEXT,
    valid_at=_HOUR,  # the first hour at whose start the patients are counted
    patients=_WHOLE,  # an hour without has no row
)

DEPARTURE = _table(
    "departure",
    ("site_id", "unit_id", "weekday", "local_hour", "elapsed_from"),
    site_id=_TEXT,
    unit_id=_TEXT,
    weekday=_WHOLE,  # local, 0 (Monday) to 6
    local_hour=_WHOLE,
    elapsed_from=_WHOLE,  # a bin of ELAPSED_HOURS
    patient_hours=_WHOLE,  # hours at whose start a patient of that bin was present
    departures=_WHOLE,  # how many of them were not any more at the start of the next
)

PASSAGE = _table(
    "passage",
    ("site_id", "unit_id", "known_at", "weekday", "local_hour", "elapsed_from"),
    site_id=_TEXT,
    unit_id=_TEXT,
    known_at=_HOUR,  # an issue time; those known at an earlier one are in its rows
    weekday=_WHOLE,
    local_hour=_WHOLE,
    elapsed_from=_WHOLE,
    patient_hours=_WHOLE,
    departures=_WHOLE,
)
"""DEPARTURE by when it was known: the rows up to an issue time add up to what was known then."""

PRESENT = _table(
    "present",
    ("site_id", "unit_id", "valid_at", "elapsed_from"),
    site_id=_TEXT,
    unit_id=_TEXT,
    valid_at=_HOUR,  # the issue time, and the same hour of the days before it
    elapsed_from=_WHOLE,  # a bin of ELAPSED_HOURS
    patients=_WHOLE,
)

ED_STAY_HOURS = 168
"""ED stays are counted by the hour up to this; who stays longer is counted here."""

ED_STAY = _table(
    "ed_stay",
    ("site_id", "acuity", "local_hour", "stay_hours"),
    site_id=_TEXT,
    acuity=_WHOLE,  # ESI 1 to 5; 0 where nobody wrote it down
    local_hour=_WHOLE,  # in which the patients arrived
    stay_hours=_WHOLE,  # starts of hours at which they were present, boarding included
    patients=_WHOLE,
)
WEATHER = _table(
    "weather",
    ("site_id", "valid_at", "issued_at"),
    site_id=_TEXT,
    issued_at=_HOUR,  # when it was told, not hour-aligned: before the hour, a forecast
    valid_at=_HOUR,
    temperature_c=_REAL,
)
"""Of each hour what was told last before each night's issue time."""

ANOMALY = "temperature_anomaly"
"""Column of a panel with weather: °C above the climate of the hour, as known at its issue time."""
ANOMALY_NIGHT = "temperature_night"
"""Column beside it: whole days from the panel's issue time to the hour, rounded down."""


def anomaly_told(nights: int) -> str:
    """Column beside :data:`ANOMALY`: the anomaly as told at the last night but so many before the hour.

    1 is the last night at or before the hour, 2 the one before it; nights are whole days from the issue time.
    """
    return f"{ANOMALY}_{nights}"


OBSERVATION_VERSION = _table(
    "observation_version",
    ("site_id", "unit_id", "target", "valid_at", "known_at"),
    site_id=_TEXT,
    unit_id=_TEXT,
    target=_TEXT,
    valid_at=_HOUR,
    known_at=_HOUR,  # the issue time of the night that first saw this value
    value=_REAL,
)

UNIT = _table(
    "unit",
    ("site_id", "unit_id"),
    site_id=_TEXT,
    unit_id=_TEXT,
    unit_type=_TEXT,
    staffed_beds=_WHOLE,
)

SCHEDULED_SHIFT = _table(
    "scheduled_shift",
    ("site_id", "unit_id", "role", "shift_start", "shift_end"),
    site_id=_TEXT,
    unit_id=_TEXT,
    role=_TEXT,
    shift_start=_HOUR,
    shift_end=_HOUR,
    heads=_WHOLE,
)

SOURCE_DEFECT = _table(
    "source_defect",
    ("site_id", "unit_id", "target", "valid_at", "defect"),
    site_id=_TEXT,
    unit_id=_TEXT,
    target=_TEXT,
    valid_at=_HOUR,
    defect=_TEXT,  # what is wrong: duplicate_id, ends_before_start, ...
    source_rows=_WHOLE,  # how many source rows of that hour have it
)

VALIDATION_RESULT = _table(
    "validation_result",
    ("site_id", "night", "table_name", "expectation", "column_name"),
    site_id=_TEXT,
    night=_DATE,
    table_name=_TEXT,
    expectation=_TEXT,
    column_name=_TEXT,  # "" where the expectation speaks of the whole table
    severity=_TEXT,
    success=pa.bool_(),
    checked_rows=_WHOLE,
    failed_rows=_WHOLE,
    detail=_TEXT,  # one sentence for a data engineer
)

QUARANTINED_ROW = _table(
    "quarantined_row",
    ("site_id", "night", "table_name", "unit_id", "target", "valid_at", "reason"),
    site_id=_TEXT,
    night=_DATE,
    table_name=_TEXT,
    unit_id=_TEXT,
    target=_TEXT,  # for a scheduled shift, the role
    valid_at=_HOUR,
    reason=_TEXT,
    value=_REAL,
    source_rows=_WHOLE,
)

SOURCE_COLUMN = _table(
    "source_column",
    ("site_id", "known_at", "table_name", "column_name"),
    site_id=_TEXT,
    known_at=_HOUR,  # the issue time of the night that saw it
    table_name=_TEXT,  # as the profile calls it
    column_name=_TEXT,  # as the source does
    column_type=_TEXT,  # in the words of the source's database
    read_as=_TEXT,  # the profile's name for it; "" where it isn't read
)
"""What the source's tables were like."""

FORECAST = _table(
    "forecast",
    ("issued_at", "site_id", "unit_id", "target", "period", "valid_at", "quantile"),
    issued_at=_HOUR,
    site_id=_TEXT,
    unit_id=_TEXT,
    target=_TEXT,
    period=_TEXT,  # ISO 8601 duration of the block a value speaks of: PT1H
    valid_at=_HOUR,
    quantile=_REAL,
    value=_REAL,
    model=_TEXT,
    model_version=_TEXT,
    note=_TEXT,  # why this model spoke, where it is not the whole champion; else ""
)

SHADOW_FORECAST = Table("shadow_forecast", FORECAST.columns, FORECAST.key)
"""What the champion would have said by the hour where climatology spoke in its stead; never published."""

BACKTEST_FORECAST = Table(
    "backtest_forecast",
    FORECAST.columns,
    ("target", "model", "issued_at", "site_id", "unit_id", "period", "valid_at", "quantile"),
)
"""Forecasts of several models; ``model`` is a contender's name, whoever stood in for it says the ``note``."""

STAFFING_RECOMMENDATION = _table(
    "staffing_recommendation",
    ("issued_at", "site_id", "unit_id", "role", "shift", "shift_start"),
    issued_at=_HOUR,
    night=_DATE,
    site_id=_TEXT,
    unit_id=_TEXT,  # or a float pool's id
    role=_TEXT,
    shift=_TEXT,
    shift_date=_DATE,  # local date on which the shift starts
    shift_start=_HOUR,
    shift_end=_HOUR,
    patients_p10=_REAL,  # of the shift's highest hour
    patients_p50=_REAL,
    patients_p90=_REAL,
    required=_WHOLE,  # this and recommended missing where no rule holds; of a float pool, this
    scheduled=_WHOLE,  # missing where no roster is known
    recommended=_WHOLE,
    gap=_WHOLE,  # required - scheduled
    action=_TEXT,  # in words
    probability_short=_REAL,  # that the shift asks for more than are scheduled
    expected_cost=_REAL,  # of the shift at what is recommended; this to left_unseen missing where not planned
    expected_cost_scheduled=_REAL,  # at what is scheduled
    short_hours=_REAL,  # head-hours expected to be missing at what is recommended
    wait_minutes=_REAL,  # of an ED's patients until they are seen, at what is recommended
    wait_minutes_scheduled=_REAL,
    left_unseen=_REAL,  # share of an ED's patients
    left_unseen_scheduled=_REAL,
    relief=_TEXT,  # the cheapest for what can't be met; else ""
    rule_id=_TEXT,  # missing where no rule holds
    quantile_level=_REAL,  # of the requirement, to which the shift is staffed
    reason=_TEXT,
    note=_TEXT,  # who forecast in the champion's stead, and why; else ""
    model=_TEXT,
    model_version=_TEXT,
    mlflow_run_id=_TEXT,
    dag_run_id=_TEXT,
    data_digest=_TEXT,
)

STAFFING_DECISION = _table(
    "staffing_decision",
    ("site_id", "night", "unit_id", "role", "shift", "shift_start", "number"),
    site_id=_TEXT,
    night=_DATE,
    unit_id=_TEXT,
    role=_TEXT,
    shift=_TEXT,
    shift_start=_HOUR,
    number=_WHOLE,  # 1, 2, ...: the highest one of a shift stands
    state=_TEXT,
    heads=_WHOLE,  # decided; missing where proposed or rejected
    required=_WHOLE,  # this, scheduled and recommended as they stood when it was decided
    scheduled=_WHOLE,
    recommended=_WHOLE,
    decided_at=_HOUR,  # wall clock, not hour-aligned
    decided_by=_TEXT,  # a user's name; configuration, timeout or publication
    comment=_TEXT,
    dag_run_id=_TEXT,
)

SCENARIO = _table(
    "scenario",
    ("scenario_id", "site_id"),
    scenario_id=_TEXT,  # of what is asked, the published plan and the configuration
    site_id=_TEXT,
    night=_DATE,  # whose published plan is changed
    issued_at=_HOUR,
    title=_TEXT,
    arrivals=_REAL,  # changes as shares: 0.2 is 20 % more
    census=_REAL,  # of patients in the wards
    stay=_REAL,
    absence=_REAL,  # share of the rostered heads who don't come
    closed_beds=_TEXT,  # "icu=4, ms3=2", or ""
    ratio_set=_TEXT,  # missing: as configured
    remarks=_TEXT,  # a sentence a line
    output_digest=_TEXT,  # of the published plan
    config_digest=_TEXT,
    mlflow_run_id=_TEXT,
    dag_run_id=_TEXT,
    made_at=_HOUR,  # wall clock, not hour-aligned
)

SCENARIO_RECOMMENDATION = Table(
    "scenario_recommendation",
    STAFFING_RECOMMENDATION.columns.insert(0, pa.field("scenario_id", _TEXT)),
    ("scenario_id", *STAFFING_RECOMMENDATION.key),
)
"""What would have been recommended; the run ids are those of the scenario."""

NIGHT = _table(
    "night",
    ("site_id", "night"),
    site_id=_TEXT,
    night=_DATE,
    issued_at=_HOUR,
    state=_TEXT,
    why=_TEXT,
    data_digest=_TEXT,
    output_digest=_TEXT,
    mlflow_run_id=_TEXT,
    dag_run_id=_TEXT,
    started_at=_HOUR,  # wall clock, not hour-aligned
    finished_at=_HOUR,  # wall clock, not hour-aligned; missing while running
    timings=_TEXT,  # JSON: seconds per stage
    smallest_count=_WHOLE,  # views show no count of patients below it, by the site's newest night
)

MODEL_PROMOTION = _table(
    "model_promotion",
    ("target", "night", "challenger", "challenger_version"),
    target=_TEXT,
    night=_DATE,
    decided_at=_HOUR,  # wall clock, not hour-aligned
    challenger=_TEXT,
    challenger_version=_TEXT,
    champion=_TEXT,  # who spoke until then
    champion_version=_TEXT,
    promoted=pa.bool_(),
    why=_TEXT,
    challenger_wql=_REAL,  # this and what follows missing where a model was not scored
    champion_wql=_REAL,
    difference=_REAL,  # champion's - challenger's
    difference_low=_REAL,  # missing where too few issue times can tell
    difference_high=_REAL,
    hours=_WHOLE,  # scored, each issue time's own
    issue_times=_WHOLE,
    mlflow_run_id=_TEXT,
)

FORECAST_SCORE = _table(
    "forecast_score",
    ("night", "site_id", "unit_id", "target", "period", "lead_day", "shift", "speaker"),
    night=_DATE,  # whose forecast is scored
    site_id=_TEXT,
    unit_id=_TEXT,
    target=_TEXT,
    period=_TEXT,
    lead_day=_WHOLE,  # 1: the first 24 hours after the issue time
    shift=_TEXT,  # in which the hour or block begins; "" of days, and where none is on
    speaker=_TEXT,  # a Speaker
    published=pa.bool_(),  # whether its forecast is the one that was published
    model=_TEXT,
    model_version=_TEXT,
    hours=_WHOLE,  # scored; blocks where the period is longer; what follows are sums over them
    outcome=_REAL,
    pinball=_REAL,
    mae=_REAL,
    bias=_REAL,  # median - outcome
    coverage_80=_REAL,  # this to pit_90 missing where those levels were not forecast
    coverage_90=_REAL,
    pit_80=_REAL,  # coverage with each count spread over its probability
    pit_90=_REAL,
    outcomes_until=_HOUR,  # outcomes before it were final when this was scored
    output_digest=_TEXT,  # of the published night
)

SERIES_VERDICT = _table(
    "series_verdict",
    ("night", "site_id", "unit_id", "target"),
    night=_DATE,  # as known at its issue time
    site_id=_TEXT,
    unit_id=_TEXT,
    target=_TEXT,
    state=_TEXT,  # a SeriesState
    why=_TEXT,  # in words that a nurse manager may read; "" where all is well
    judged_from=_DATE,  # outcomes after it count: when the series last fell back or returned; else missing
    days=_WHOLE,  # of outcomes that were judged
    champion_pinball=_REAL,  # mean, patients; this to bias missing without outcomes
    climatology_pinball=_REAL,
    skill=_REAL,  # of the champion against climatology
    skill_low=_REAL,
    skill_high=_REAL,
    coverage_80=_REAL,  # as pit_80 of a score
    bias=_REAL,
    loss_change=_REAL,  # of the champion's loss over climatology's, recent days less those before
    loss_change_low=_REAL,
    loss_change_high=_REAL,
    level_change=_REAL,  # share by which the level of the series has just changed; 0: it has not
    missing_share=_REAL,  # of the recent days' hours
    mlflow_run_id=_TEXT,
)

TRAINING_REQUEST = _table(
    "training_request",
    ("target", "night"),
    target=_TEXT,
    night=_DATE,  # as known at its issue time
    issued_at=_HOUR,
    why=_TEXT,
    mlflow_run_id=_TEXT,
)
