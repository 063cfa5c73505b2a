from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import forecasting
from forecasting.extract.contract import SourceTable
from forecasting.extract.queries import Lists, bound_time, query
from forecasting.extract.shape import BESIDE, SHAPES
from forecasting.profile import Profile

pytestmark = pytest.mark.unit

FOLDER = Path(forecasting.__file__).parent.parent / "sql" / "extract"
FILES = sorted(FOLDER.glob("*/*.sql"))


def plain(profile: Profile) -> dict[str, SourceTable]:
    return {
        name: SourceTable(name, name, {column: column for column in columns})
        for name, columns in {**SHAPES[profile].mappable, **BESIDE.mappable}.items()
    }


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_query_asks_one_site_and_leaves_no_placeholder(file: Path, dialect: str) -> None:
    profile = Profile(file.parent.name)
    lists: Lists = {
        "span": [(1, 2, 0, 1)],
        "asked": [(3, 0), (4, 1)],
        "clock": [(1, 2, -5)],
        "ed_visit_concept": [(9203,)],
        "ed_admission_concept": [],
        "stay_limit": [("3W: O'Hara 100 %", 96)],
    }
    clause = query(profile, file.stem, plain(profile), dialect, lists)
    assert "{" not in clause.text.replace("{1,12}", "")
    assert "site_id" in clause.compile().params


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_query_only_reads(file: Path) -> None:
    words = file.read_text().upper().split()
    assert not {"INSERT", "UPDATE", "DELETE", "CREATE", "DROP"} & set(words)


def test_mapped_columns_take_the_profile_s_names() -> None:
    unit = SourceTable("unit", "reporting.wards", {"unit_id": '"WARD"', "site_id": "site_id"})
    assert unit.relation == '(SELECT "WARD" AS unit_id, site_id AS site_id FROM reporting.wards) AS unit'


def test_times_are_bound_as_the_source_stores_them() -> None:
    hour = datetime(2026, 3, 1, 5, tzinfo=UTC)
    assert bound_time(hour, "sqlite") == "2026-03-01 05:00:00"
    assert bound_time(hour, "postgresql") == datetime(2026, 3, 1, 5)  # noqa: DTZ001
