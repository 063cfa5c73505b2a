"""Whatever stands in a source's cells: the check says what it reads, or why it can't, and never breaks."""

from __future__ import annotations

import io
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from omop_hospital import ONE_HOSPITAL
from rich.console import Console

from forecasting import pipeline
from forecasting.config import read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import SiteBlocked
from forecasting.profile import Profile
from forecasting.report import print_source

pytestmark = pytest.mark.integration

NIGHT = date(2026, 3, 4)
HOURS = [f"{hour:%Y-%m-%d %H:%M:%S}" for hour in pd.date_range("2026-03-01", periods=72, freq="h")]
SHIFT = ("2026-03-04 07:00:00", "2026-03-04 19:00:00")

Rows = Sequence[Sequence[Any]]
TABLES: Mapping[Profile, Mapping[str, tuple[Sequence[str], Rows]]] = {
    Profile.ADT: {
        "ed_visit": (
            ("visit_id", "site_id", "arrived_at", "departed_at", "acuity"),
            [(number, "one", hour, hour, 3) for number, hour in enumerate(HOURS)],
        ),
        "bed_stay": (
            ("stay_id", "site_id", "unit_id", "bed_from", "bed_to"),
            [(number, "one", "ICU", hour, "2026-03-03 12:00:00") for number, hour in enumerate(HOURS[:48])],
        ),
        "unit": (
            ("site_id", "unit_id", "unit_type", "staffed_beds"),
            [("one", "Emergency", "ed", 30), ("one", "ICU", "icu", 10), ("one", "4 West", "ward", 20)],
        ),
        "scheduled_shift": (
            ("site_id", "unit_id", "role", "shift_start", "shift_end", "heads"),
            [("one", unit, "registered_nurse", *SHIFT, 4) for unit in ("Emergency", "ICU", "4 West")],
        ),
    },
    Profile.HOURLY: {
        "ed_arrivals_hourly": (
            ("site_id", "hour_start", "arrivals"),
            [("one", hour, number % 5) for number, hour in enumerate(HOURS)],
        ),
        "bed_census_hourly": (
            ("site_id", "unit_id", "hour_start", "occupied_beds", "staffed_beds"),
            [("one", "ICU", hour, number % 7, 10) for number, hour in enumerate(HOURS)],
        ),
    },
    Profile.OMOP: {
        "care_site": (("care_site_id", "care_site_name"), [(1, "Emergency"), (2, "ICU"), (3, "4 West")]),
        "visit_occurrence": (
            ("visit_occurrence_id", "visit_concept_id", "visit_start_datetime", "visit_end_datetime"),
            [(number, 9203 if number % 2 else 262, hour, hour) for number, hour in enumerate(HOURS)],
        ),
        "visit_detail": (
            (
                "visit_detail_id",
                "person_id",
                "visit_occurrence_id",
                "visit_detail_start_datetime",
                "visit_detail_end_datetime",
                "care_site_id",
            ),
            [
                (number, number, number, hour, "2026-03-03 12:00:00", 2)
                for number, hour in enumerate(HOURS[:48])
            ],
        ),
    },
    Profile.MIMIC_IV_ED: {
        "edstays": (
            ("stay_id", "intime", "outtime"),
            [(number, hour, hour) for number, hour in enumerate(HOURS)],
        )
    },
}

NO_NUMBERS = ["", " ", "<5", "-", "n/a", "NULL", "1e3", "٣", "--", "1-2", "0x1F", "x" * 5000, "[/]", "\x00"]
NO_TIMES = ["2026-03-01", "01.03.2026 12:00", "2026-03-01 25:00:00", "2026-02-30 12:00:00", "infinity"]
ODD_TIMES = [
    "0001-01-01 00:00:00", "9999-12-31 23:59:59", "2026-03-02 07:00:00.123456", "2026-03-02T07:00:00",
    "2026-03-02 07:00:00+01:00", "2026-03-02 07:30:00",
]  # fmt: skip
NUMBERS = ["12", "12.5", " 7 ", -1, 0, 5, 10**15, 2**62, 2.5, 1e300, float("inf")]
CELLS = st.sampled_from([None, *NO_NUMBERS, *NO_TIMES, *ODD_TIMES, *NUMBERS, b"\x00\xff"])
PLANTED = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 5), CELLS), max_size=6)


def config(profile: Profile, zone: str = "UTC") -> str:
    told = ONE_HOSPITAL.replace('profile = "omop"', f'profile = "{profile}"\nhistory_days = 21')
    return f'{told}\n[source.{"events" if profile.counts_events else "hourly"}]\ntime_zone = "{zone}"\n'


def checked(folder: Path, url: str, text: str) -> str:
    """What the check prints of a source, or in which words it refuses it."""
    (folder / "hospital.toml").write_text(text)
    place = Deployment(config=folder / "hospital.toml", var=folder, source_url=url)
    settings, paper = read_settings(place.config), io.StringIO()
    try:
        report = pipeline.check_source(place, NIGHT, ["one"])
    except SiteBlocked as refusal:
        return str(refusal)
    console = Console(file=paper, width=200)
    issued_at = settings.issued_at(NIGHT)
    print_source(report.series, report.doubts, report.unread, settings, issued_at, console)
    return paper.getvalue()


@pytest.mark.parametrize("profile", Profile)
@given(planted=PLANTED, zone=st.sampled_from(["UTC", "America/New_York"]))
@examples(max_examples=examples().max_examples // 16)
def test_no_cell_breaks_the_check(
    profile: Profile, planted: list[tuple[int, int, int, Any]], zone: str
) -> None:
    told = {name: (columns, [list(row) for row in rows]) for name, (columns, rows) in TABLES[profile].items()}
    for table, row, column, value in planted:
        columns, rows = list(told.values())[table % len(told)]
        rows[row % len(rows)][column % len(columns)] = value
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "source.db"
        with sqlite3.connect(file) as connection:
            for name, (columns, rows) in told.items():
                connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
                marks = ", ".join("?" * len(columns))
                connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)  # noqa: S608
        connection.close()
        assert checked(Path(folder), f"sqlite:///{file}", config(profile, zone))


def on_postgres(url: str, profile: Profile, changes: Sequence[str]) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for name, (columns, rows) in TABLES[profile].items():
            kinds = ", ".join(f"{column} {_kind(column)}" for column in columns)
            connection.execute(sa.text(f"CREATE TABLE {name} ({kinds})"))
            marks = ", ".join(f":{column}" for column in columns)
            values = [dict(zip(columns, _typed(columns, row), strict=True)) for row in rows]
            connection.execute(sa.text(f"INSERT INTO {name} VALUES ({marks})"), values)  # noqa: S608
        for change in changes:
            connection.execute(sa.text(change))
    engine.dispose()


NUMBERED = ("visit_id", "stay_id", "visit_occurrence_id", "visit_detail_id", "person_id", "care_site_id")


def _kind(column: str) -> str:
    if column.endswith(("_at", "_from", "_to", "_start", "_end", "time")):
        return "timestamp"
    return "bigint" if column in (*NUMBERED, "visit_concept_id") else "text"


def _typed(columns: Sequence[str], row: Sequence[Any]) -> list[Any]:
    return [
        str(value) if _kind(column) == "text" else value for column, value in zip(columns, row, strict=True)
    ]


def of(table: str, change: str) -> str:
    return f"UPDATE {table} SET {change}"  # noqa: S608


NEVER_LEFT = [of("bed_stay", "bed_to = 'infinity'"), of("ed_visit", "departed_at = 'infinity'")]
A_FEW_VISITS = "WHERE visit_id < 5"


@pytest.mark.parametrize(
    ("profile", "changes", "said"),
    [
        (Profile.ADT, [of("unit", "staffed_beds = 'n/a'"), of("scheduled_shift", "heads = '<5'")], "icu"),
        (Profile.ADT, [of("unit", "staffed_beds = '999999999999'")], "icu"),
        (Profile.ADT, ["ALTER TABLE unit ALTER unit_type TYPE integer USING 7"], "icu"),
        (Profile.ADT, ["ALTER TABLE scheduled_shift ALTER role TYPE integer USING 7"], "icu"),
        (Profile.ADT, NEVER_LEFT, "icu"),
        (Profile.ADT, [of("bed_stay", "bed_from = '-infinity' WHERE stay_id < 5")], "icu"),
        (Profile.ADT, [of("ed_visit", f"arrived_at = 'infinity' {A_FEW_VISITS}")], "ed_arrivals"),
        (Profile.ADT, [of("ed_visit", f"arrived_at = '0044-03-15 BC' {A_FEW_VISITS}")], "ed_arrivals"),
        (Profile.ADT, [of("ed_visit", f"arrived_at = '20000-01-01' {A_FEW_VISITS}")], "ed_arrivals"),
        (Profile.ADT, ["ALTER TABLE ed_visit ALTER arrived_at TYPE text"], "holds no timestamps"),
        (Profile.ADT, ["ALTER TABLE ed_visit ALTER arrived_at TYPE date"], "dates without a time of day"),
        (Profile.HOURLY, [of("bed_census_hourly", "occupied_beds = '<5'")], "not a number"),
        (Profile.HOURLY, [of("ed_arrivals_hourly", "arrivals = '1e400'")], "not a number"),
        (Profile.HOURLY, [of("ed_arrivals_hourly", "hour_start = 'infinity' WHERE arrivals = '1'")], "ed"),
        (Profile.OMOP, ["ALTER TABLE care_site ALTER care_site_id TYPE text"], "care_site_id ="),
        (Profile.OMOP, [of("visit_detail", "visit_detail_end_datetime = 'infinity'")], "icu"),
        (Profile.MIMIC_IV_ED, [of("edstays", "intime = 'infinity', outtime = '-infinity'")], "ed_arrivals"),
    ],
)  # fmt: skip
def test_what_postgresql_can_hold_is_read_or_told(
    postgres_url: str, tmp_path: Path, profile: Profile, changes: list[str], said: str
) -> None:
    on_postgres(postgres_url, profile, changes)
    assert said in checked(tmp_path, postgres_url, config(profile, "America/New_York"))
