"""A hospital in OMOP's tables has the hours, flows and roster that it has in ``adt``'s, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from omop_hospital import as_omop, in_omop_terms

from forecasting.config import Settings
from forecasting.extract import connect, extract, extract_flows
from forecasting.schema import Target
from forecasting.simulate import Hospital, simulate

pytestmark = pytest.mark.integration

Tables = dict[str, pd.DataFrame]
Write = Callable[[Tables], str]

START = datetime(2026, 2, 20, 5, tzinfo=UTC)
SPRING, AUTUMN = datetime(2026, 3, 12, 7, tzinfo=UTC), datetime(2026, 11, 4, 8, tzinfo=UTC)
FLOW_DAYS = 12
NEVER: Any = pd.NaT


@pytest.fixture(scope="module")
def hospital(settings: Settings) -> Hospital:
    return simulate(settings, START, AUTUMN + timedelta(days=3), seed=7)


def as_adt(hospital: Hospital) -> Tables:
    names = ("ed_visit", "bed_stay", "unit", "scheduled_shift")
    tables: Tables = {name: getattr(hospital, name) for name in names}
    return {
        name: frame.assign(
            **{
                time: frame[time].dt.tz_localize(None).astype("datetime64[us]")
                for time in frame.select_dtypes("datetimetz")
            }
        )
        for name, frame in tables.items()
    }


def around(hospital: Hospital, begin: datetime, end: datetime) -> Hospital:
    """The events of some weeks, with every row of the patients who have one."""
    visits, stays = hospital.ed_visit, hospital.bed_stay
    came = visits["arrived_at"].between(begin, end)
    lay = stays["bed_from"].between(begin, end)
    of_visits = stays["visit_id"].isin(visits.loc[came, "visit_id"])
    kept = stays["patient"].isin(stays.loc[lay | of_visits, "patient"])
    came |= visits["visit_id"].isin(stays.loc[kept, "visit_id"])
    return Hospital(
        **{
            **vars(hospital),
            "ed_visit": visits[came].reset_index(drop=True),
            "bed_stay": stays[kept].reset_index(drop=True),
        }
    )


@pytest.mark.parametrize("issued_at", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_the_same_hospital_reads_alike_through_a_clock_change(
    hospital: Hospital, settings: Settings, write_source: Write, issued_at: datetime
) -> None:
    part = around(hospital, issued_at - timedelta(days=15), issued_at + timedelta(days=1))
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
