"""A hospital in OMOP's tables has the hours, flows and roster that it has in ``adt``'s, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from omop_hospital import ONE_HOSPITAL, as_omop, in_omop_terms

from forecasting.config import Settings, read_settings
from forecasting.extract import connect, extract, extract_flows
from forecasting.schema import Target
from forecasting.simulate import Hospital, simulate

pytestmark = pytest.mark.integration

Tables = dict[str, pd.DataFrame]
Write = Callable[[Tables], str]

SPRING, AUTUMN = datetime(2026, 3, 12, 7, tzinfo=UTC), datetime(2026, 11, 4, 8, tzinfo=UTC)
FLOW_DAYS = 8
NEVER: Any = pd.NaT


@pytest.fixture(scope="module", params=[SPRING, AUTUMN], ids=["spring", "autumn"])
def simulated(settings: Settings, request: pytest.FixtureRequest) -> tuple[Hospital, datetime]:
    """Two sites through a clock change, and an issue time after it."""
    issued_at = request.param
    start, until = issued_at - timedelta(days=12), issued_at + timedelta(days=1)
    return simulate(settings, start, until, seed=7), issued_at


def as_adt(hospital: Hospital) -> Tables:
    names = ("ed_visit", "bed_stay", "unit", "scheduled_shift")
    tables: Tables = {name: getattr(hospital, name) for name in names}
    return {
        name: frame.assign(
            **{
                str(time): frame[time].dt.tz_localize(None).astype("datetime64[us]")
                for time in frame.select_dtypes("datetimetz")
            }
        )
        for name, frame in tables.items()
    }


def test_the_same_hospital_reads_alike_through_a_clock_change(
    simulated: tuple[Hospital, datetime], settings: Settings, write_source: Write
) -> None:
    part, issued_at = simulated
    since = issued_at - timedelta(days=FLOW_DAYS)
    adt = connect(write_source(as_adt(part)))
    expected = {
        site.site_id: (
            extract(adt, site, settings, since, issued_at),
            extract_flows(adt, site, settings, issued_at, FLOW_DAYS),
        )
        for site in settings.sites
    }
    omop, terms = connect(write_source(as_omop(part, settings))), in_omop_terms(settings)
    for site in terms.sites:
        hours, flows = expected[site.site_id]
        found = extract(omop, site, terms, since, issued_at)
        assert hours["observation"]["value"].gt(0).mean() > 0.9
        for name in ("observation", "scheduled_shift", "source_defect"):
            pd.testing.assert_frame_equal(found[name], hours[name])
        assert set(found["unit"]["unit_id"]) == {unit.unit_id for unit in site.units}
        found_flows = extract_flows(omop, site, terms, issued_at, FLOW_DAYS)
        for name, frame in flows.items():
            pd.testing.assert_frame_equal(found_flows[name], frame)


def test_local_times_are_read_in_the_hours_in_which_things_happened(
    simulated: tuple[Hospital, datetime], settings: Settings, write_source: Write
) -> None:
    """All but the hours that the clock shows twice, of which nobody knows which of the two is meant."""
    part, issued_at = simulated
    north = settings.model_copy(update={"sites": settings.sites[:1]})
    (site,), (zone,) = north.sites, {site.zone for site in north.sites}
    since = issued_at - timedelta(days=5)
    told = extract(connect(write_source(as_adt(part))), site, north, since, issued_at)["observation"]
    expected = told.set_index(["unit_id", "target", "valid_at"])["value"]

    only_north = Hospital(
        **{
            name: frame[frame["site_id"] == "north"]
            for name, frame in vars(part).items()
            if "site_id" in frame
        }
    )
    terms = in_omop_terms(north)
    events = terms.source.events.model_copy(update={"time_zone": "site"})
    terms = terms.model_copy(update={"source": terms.source.model_copy(update={"events": events})})
    source = connect(write_source(as_omop(only_north, north, zone)))
    read = extract(source, terms.sites[0], terms, since, issued_at)
    found = read["observation"].set_index(["unit_id", "target", "valid_at"])["value"]
    twice = {pd.Timestamp("2026-11-01 05:00Z"), pd.Timestamp("2026-11-01 06:00Z")}
    unknown = {
        (unit_id, target, hour)
        for unit_id, target, hour in expected.index
        if hour in twice and (target == Target.ED_ARRIVALS or hour == max(twice))
    }
    assert len(unknown) == (4 if issued_at is AUTUMN else 0)
    assert set(found.index[found.isna()]) == unknown
    pd.testing.assert_series_equal(found.drop(list(unknown)), expected.drop(list(unknown)))
    assert read["scheduled_shift"]["shift_start"].dt.tz_convert(zone).dt.hour.isin([7, 19]).all()


def test_nothing_after_the_issue_time_changes_anything(
    simulated: tuple[Hospital, datetime], settings: Settings, write_source: Write
) -> None:
    part, _ = simulated
    issued_at = simulated[1] - timedelta(days=2)
    tables, terms = as_omop(part, settings), in_omop_terms(settings)
    now = pd.Timestamp(issued_at).tz_localize(None)
    known = dict(tables)
    for prefix in ("visit_occurrence", "visit_detail"):
        start, end = (f"{prefix.removesuffix('_occurrence')}_{time}_datetime" for time in ("start", "end"))
        rows = tables[prefix][tables[prefix][start] < now]
        known[prefix] = rows.assign(**{end: rows[end].where(rows[end] < now)})
    since = issued_at - timedelta(days=4)
    (with_future, as_known) = (
        [
            {
                **extract(source, site, terms, since, issued_at),
                **extract_flows(source, site, terms, issued_at, days=4),
            }
            for site in terms.sites
        ]
        for source in (connect(write_source(tables)), connect(write_source(known)))
    )
    for left, right in zip(with_future, as_known, strict=True):
        for name, frame in left.items():
            pd.testing.assert_frame_equal(frame, right[name])


AT = pd.Timestamp("2026-03-10 12:00")


def one_patient(*details: tuple[str | None, int, int | None], visit: tuple[int, int | None]) -> Tables:
    """A patient's visit and its details, in hours from noon; and arrivals each hour: nothing is silent."""
    places = {"Emergency": 1, "ICU": 2, "4 West": 3, "gone": 9}

    def at(hour: int | None) -> pd.Timestamp:
        return NEVER if hour is None else AT + pd.Timedelta(hours=hour)

    begins, ends = visit
    others = pd.date_range(AT - pd.Timedelta(days=2), AT + pd.Timedelta(days=2), freq="h")
    return {
        "care_site": pd.DataFrame(
            {"care_site_id": [1, 2, 3], "care_site_name": ["Emergency", "ICU", "4 West"]}
        ),
        "visit_occurrence": pd.DataFrame(
            {
                "visit_occurrence_id": range(1, len(others) + 2),
                "visit_concept_id": [262] + [9203] * len(others),
                "visit_start_datetime": pd.Series([at(begins), *others]).astype("datetime64[us]"),
                "visit_end_datetime": pd.Series([at(ends), *others]).astype("datetime64[us]"),
            }
        ),
        "visit_detail": pd.DataFrame(
            {
                "visit_detail_id": range(len(details)),
                "person_id": 7,
                "visit_occurrence_id": 1,
                "care_site_id": [None if place is None else places[place] for place, _, _ in details],
                "visit_detail_start_datetime": pd.Series([at(start) for _, start, _ in details]).astype(
                    "datetime64[us]"
                ),
                "visit_detail_end_datetime": pd.Series([at(end) for _, _, end in details]).astype(
                    "datetime64[us]"
                ),
            }
        ),
    }


def places_by_hour(read: pd.DataFrame, hours: int) -> list[str]:
    """Where the patient is at each hour from noon: the units whose census counts anybody."""
    census = read[read["target"] == Target.BED_CENSUS]
    table = census.pivot_table(index="valid_at", columns="unit_id", values="value", aggfunc="sum").fillna(0)
    first = pd.Timestamp(AT, tz="UTC")
    return [
        " ".join(str(unit) for unit in table.columns for _ in range(int(table[unit].loc[hour])))
        for hour in pd.date_range(first, periods=hours, freq="h")
    ]


@pytest.mark.parametrize(
    ("details", "ends", "expected", "defects"),
    [
        pytest.param(
            [("Emergency", 0, 2), ("ICU", 2, 4), ("4 West", 4, 6)], 6,
            ["ed", "ed", "icu", "icu", "ward", "ward", ""], {}, id="from unit to unit",
        ),
        pytest.param(
            [("Emergency", 0, 1), ("4 West", 1, 6), ("ICU", 2, 4)], 6,
            ["ed", "ward", "icu", "icu", "ward", "ward", ""], {}, id="in another unit within a stay",
        ),
        pytest.param(
            [("4 West", 1, 6), ("4 West", 1, 3), ("4 West", 3, 6), (None, 2, 3)], 6,
            ["ed", "ward", "ward", "ward", "ward", "ward", ""], {}, id="beds within their ward",
        ),
        pytest.param(
            [("Emergency", 0, 1), ("ICU", 1, 4), ("4 West", 3, 5)], 5,
            ["ed", "icu", "icu", "ward", "ward", "", ""], {}, id="an end that is late",
        ),
        pytest.param(
            [("Emergency", 0, 1), ("ICU", 1, None)], None,
            ["ed", "icu", "icu", "icu", "icu", "icu", "icu"], {}, id="still there",
        ),
        pytest.param(
            [("Emergency", 0, 1), ("ICU", 1, None)], 3,
            ["ed", "icu", "icu", "", "", "", ""], {}, id="an end that only the visit knows",
        ),
        pytest.param(
            [("Emergency", 0, 1), ("ICU", 1, 3), ("4 West", 5, 2), ("gone", 1, 2)], 3,
            ["ed", "icu", "icu", "", "", "", ""],
            {("ward", "ends_before_start"): 1, ("", "missing_unit"): 1}, id="impossible rows",
        ),
    ],
)  # fmt: skip
def test_a_patient_is_in_one_place_at_a_time(
    tmp_path: Any,
    write_source: Write,
    details: list[tuple[str | None, int, int | None]],
    ends: int | None,
    expected: list[str],
    defects: dict[tuple[str, str], int],
) -> None:
    (tmp_path / "hospital.toml").write_text(ONE_HOSPITAL)
    terms = read_settings(tmp_path / "hospital.toml")
    issued_at = AT.tz_localize("UTC").to_pydatetime() + timedelta(hours=8)
    source = connect(write_source(one_patient(*details, visit=(0, ends))))
    read = extract(source, terms.sites[0], terms, issued_at - timedelta(days=1), issued_at)
    assert places_by_hour(read["observation"], 7) == expected
    found = read["source_defect"].set_index(["unit_id", "defect"])["source_rows"]
    assert found.to_dict() == defects
