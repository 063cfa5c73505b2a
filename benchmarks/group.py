"""A group of many simulated sites: three are simulated, the others are copies of theirs, made in SQL.

A site has ten units and recorded hours of so many days. The sites differ in size and time zone.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from shutil import copy
from typing import Any

import rtoml

from forecasting.deployment import Deployment

FIRST_NIGHT = date(2026, 6, 10)
NIGHTS_AHEAD = 3
"""How many nights from the first one the source tells of."""
PROTOTYPES = 3
SEED = 11
DEMO = Path(__file__).parents[1] / "hospital.toml"
ZONES = ("America/New_York", "America/Chicago", "America/Los_Angeles")
UNITS = {
    "ed": ("ed", 40),
    "icu": ("icu", 20),
    "sdu": ("step_down", 20),
    "tele": ("telemetry", 28),
    "ms1": ("medical_surgical", 30),
    "ms2": ("medical_surgical", 30),
    "ms3": ("medical_surgical", 30),
    "ms4": ("medical_surgical", 30),
    "ms5": ("medical_surgical", 30),
    "peds": ("pediatrics", 18),
}


def place_of(folder: Path) -> Deployment:
    """The installation of the group in that folder."""
    return Deployment(config=folder / "hospital.toml", var=folder / "var")


def site_names(size: int) -> list[str]:
    """The sites of a group; the first of them are the prototypes."""
    return [f"campus_{number:03d}" for number in range(size)]


def simulate_prototypes(folder: Path, history_days: int) -> None:
    """Simulate the sites that the others are copies of, and record their history on the eve."""
    from forecasting import pipeline
    from forecasting.config import read_settings

    write_group(folder, PROTOTYPES, history_days)
    place = place_of(folder)
    settings = read_settings(place.config)
    eve = FIRST_NIGHT - timedelta(days=1)
    start = settings.issued_at(eve) - timedelta(days=history_days)
    until = settings.issued_at(FIRST_NIGHT + timedelta(days=NIGHTS_AHEAD))
    pipeline.simulate_source(place, start, until, SEED)
    pipeline.migrate(place)
    key = pipeline.open_night(place, eve, settings.site_ids, "eve", {})
    for site_id in settings.site_ids:
        pipeline.extract_site(place, key, site_id)
        pipeline.validate_site(place, key, site_id)
        pipeline.record_site(place, key, site_id)


def copy_group(prototypes: Path, folder: Path, size: int, history_days: int, *, remembers: bool) -> None:
    """Make a group of that many sites out of the prototypes; one that remembers has recorded its history."""
    from forecasting import pipeline

    write_group(folder, size, history_days)
    copy(prototypes / "var" / "mlflow.db", folder / "var")
    pipeline.migrate(place_of(folder))
    copies = {
        name: site_names(PROTOTYPES)[number % PROTOTYPES] for number, name in enumerate(site_names(size))
    }
    tables = ["ed_visit", "bed_stay", "unit", "scheduled_shift"]
    _copy_rows(prototypes / "var" / "source.db", folder / "var" / "source.db", tables, copies)
    if remembers:
        _copy_rows(
            prototypes / "var" / "warehouse.db", folder / "var" / "warehouse.db", ["observation"], copies
        )


def write_group(folder: Path, size: int, history_days: int) -> None:
    """Describe the sites in the folder's hospital.toml; all else is as in the demo's."""
    configuration: dict[str, Any] = rtoml.load(DEMO)
    configuration["source"]["history_days"] = history_days
    configuration.pop("rules", None)
    configuration["sites"] = [
        {
            "site_id": name,
            "name": f"Campus {number}",
            "country": "US",
            "subdivision": "MA",
            "time_zone": ZONES[number % PROTOTYPES],
            "units": [
                {"unit_id": unit_id, "name": f"Unit {unit_id}", "unit_type": unit_type, "beds": beds}
                for unit_id, (unit_type, beds) in UNITS.items()
            ],
        }
        for number, name in enumerate(site_names(size))
    ]
    (folder / "var").mkdir(parents=True)
    rtoml.dump(configuration, folder / "hospital.toml")


def _copy_rows(source: Path, sink: Path, tables: list[str], copies: dict[str, str]) -> None:
    """Give every site its prototype's rows under its own name, and index them afterwards."""
    with closing(sqlite3.connect(sink, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("ATTACH ? AS prototypes", [str(source)])
        for table in tables:
            made = dict(
                database.execute(
                    "SELECT name, sql FROM prototypes.sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL",
                    [table],
                ).fetchall()
            )
            if not database.execute("SELECT 1 FROM main.sqlite_master WHERE name = ?", [table]).fetchone():
                database.execute(made[table])
            indexes = {name: sql for name, sql in made.items() if name != table}
            for index in indexes:
                database.execute(f"DROP INDEX IF EXISTS main.{index}")
            database.execute("BEGIN")
            columns = [row[1] for row in database.execute(f"PRAGMA prototypes.table_info({table})")]
            values = ", ".join(_RENAMED.get(column, column) for column in columns)
            copy_site = (
                f"INSERT INTO main.{table} SELECT {values} FROM prototypes.{table} WHERE site_id = :prototype"  # noqa: S608
            )
            for site, prototype in copies.items():
                database.execute(copy_site, {"site": site, "prototype": prototype})
            database.execute("COMMIT")
            for sql in indexes.values():
                database.execute(sql)


_RENAMED = {
    "site_id": ":site",
    "visit_id": ":site || substr(visit_id, length(:prototype) + 1)",
    "stay_id": ":site || substr(stay_id, length(:prototype) + 1)",
}
