"""A scenario's changes taken together, from the inputs of a plan to its rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.rules import rule_book
from forecasting.schema import DEPARTURE, FORECAST, INFLOW, SCHEDULED_SHIFT, Target
from forecasting.staffing import SamplePaths, recommend, turnover
from forecasting.staffing.scenario import NO_SET, Inputs, Scenario, changed
from forecasting.staffing.shifts import planned_shifts

pytestmark = pytest.mark.unit

NIGHT = date(2026, 6, 10)


@pytest.fixture(scope="module")
def before(settings: Settings) -> Inputs:
    """The site west: 20 patients in its ward, 10 in its ED, 3 arrivals an hour, 6 nurses in each."""
    site, issued_at = settings.site("west"), settings.issued_at(NIGHT)
    hours = pd.date_range(issued_at, periods=settings.lead_hours, freq="h", unit="us")
    shifts = planned_shifts(settings, site, issued_at)
    roster = [
        {
            "site_id": "west",
            "unit_id": unit.unit_id,
            "role": "registered_nurse",
            "shift_start": shift.start,
            "shift_end": shift.end,
            "heads": 6,
        }
        for unit in site.units
        for shift in shifts
    ]

    departure = [
        {
            "site_id": "west",
            "unit_id": unit_id,
            "weekday": 0,
            "local_hour": 12,
            "elapsed_from": 0,
            "patient_hours": 10 * hours_each,
            "departures": 10,
        }
        for unit_id, hours_each in (("ed", 4), ("ward", 96))
    ]

    def paths(**patients: int) -> SamplePaths:
        counts = np.array(list(patients.values()), dtype=np.int32)
        whole = np.broadcast_to(counts[None, :, None], (100, len(counts), len(hours)))
        return SamplePaths(tuple(patients), hours, whole.copy())

    return Inputs(
        settings=settings,
        site=site,
        issued_at=issued_at,
        paths={Target.BED_CENSUS: paths(ed=10, ward=20), Target.ED_ARRIVALS: paths(ed=3)},
        roster=SCHEDULED_SHIFT.conform(pd.DataFrame(roster)),
        inflow=INFLOW.empty(),
        departure=DEPARTURE.conform(pd.DataFrame(departure)),
    )


def census(inputs: Inputs, unit_id: str) -> np.ndarray:
    """Mean patients by hour."""
    paths = inputs.paths[Target.BED_CENSUS]
    return np.asarray(paths.counts[:, paths.units.index(unit_id)].mean(axis=0))


def rows(inputs: Inputs) -> pd.DataFrame:
    told = [
        {
            "issued_at": inputs.issued_at,
            "site_id": "west",
            "unit_id": unit_id,
            "target": target.value,
            "period": "PT1H",
            "valid_at": inputs.issued_at,
            "quantile": 0.5,
            "value": 0.0,
            "model": "climatology",
            "model_version": "1",
            "note": "",
        }
        for target, paths in inputs.paths.items()
        for unit_id in paths.units
    ]
    return recommend(
        FORECAST.conform(pd.DataFrame(told)),
        inputs.site,
        inputs.settings,
        inputs.issued_at,
        inputs.roster,
        rule_book(inputs.settings),
        paths=inputs.paths,
        turnover=turnover(inputs.inflow, inputs.departure, inputs.issued_at, inputs.site.zone),
    )


def heads(inputs: Inputs, name: str, unit_id: str) -> np.ndarray:
    """A figure of a unit's shifts, in their order."""
    found = rows(inputs)
    return found.loc[found["unit_id"] == unit_id, name].to_numpy(dtype=float)


def test_a_scenario_that_changes_nothing_gives_the_same_rows(before: Inputs) -> None:
    pd.testing.assert_frame_equal(rows(changed(before, Scenario())), rows(before))


def test_more_arrivals_fill_the_ed_and_not_the_wards(before: Inputs) -> None:
    after = changed(before, Scenario(arrivals=0.5))
    assert after.paths[Target.ED_ARRIVALS].counts.mean() == pytest.approx(4.5)
    assert census(after, "ed")[0] == 10
    assert census(after, "ed")[48] == pytest.approx(15, abs=0.01)
    assert (census(after, "ward") == 20).all()


def test_more_in_the_wards_are_there_at_once_and_leave_the_ed_as_it_is(before: Inputs) -> None:
    after = changed(before, Scenario(census=0.25))
    assert (census(after, "ward") == 25).all()
    assert (census(after, "ed") == 10).all()
    assert (heads(after, "required", "ward") > heads(before, "required", "ward")).all()
    assert (heads(after, "required", "ed") == heads(before, "required", "ed")).all()


def test_longer_stays_fill_the_ed_within_a_day_and_the_wards_over_weeks(before: Inputs) -> None:
    after = changed(before, Scenario(stay=0.5))
    assert census(after, "ed")[24] == pytest.approx(15, abs=0.1)
    assert census(after, "ward")[144] == pytest.approx(20 * (1.5 - 0.5 / np.e), abs=0.01)


def test_absent_heads_leave_the_need_and_open_gaps(before: Inputs) -> None:
    after = changed(before, Scenario(absence=0.5))
    for unit_id in ("ed", "ward"):
        assert (heads(after, "required", unit_id) == heads(before, "required", unit_id)).all()
        assert heads(after, "scheduled", unit_id).sum() == 42
        assert (heads(after, "gap", unit_id) >= heads(before, "gap", unit_id)).all()


def test_closed_beds_send_patients_and_heads_to_the_ed(before: Inputs) -> None:
    after = changed(before, Scenario(closed_beds={"west": {"ward": 8}, "north": {"icu": 1}}))
    assert (census(after, "ward") == 16).all()
    assert (census(after, "ed") == 14).all()
    assert (heads(after, "required", "ed") > heads(before, "required", "ed")).all()


def test_a_unit_that_is_closed_asks_for_nobody(before: Inputs) -> None:
    after = changed(before, Scenario(closed_beds={"west": {"ward": 24}}))
    assert (heads(after, "required", "ward") == 0).all()
    assert (heads(after, "gap", "ward") == -6).all()


def test_other_ratios_are_the_rule_books(before: Inputs) -> None:
    after = changed(before, Scenario(ratio_set="california"))
    assert set(rows(after)["rule_id"]) == {"california_ed", "california_medical_surgical"}
    stricter = changed(before, Scenario(ratio_set="nsw_australia"))
    for unit_id in ("ed", "ward"):
        assert (heads(stricter, "required", unit_id) > heads(after, "required", unit_id)).all()
    california = replace(before, site=before.site.model_copy(update={"ratio_set": "california"}))
    pd.testing.assert_frame_equal(rows(changed(california, Scenario(ratio_set=NO_SET))), rows(before))
