"""A stay that nobody ended is counted for as long as its unit says, alike wherever it is counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from forecasting.config import Settings, Site
from forecasting.extract import check_source, connect, extract, extract_ed_load, extract_flow_record, flows_at
from forecasting.profile import Profile
from forecasting.schema import Target

pytestmark = pytest.mark.integration

Tables = dict[str, pd.DataFrame]
Write = Callable[[Tables], str]
Patients = Callable[..., Tables]

START = datetime(2026, 3, 1)  # noqa: DTZ001  (sources hold UTC without a zone)
HOURS = 12 * 24
ISSUED_AT = START.replace(tzinfo=UTC) + timedelta(hours=HOURS)
SINCE = ISSUED_AT - timedelta(days=10)
LIMIT = 50


def limited(settings: Settings, **hours: int) -> Settings:
    """The first site alone, its units with limits of their own."""
    site = settings.site("north")
    units = tuple(
        unit.model_copy(update={"longest_stay_hours": hours.get(unit.unit_id)}) for unit in site.units
    )
    return settings.model_copy(update={"sites": (site.model_copy(update={"units": units}),)})


def stays(*spans: tuple[float, float | None], first: int = 0) -> pd.DataFrame:
    """Stays in the ICU, each from and to so many hours after the start."""
    frame = pd.DataFrame(
        {
            "stay_id": [f"x{first + number}" for number in range(len(spans))],
            "site_id": "north",
            "unit_id": "icu",
            "bed_from": [pd.Timestamp(START) + pd.Timedelta(hours=begin) for begin, _ in spans],
            "bed_to": [
                pd.NaT if end is None else pd.Timestamp(START) + pd.Timedelta(hours=end) for _, end in spans
            ],
        }
    )
    return frame.astype({"bed_from": "datetime64[us]", "bed_to": "datetime64[us]"})


def as_visits(frame: pd.DataFrame) -> pd.DataFrame:
    names = {"stay_id": "visit_id", "bed_from": "arrived_at", "bed_to": "departed_at"}
    return frame.rename(columns=names).drop(columns="unit_id").assign(acuity=3, disposition="home")


def census(url: str, settings: Settings, issued_at: datetime = ISSUED_AT) -> pd.DataFrame:
    """Patients by hour, a column a unit."""
    read = extract(connect(url), settings.sites[0], settings, SINCE, issued_at)["observation"]
    rows = read[read["target"] == Target.BED_CENSUS]
    return rows.pivot_table(index="valid_at", columns="unit_id", values="value")


def defects(url: str, settings: Settings, since: datetime = SINCE) -> dict[tuple[str, str, int], int]:
    """Source rows by unit, defect and hours before the issue time."""
    found = extract(connect(url), settings.sites[0], settings, since, ISSUED_AT)["source_defect"]
    before = ((ISSUED_AT - found["valid_at"]).dt.total_seconds() / 3600).astype(int)
    return dict(
        zip(zip(found["unit_id"], found["defect"], before, strict=True), found["source_rows"], strict=True)
    )


def test_it_is_counted_for_its_limit_and_reported_beyond(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS)
    tables["bed_stay"] = tables["bed_stay"].dropna()
    tables["ed_visit"] = tables["ed_visit"].dropna()
    here = limited(settings, icu=LIMIT)
    alone = census(write_source(tables), here)["icu"]
    never, recent = HOURS - 200.5, HOURS - 20.0
    too_long = (HOURS - 190.0, HOURS - 100.0)
    just = (HOURS - 180.0, HOURS - 180.0 + LIMIT)
    added = stays((never, None), (recent, None), too_long, just, first=10_000)
    tables["bed_stay"] = pd.concat([tables["bed_stay"], added, added.iloc[[0]]])
    url = write_source(tables)
    hours = (pd.DatetimeIndex(alone.index) - pd.Timestamp(START, tz="UTC")) / pd.Timedelta(hours=1)
    ends = ((HOURS - 200, HOURS - 200 + LIMIT), (recent, HOURS), (too_long[0], too_long[0] + LIMIT), just)
    more = sum((hours >= begin) & (hours < end) for begin, end in ends)
    pd.testing.assert_series_equal(census(url, here)["icu"], alone + more)
    told = {key: rows for key, rows in defects(url, here).items() if key[1] != "duplicate_id"}
    assert told == {("icu", "never_ended", 1): 1, ("icu", "too_long", 101): 1}
    assert {key[1] for key in defects(url, here, ISSUED_AT - timedelta(days=3))} == {"never_ended"}
    assert not {key[1] for key in defects(url, limited(settings, icu=250))} & {"never_ended", "too_long"}


def test_a_visit_that_nobody_ended_arrived_and_leaves_the_department_after_its_limit(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS)
    tables["ed_visit"] = tables["ed_visit"].dropna()
    here = limited(settings, ed=LIMIT)
    before = census(write_source(tables), here)["ed"]
    forgotten = as_visits(stays((HOURS - 150.0, None), (HOURS - 60.0, None), first=10_000))
    tables["ed_visit"] = pd.concat([tables["ed_visit"], forgotten])
    url = write_source(tables)
    more = census(url, here)["ed"] - before
    assert more.sum() == 2 * LIMIT
    assert more.iloc[-9:].eq(0).all()
    assert defects(url, here)["ed", "never_ended", 1] == 2
    _, present = extract_ed_load(connect(url), here.sites[0], here, [ISSUED_AT], 10)
    assert present["patients"].sum() == len(
        tables["ed_visit"].query("arrived_at < @ISSUED_AT.replace(tzinfo=None)").pipe(still_there)
    )


def still_there(visits: pd.DataFrame) -> pd.DataFrame:
    now = pd.Timestamp(ISSUED_AT).tz_convert(None)
    return visits[(visits["departed_at"] >= now)]


def test_a_unit_that_is_not_configured_has_a_limit_too(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS)
    tables["bed_stay"] = stays((-6000.0, None), (-100.0, None)).assign(unit_id="x9")
    tables["unit"] = tables["unit"].assign(unit_id="x9")
    url = write_source(tables)
    assert census(url, limited(settings))["x9"].iloc[-1] == 1
    assert defects(url, limited(settings))["x9", "never_ended", 1] == 1


def test_a_unit_whose_name_needs_quotes_has_its_own(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    name = "3W: O'Hara 100 %"
    tables = patients(START, HOURS, ward=name)
    tables["bed_stay"] = stays((HOURS - 100.0, None)).assign(unit_id=name)
    site = limited(settings, icu=LIMIT).sites[0]
    icu = site.units[1].model_copy(update={"source_id": name})
    here = settings.model_copy(update={"sites": (site.model_copy(update={"units": (site.units[0], icu)}),)})
    assert census(write_source(tables), here)["icu"].sum() == LIMIT


def test_a_visit_of_mimic_iv_ed_is_limited_as_well(write_source: Write, settings: Settings) -> None:
    visits = stays(*[(hour, hour + 3.5) for hour in range(HOURS)], (HOURS - 200.0, None))
    table = visits.rename(columns={"bed_from": "intime", "bed_to": "outtime"})
    url = write_source({"edstays": table[["stay_id", "intime", "outtime"]]})
    here = limited(settings, ed=LIMIT)
    source = settings.source.model_copy(update={"profile": Profile.MIMIC_IV_ED})
    here = here.model_copy(update={"source": source})
    assert set(census(url, here)["ed"].iloc[-100:]) == {4.0}
    assert defects(url, here) == {("ed", "never_ended", 1): 1}


def test_stays_that_overlap_are_reported_where_the_source_knows_visits_and_beds(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS)
    a, b, c, d = HOURS - 60.5, HOURS - 50.5, HOURS - 40.5, HOURS - 30.5
    told = stays((a, c), (b, d), (c, d), (a, None), (c, None), (a, b), (b, c))
    told["visit_id"] = ["one", "one", "one", "two", "two", "three", "three"]
    told["bed_id"] = ["1", "2", "3", "4", "4", None, None]
    tables["bed_stay"] = told
    found = defects(write_source(tables), limited(settings))
    overlaps = {key: rows for key, rows in found.items() if key[0] == "icu"}
    assert overlaps == {
        ("icu", "in_two_beds", 51): 1, ("icu", "in_two_beds", 41): 2, ("icu", "bed_held_twice", 41): 1,
    }  # fmt: skip


def test_the_check_says_which_limit_would_count_best(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, 24 * 130, per_hour=1.0)
    here = limited(settings)
    asked = START.replace(tzinfo=UTC) + timedelta(days=130)
    told = check_source(connect(write_source(tables)), here, here.sites, asked).doubts
    says = told.loc[told["says"].str.contains("nobody ended them"), ["unit_id", "says"]].set_index("unit_id")[
        "says"
    ]
    assert set(says.index) == {"ed", "icu"}
    assert "each is counted for 96 h" in says["ed"]
    assert "longest_stay_hours = 24 " in says["ed"]
    assert "longest_stay_hours = 48 " in says["icu"]


def _from_to(begin: int, quarters: int | None, in_ed: bool) -> tuple[float, float | None, bool]:
    return begin / 4, None if quarters is None else (begin + quarters) / 4, in_ed


SPAN = st.builds(
    _from_to, st.integers(-4 * 100, 4 * HOURS), st.none() | st.integers(0, 4 * 150), st.booleans()
)
# With more of them a table could seem silent for once.
SPANS = st.lists(SPAN, min_size=1, max_size=7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("laws")


@given(spans=SPANS, limit=st.integers(1, 200), earlier=st.integers(1, 200))
@examples(max_examples=10)
def test_whatever_the_limit_no_hour_depends_on_what_came_later_and_flows_agree_with_the_census(
    folder: Path, settings: Settings, spans: list[tuple[float, float | None, bool]], limit: int, earlier: int
) -> None:
    here = limited(settings, ed=limit, icu=limit)
    site, url = here.sites[0], f"sqlite:///{folder / 'source.db'}"
    engine = sa.create_engine(url)
    times = stays(*[(begin, end) for begin, end, _ in spans])
    in_ed = pd.Series([ed for _, _, ed in spans])
    unit = pd.DataFrame(
        {"site_id": "north", "unit_id": ["ed", "icu"], "unit_type": ["ed", "icu"], "staffed_beds": 9}
    )
    tables = {"ed_visit": as_visits(times[in_ed]), "bed_stay": times[~in_ed], "unit": unit}
    for name, frame in tables.items():
        types = {column: sa.DateTime() for column in frame.select_dtypes("datetime").columns}
        frame.to_sql(name, engine, index=False, if_exists="replace", dtype=types)
    engine.dispose()
    then = ISSUED_AT - timedelta(hours=24 * (earlier % 5))
    _agree_at_both(url, here, site, then)


def _agree_at_both(url: str, settings: Settings, site: Site, then: datetime) -> None:
    source = connect(url)
    days = (ISSUED_AT - SINCE).days
    now_hours, then_hours = (
        extract(source, site, settings, SINCE, at)["observation"].set_index(
            ["unit_id", "target", "valid_at"]
        )["value"]
        for at in (ISSUED_AT, then)
    )
    both = now_hours.reindex(then_hours.index)
    known = both.notna() & then_hours.notna()
    pd.testing.assert_series_equal(both[known], then_hours[known])
    record = extract_flow_record(source, site, settings, sorted({then, ISSUED_AT}), days)
    flows = flows_at(record, ISSUED_AT)
    patients = now_hours.xs(Target.BED_CENSUS, level="target").groupby("unit_id").sum()
    hours = flows["departure"].groupby("unit_id")["patient_hours"].sum()
    assert hours.to_dict() == patients[patients > 0].to_dict()
    alone = flows_at(
        extract_flow_record(source, site, settings, [then], days - (ISSUED_AT - then).days), then
    )
    told = flows_at(record, then)
    for name, frame in alone.items():
        pd.testing.assert_frame_equal(told[name], frame)
