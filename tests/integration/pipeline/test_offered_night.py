"""A night whose EDs are planned by the offered load of their arrivals; by the census where none is told."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from integration.pipeline.two_hospitals import CONFIG, NIGHT, copied

from forecasting import pipeline, warehouse
from forecasting.config import read_settings
from forecasting.deployment import Deployment
from forecasting.pipeline import what_if
from forecasting.pipeline.what_if import WhatIf
from forecasting.schema import PRESENT
from forecasting.staffing.scenario import Scenario
from forecasting.staging import Stage

pytestmark = pytest.mark.integration

PLAIN = CONFIG.read_text(encoding="utf-8")
BY_LOAD = PLAIN.replace('unit_type = "ed", beds', 'unit_type = "ed", load = "offered", beds')
PATIENTS = ["patients_p10", "patients_p50", "patients_p90"]


def configured(folder: Path, text: str) -> Path:
    config = folder / "hospital.toml"
    config.write_text(text, encoding="utf-8")
    return config


def of_north(place: Deployment) -> pd.DataFrame:
    plan = warehouse.recommendations(warehouse.connect(place.warehouse), NIGHT)
    return plan[plan["site_id"] == "north"].drop(columns="mlflow_run_id").reset_index(drop=True)


def of_ed(place: Deployment) -> pd.DataFrame:
    plan = of_north(place)
    return plan[plan["unit_id"] == "ed"].reset_index(drop=True)


@pytest.fixture(scope="module")
def by_load(hospitals: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The hospitals after a night by the offered load; only to be looked at."""
    folder = tmp_path_factory.mktemp("by_load")
    place = copied(hospitals, folder / "var").model_copy(update={"config": configured(folder, BY_LOAD)})
    pipeline.walk(place, NIGHT, ("north",), "test__1", "never")
    return place


def test_the_rows_patients_and_reason_are_those_of_the_offered_load(
    by_load: Deployment, published: Deployment
) -> None:
    by_census, told = of_ed(published), of_ed(by_load)
    assert len(told) == len(by_census)
    assert told["reason"].str.contains("patients expected by the offered load of arrivals in any hour").all()
    assert not by_census["reason"].str.contains("offered load").any()
    assert not told["note"].str.contains("Planned by").any()
    assert (told[PATIENTS] != by_census[PATIENTS]).any(axis=None)
    assert told["patients_p50"].mean() == pytest.approx(by_census["patients_p50"].mean(), rel=0.15)
    assert (told["patients_p10"] <= told["patients_p50"]).all()
    assert (told["required"] >= told["patients_p50"] / 4).all()
    plans = [of_north(each) for each in (published, by_load)]
    before, after = (plan[plan["unit_id"] != "ed"].reset_index(drop=True) for plan in plans)
    pd.testing.assert_frame_equal(after, before)


def test_counts_alone_are_staged(by_load: Deployment) -> None:
    stage = Stage(by_load.staging, NIGHT, "north")
    there = stage.read(PRESENT, "ed_present")
    assert set(there["unit_id"]) == {"ed"}
    assert set(there["valid_at"]) == {read_settings(by_load.config).issued_at(NIGHT)}


@pytest.fixture
def again(by_load: Deployment, tmp_path: Path) -> Deployment:
    return copied(by_load, tmp_path / "var").model_copy(update={"config": by_load.config})


def restaffed(place: Deployment) -> pd.DataFrame:
    plan = warehouse.recommendations(warehouse.connect(place.warehouse), NIGHT)
    key = pipeline.NightKey(NIGHT, "test__1", plan["mlflow_run_id"].iloc[0])
    pipeline.staff_site(place, key, "north")
    pipeline.publish_site(place, key, "north")
    return of_ed(place)


def test_the_square_root_rule_requires_the_heads_where_a_delay_is_set(
    again: Deployment, by_load: Deployment, tmp_path: Path
) -> None:
    text = BY_LOAD.replace("[[sites]]", "[waiting]\ndelay = 0.05\n\n[[sites]]", 1)
    rows = restaffed(again.model_copy(update={"config": configured(tmp_path, text)}))
    assert rows["reason"].str.contains("more so that 1 in 20 may wait → ").all()
    assert rows["reason"].str.contains("patients expected by the offered load of arrivals around").all()
    assert (rows["quantile_level"] > 0.5).all()
    assert (rows[PATIENTS] == of_ed(by_load)[PATIENTS]).all(axis=None)


def test_a_what_if_lets_more_arrivals_and_longer_stays_raise_the_load(again: Deployment) -> None:
    asked = WhatIf(scenario=Scenario(arrivals=0.3, stay=0.2), site_ids=("north",), night=NIGHT)
    key = what_if.open_what_if(again, asked, "test__2", {})
    what_if.plan_what_if(again, key, "north")
    after = warehouse.scenario_recommendations(warehouse.connect(again.warehouse), key.scenario_id)
    after = after[after["unit_id"] == "ed"].reset_index(drop=True)
    before = of_ed(again)
    grown = after["patients_p50"] / before["patients_p50"]
    assert grown.mean() == pytest.approx(1.3 * 1.2, rel=0.1)
    assert (after["required"] >= before["required"]).all()
    assert after["reason"].str.contains("offered load").all()


def test_a_night_that_counted_no_stays_is_planned_by_the_census_and_says_so(
    published: Deployment, tmp_path: Path
) -> None:
    later = copied(published, tmp_path / "later").model_copy(update={"config": configured(tmp_path, BY_LOAD)})
    rows = restaffed(later)
    says = "Planned by the forecast census, not by the offered load: the night counted no stays in the ED."
    assert rows["note"].str.contains(says, regex=False).all()
    assert (rows[PATIENTS] == of_ed(published)[PATIENTS]).all(axis=None)
