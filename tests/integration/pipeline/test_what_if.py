"""What-ifs over a published night: rows of their own, the difference told, nothing published touched."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
import structlog
from mlflow import MlflowClient
from published_night import NIGHT
from rich.console import Console
from typer.testing import CliRunner, Result

from forecasting import cli, warehouse
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import WhatIfRefused
from forecasting.pipeline.what_if import (
    WhatIfKey,
    open_what_if,
    plan_what_if,
    read_what_if,
    tell_what_if,
)
from forecasting.schema import STAFFING_RECOMMENDATION

pytestmark = pytest.mark.integration

FROM_THE_RUN = ["mlflow_run_id", "dag_run_id"]
SCENARIO_TABLES = {"scenario", "scenario_recommendation"}
SURGE: dict[str, Any] = {"arrivals": 25, "stay": 20, "absence": 10, "closed": ["icu=6"], "title": "Surge"}


def what_if(place: Deployment, run_id: str = "manual__1", **asked: Any) -> WhatIfKey:
    """All phases, one after the other."""
    key = open_what_if(place, read_what_if(read_settings(place.config), **asked), run_id, {})
    for site_id in key.asked.site_ids:
        plan_what_if(place, key, site_id)
    tell_what_if(place, key, Console(file=StringIO(), width=110))
    return key


def rows(place: Deployment, key: WhatIfKey) -> pd.DataFrame:
    return warehouse.scenario_recommendations(warehouse.connect(place.warehouse), key.scenario_id)


def plan(place: Deployment) -> pd.DataFrame:
    return warehouse.recommendations(warehouse.connect(place.warehouse), NIGHT)


def content(place: Deployment) -> dict[str, list[Any]]:
    """Every row of every table that is not a scenario's, as stored."""
    engine = warehouse.connect(place.warehouse)
    names = set(sa.inspect(engine).get_table_names()) - SCENARIO_TABLES
    with engine.connect() as connection:
        return {name: list(connection.execute(sa.text(f"SELECT * FROM {name}"))) for name in names}  # noqa: S608


def test_a_scenario_that_changes_nothing_is_the_published_plan(published_night: Deployment) -> None:
    """Its sample paths are those of the night, drawn again: the difference is the scenario's alone."""
    key = what_if(published_night)
    found = rows(published_night, key)
    pd.testing.assert_frame_equal(
        found[STAFFING_RECOMMENDATION.columns.names].drop(columns=FROM_THE_RUN),
        plan(published_night).drop(columns=FROM_THE_RUN),
    )
    assert set(found["mlflow_run_id"]) == {key.mlflow_run_id}
    asked = warehouse.scenarios(warehouse.connect(published_night.warehouse), key.scenario_id)
    assert set(asked["remarks"]) == {""}


def test_a_surge_with_closed_beds_and_absent_heads_changes_what_it_should_and_nothing_published(
    published_night: Deployment,
) -> None:
    stored = content(published_night)
    key = what_if(published_night, **SURGE)
    assert content(published_night) == stored
    both = rows(published_night, key).merge(
        plan(published_night), on=["site_id", "unit_id", "role", "shift_start"], suffixes=("", "_before")
    )
    at = {unit: both[(both["site_id"] == "north") & (both["unit_id"] == unit)] for unit in ("ed", "icu")}
    assert (at["ed"]["required"] > at["ed"]["required_before"]).all()
    # Six of ten beds are closed: at one nurse for two patients there are two at most, and two at least.
    assert (at["icu"]["required"] <= at["icu"]["required_before"]).all()
    assert (at["icu"]["patients_p90"] <= 4).all()
    assert both["scheduled"].sum() == round(0.9 * both["scheduled_before"].sum())
    asked = warehouse.scenarios(warehouse.connect(published_night.warehouse), key.scenario_id)
    (north, west) = asked.to_dict("records")
    assert (north["closed_beds"], west["closed_beds"], north["title"]) == ("icu=6", "", "Surge")
    assert "more in Emergency" in north["remarks"]
    assert "fewer in Intensive care" in north["remarks"]


def test_the_same_question_is_the_same_scenario_and_another_is_not(
    published_night: Deployment, settings: Settings
) -> None:
    north = {"site_ids": ["north"], **SURGE}
    first = what_if(published_night, "manual__1", **north)
    before = rows(published_night, first)
    again = what_if(published_night, "manual__2", **north)
    assert (again.scenario_id, again.mlflow_run_id) == (first.scenario_id, first.mlflow_run_id)
    pd.testing.assert_frame_equal(
        rows(published_night, again).drop(columns=FROM_THE_RUN), before.drop(columns=FROM_THE_RUN)
    )
    other = open_what_if(published_night, read_what_if(settings, **{**north, "stay": 21}), "manual__3", {})
    assert other.scenario_id != first.scenario_id
    assert other.mlflow_run_id != first.mlflow_run_id


def test_mlflow_has_what_was_asked_and_what_came_of_it(published_night: Deployment) -> None:
    key = what_if(published_night, "manual__7", night=NIGHT, site_ids=["north"], **SURGE)
    client = MlflowClient(published_night.mlflow)
    run = client.get_run(key.mlflow_run_id)
    assert client.get_experiment(run.info.experiment_id).name == "hospital_what_if"
    assert (run.info.status, run.info.run_name) == ("FINISHED", "Surge")
    assert run.data.tags["airflow.dag_run_id"] == "manual__7"
    assert run.data.params["arrivals"] == "0.25"
    assert run.data.params["night"] == str(NIGHT)
    found = rows(published_night, key)
    assert run.data.metrics["north/required_after"] == found["required"].sum()
    assert "| north |" in run.data.tags["mlflow.note.content"]
    assert [file.path for file in client.list_artifacts(key.mlflow_run_id)] == ["difference.csv"]


def test_without_the_staged_files_the_published_roster_stands_in_and_it_is_said(
    published_night: Deployment,
) -> None:
    shutil.rmtree(published_night.var / "staging")
    key = what_if(published_night, site_ids=["north"], stay=10)
    found, before = rows(published_night, key), plan(published_night).query("site_id == 'north'")
    assert found["scheduled"].tolist() == before["scheduled"].tolist()
    (remarks,) = warehouse.scenarios(warehouse.connect(published_night.warehouse), key.scenario_id)["remarks"]
    assert "the roster is as published" in remarks
    assert "changes at once" in remarks


def test_a_configuration_that_changed_since_is_said(published_night: Deployment, settings: Settings) -> None:
    stricter = published_night.var / "hospital.toml"
    stricter.write_text(published_night.config.read_text().replace("ed = 4", "ed = 2"))
    place = published_night.model_copy(update={"config": stricter})
    key = what_if(place, site_ids=["north"])
    (remarks,) = warehouse.scenarios(warehouse.connect(place.warehouse), key.scenario_id)["remarks"]
    assert "14 of 28 rows come out otherwise than published where nothing is changed" in remarks


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"night": NIGHT + timedelta(days=1)},
            ["night 2026-06-11 of north is not published", "never opened", "the last that is: 2026-06-10"],
        ),
        ({"night": date(1999, 1, 1), "site_ids": ["west"]}, ["night 1999-01-01 of west"]),
    ],
)
def test_a_night_that_is_not_published_is_refused_before_anything_runs(
    published_night: Deployment, settings: Settings, asked: dict[str, Any], said: list[str]
) -> None:
    with pytest.raises(WhatIfRefused) as refused:
        open_what_if(published_night, read_what_if(settings, **asked), "manual__1", {})
    for part in said:
        assert part in str(refused.value)
    assert MlflowClient(published_night.mlflow).get_experiment_by_name("hospital_what_if") is None


def test_a_night_that_one_site_lost_is_not_the_latest_of_both(
    published_night: Deployment, settings: Settings
) -> None:
    engine = warehouse.connect(published_night.warehouse)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE night SET state = 'blocked' WHERE site_id = 'west'"))
    assert open_what_if(published_night, read_what_if(settings, site_ids=["north"]), "1", {}).night == NIGHT
    with pytest.raises(WhatIfRefused, match="no night is published by all of north, west"):
        open_what_if(published_night, read_what_if(settings), "1", {})
    with pytest.raises(WhatIfRefused, match="it is blocked; none is yet"):
        open_what_if(published_night, read_what_if(settings, night=NIGHT), "1", {})


def test_beds_of_a_unit_not_forecast_are_not_closed(published_night: Deployment, settings: Settings) -> None:
    with warehouse.connect(published_night.warehouse).begin() as connection:
        connection.execute(sa.text("DELETE FROM forecast WHERE site_id = 'north' AND unit_id = 'icu'"))
    with pytest.raises(WhatIfRefused, match="no forecast of the patients in icu"):
        open_what_if(published_night, read_what_if(settings, closed=["icu=1"]), "1", {})


@pytest.fixture
def command(published_night: Deployment, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`forecasting what-if` in this process."""
    monkeypatch.setenv("HOSPITAL_CONFIG", str(published_night.config))
    monkeypatch.setenv("HOSPITAL_VAR", str(published_night.var))

    def run(*words: str) -> Result:
        done = CliRunner().invoke(cli.app, ["what-if", *words])
        structlog.reset_defaults()
        return done

    return run


def test_it_prints_the_difference(command: Callable[..., Result], published_night: Deployment) -> None:
    done = command("--sites", "north", "--arrivals=-20", "--absence", "10", "--closed", "icu=2, north/icu=1")
    assert done.exit_code == 2
    assert "closed beds of north/icu are given more than once" in done.stderr
    done = command("--sites", "north", "--arrivals=-20", "--absence", "10", "--ratio-set", "california")
    assert done.exit_code == 0, done.output
    assert "North, what if" in done.stdout
    assert "arrivals -20 %, 10 % of heads absent, ratio set california" in done.stdout
    assert "West" not in done.stdout
    assert "MLflow" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--arrivals", "-150"), "arrivals -150 %: allowed are -100 to 300 %"),
        (("--sites", "south"), "site 'south' is unknown; allowed are north, west"),
        (("--night", "2026-06-09"), "night 2026-06-09 of north is not published"),
    ],
)
def test_the_command_refuses_in_a_sentence(
    command: Callable[..., Result], words: tuple[str, ...], said: str
) -> None:
    done = command(*words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.output
