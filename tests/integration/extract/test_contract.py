"""A source of another shape is named: the table, the column, what is there, and where to map it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.extract import SourceContractBroken, connect, extract

pytestmark = pytest.mark.integration

Tables = dict[str, pd.DataFrame]
Write = Callable[[Tables], str]
START = datetime(2026, 3, 1)  # noqa: DTZ001  (sources hold UTC without a zone)


def read(url: str, settings: Settings, **source: Any) -> dict[str, pd.DataFrame]:
    changed = settings.model_copy(update={"source": settings.source.model_copy(update=source)})
    since = START.replace(tzinfo=UTC)
    return extract(connect(url), changed.site("north"), changed, since, since + timedelta(hours=48))


def test_a_missing_table(write_source: Write, patients: Callable[..., Tables], settings: Settings) -> None:
    tables = patients(START, 48)
    del tables["bed_stay"]
    with pytest.raises(
        SourceContractBroken,
        match=r"no table 'bed_stay'; there are: ed_visit, scheduled_shift, unit\. .*source\.tables\.bed_stay",
    ):
        read(write_source(tables), settings)


def test_a_missing_column(write_source: Write, patients: Callable[..., Tables], settings: Settings) -> None:
    tables = patients(START, 48)
    tables["ed_visit"] = tables["ed_visit"].rename(columns={"departed_at": "left_at"})
    with pytest.raises(
        SourceContractBroken,
        match=r"'ed_visit' has no column 'departed_at'; there are: .*source\.columns\.ed_visit\.departed_at",
    ):
        read(write_source(tables), settings)


def test_a_mapped_table_that_is_not_there(
    write_source: Write, patients: Callable[..., Tables], settings: Settings
) -> None:
    with pytest.raises(SourceContractBroken, match=r"no table 'reporting\.visits'.*source\.tables\.ed_visit"):
        read(write_source(patients(START, 48)), settings, tables={"ed_visit": "reporting.visits"})


def test_a_mapped_roster_is_not_optional(
    write_source: Write, patients: Callable[..., Tables], settings: Settings
) -> None:
    with pytest.raises(SourceContractBroken, match="no table 'roster'"):
        read(write_source(patients(START, 48)), settings, tables={"scheduled_shift": "roster"})


def test_a_mapping_of_nothing(
    write_source: Write, patients: Callable[..., Tables], settings: Settings
) -> None:
    url = write_source(patients(START, 48))
    with pytest.raises(SourceContractBroken, match=r"source\.tables\.visits .*allowed: ed_visit, bed_stay"):
        read(url, settings, tables={"visits": "ed_visit"})
    with pytest.raises(SourceContractBroken, match=r"source\.columns\.unit\.beds .*staffed_beds"):
        read(url, settings, columns={"unit": {"beds": "bed_count"}})


def test_a_time_stored_as_text(
    write_source: Write, patients: Callable[..., Tables], settings: Settings, database_url: str
) -> None:
    tables = patients(START, 48)
    arrived = tables["ed_visit"]["arrived_at"].dt.strftime("%d.%m.%Y %H:%M")
    url = write_source(
        {**tables, "visits": tables["ed_visit"].drop(columns="arrived_at").assign(came=arrived)}
    )
    with pytest.raises(SourceContractBroken, match=r"column .came. of table .visits. holds no timestamps"):
        read(url, settings, tables={"ed_visit": "visits"}, columns={"ed_visit": {"arrived_at": "came"}})


def test_a_renamed_column_is_guessed(
    write_source: Write, patients: Callable[..., Tables], settings: Settings
) -> None:
    tables = patients(START, 48)
    tables["bed_stay"] = tables["bed_stay"].rename(columns={"unit_id": "unit", "bed_to": "left_bed"})
    with pytest.raises(SourceContractBroken) as broken:
        read(write_source(tables), settings)
    assert "source.columns.bed_stay.unit_id (to 'unit'?)" in str(broken.value)
    assert "source.columns.bed_stay.bed_to (to 'left_bed'?)" in str(broken.value)


def test_every_column_is_told_with_its_type_and_what_it_is_read_as(
    write_source: Write, patients: Callable[..., Tables], settings: Settings
) -> None:
    tables = patients(START, 48)
    tables["unit"] = tables["unit"].rename(columns={"staffed_beds": "beds"})
    found = read(write_source(tables), settings, columns={"unit": {"staffed_beds": "beds"}})["source_column"]
    units = found[found["table_name"] == "unit"].set_index("column_name")
    assert units.loc["beds", "read_as"] == "staffed_beds"
    assert units.loc["name", "column_type"] == "TEXT"
    assert units.loc["name", "read_as"] == ""
    assert set(found["table_name"]) == set(tables)


def test_numbers_turned_to_text_are_still_read(
    write_source: Write, patients: Callable[..., Tables], settings: Settings
) -> None:
    tables = patients(START, 48)
    before = read(write_source(tables), settings)
    tables["unit"]["staffed_beds"] = ["30", "n/a"]
    tables["scheduled_shift"]["heads"] = tables["scheduled_shift"]["heads"].astype(str)
    after = read(write_source(tables), settings)
    pd.testing.assert_frame_equal(after["scheduled_shift"], before["scheduled_shift"])
    beds = after["unit"].set_index("unit_id")["staffed_beds"]
    assert beds["ed"] == 30
    assert pd.isna(beds["icu"])
