"""However visits and details of an OMOP source lie, its hours are those of a count patient by patient."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from omop_hospital import ED_ADMITTED, ED_ONLY, INPATIENT, ONE_HOSPITAL

from forecasting.config import Settings, read_settings
from forecasting.extract import connect, extract

pytestmark = pytest.mark.integration

Tables = dict[str, pd.DataFrame]

START = pd.Timestamp("2026-03-10 00:00")
QUARTER = pd.Timedelta(minutes=15)
FIRST_HOUR, HOURS = 4, 30
"""The hours that are read: what was before the first of them still counts, what is after the last doesn't."""
UNITS = {1: "ed", 2: "icu", 3: "ward"}
NAMES = {1: "Emergency", 2: "ICU", 3: "4 West"}
NOWHERE = 9


@dataclass(frozen=True)
class Detail:
    """A visit detail; times in quarters of an hour from the start."""

    place: int | None
    begins: int
    ends: int | None


@dataclass(frozen=True)
class Visit:
    """A visit, its concept, and its details."""

    person: int
    concept: int
    begins: int
    ends: int | None
    details: tuple[Detail, ...]


quarters = st.integers(0, 4 * (FIRST_HOUR + HOURS + 6))
ends = st.one_of(st.none(), quarters)
details = st.builds(Detail, st.sampled_from([1, 2, 3, 3, NOWHERE, None]), quarters, ends)
visits = st.lists(
    st.builds(
        Visit,
        st.integers(1, 5),
        st.sampled_from([ED_ONLY, ED_ADMITTED, INPATIENT]),
        quarters,
        ends,
        st.lists(details, max_size=4).map(tuple),
    ),
    max_size=12,
)


def at(quarter: int | None) -> pd.Timestamp | None:
    return None if quarter is None else START + quarter * QUARTER


def tables(told: list[Visit]) -> Tables:
    """The visits as OMOP has them, beside somebody who is seen in no time each hour: nothing is silent."""
    others = pd.date_range(START, periods=FIRST_HOUR + HOURS + 6, freq="h")
    rows = [(number, visit, detail) for number, visit in enumerate(told) for detail in visit.details]
    return {
        "care_site": pd.DataFrame({"care_site_id": list(NAMES), "care_site_name": list(NAMES.values())}),
        "visit_occurrence": pd.DataFrame(
            {
                "visit_occurrence_id": range(len(told) + len(others)),
                "visit_concept_id": [visit.concept for visit in told] + [ED_ONLY] * len(others),
                "visit_start_datetime": _times([at(visit.begins) for visit in told] + list(others)),
                "visit_end_datetime": _times([at(visit.ends) for visit in told] + list(others)),
            }
        ),
        "visit_detail": pd.DataFrame(
            {
                "visit_detail_id": pd.Series(range(len(rows)), dtype="int64"),
                "person_id": pd.Series([visit.person for _, visit, _ in rows], dtype="int64"),
                "visit_occurrence_id": pd.Series([number for number, _, _ in rows], dtype="int64"),
                "care_site_id": pd.Series([detail.place for *_, detail in rows], dtype="Int64"),
                "visit_detail_start_datetime": _times([at(detail.begins) for *_, detail in rows]),
                "visit_detail_end_datetime": _times([at(detail.ends) for *_, detail in rows]),
            }
        ),
    }


def _times(values: list[pd.Timestamp | None]) -> pd.Series:
    return pd.Series(values, dtype="datetime64[us]")


def counted(told: list[Visit]) -> Counter[tuple[str, str, int]]:
    """By unit, target and hour, one patient and one hour after the other."""
    found: Counter[tuple[str, str, int]] = Counter()
    hours = range(FIRST_HOUR, FIRST_HOUR + HOURS)
    until = 4 * (FIRST_HOUR + HOURS)
    for visit in told:
        if visit.concept == INPATIENT:
            continue
        arrived, left = visit.begins, _left_ed(visit, until)
        found["ed", "ed_arrivals", arrived // 4] += 1
        for hour in hours:
            found["ed", "bed_census", hour] += arrived <= 4 * hour < (until if left is None else left)
    stays = [
        (
            visit.person,
            detail.begins,
            number,
            detail.place,
            detail.ends if detail.ends is not None else visit.ends,
        )
        for number, (visit, detail) in enumerate(
            (visit, detail) for visit in told for detail in visit.details
        )
        if detail.place in UNITS
    ]
    for hour in hours:
        there: dict[int, tuple[int, int, int]] = {}
        for person, begins, number, place, end in stays:
            if begins <= 4 * hour < (until if end is None else end):
                there[person] = max(there.get(person, (-1, -1, 0)), (begins, number, place or 0))
        for *_, place in there.values():
            if UNITS[place] != "ed":
                found[UNITS[place], "bed_census", hour] += 1
    return Counter({key: number for key, number in found.items() if key[2] in hours and number})


def _left_ed(visit: Visit, until: int) -> int | None:
    if visit.concept == ED_ONLY:
        return visit.ends
    known = [
        (UNITS[detail.place], detail.begins, visit.ends if detail.ends is None else detail.ends)
        for detail in visit.details
        if detail.place in UNITS and detail.begins < until
    ]
    left = [end for unit, _, end in known if unit == "ed" and end is not None]
    reached = [begins for unit, begins, _ in known if unit != "ed"]
    return max(left) if left else min(reached) if reached else visit.ends


def read(url: str, terms: Settings) -> Counter[tuple[str, str, int]]:
    since = START.tz_localize(UTC).to_pydatetime() + timedelta(hours=FIRST_HOUR)
    (site,) = terms.sites
    hours = extract(connect(url), site, terms, since, since + timedelta(hours=HOURS))["observation"]
    assert hours["value"].notna().all()
    numbers = (hours["valid_at"].dt.tz_localize(None) - START) // pd.Timedelta(hours=1)
    others = hours["target"].eq("ed_arrivals").astype(int)
    counts = (hours["value"].astype(int) - others).tolist()
    keys = zip(hours["unit_id"], hours["target"], numbers, strict=True)
    return Counter({key: number for key, number in zip(keys, counts, strict=True) if number})


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    path = tmp_path_factory.mktemp("omop") / "hospital.toml"
    path.write_text(ONE_HOSPITAL)
    return read_settings(path)


@given(told=visits)
@examples(max_examples=8)
def test_hours_are_those_of_a_count_patient_by_patient(terms: Settings, told: list[Visit]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'source.db'}"
        write(url, tables(told))
        assert read(url, terms) == counted(told)


@given(told=visits)
@examples(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_postgresql_counts_alike(terms: Settings, postgres_url: str, told: list[Visit]) -> None:
    write(postgres_url, tables(told))
    assert read(postgres_url, terms) == counted(told)


def write(url: str, told: Tables) -> None:
    engine = sa.create_engine(url)
    for name, frame in told.items():
        types: Any = {column: sa.DateTime() for column in frame.select_dtypes("datetime")}
        frame.to_sql(name, engine, index=False, if_exists="replace", dtype=types)
    engine.dispose()
