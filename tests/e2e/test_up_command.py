"""`forecasting up`, which is `make up`: a person triggers a night from the form and looks at it in MLflow."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa
from e2e.installation import Installation, Servers
from mlflow import MlflowClient
from playwright.sync_api import Page, expect

from forecasting import pipeline, warehouse
from forecasting.config import read_settings
from forecasting.standalone import Airflow

pytestmark = pytest.mark.e2e

DAG = "hospital_nightly"
RUN = "from_the_form"
TRAINING = "bed_census ensemble"
METRIC = "held_out/ensemble/wql"


def _ended(servers: Servers, run_id: str) -> str:
    """How a run ends; it may not have been asked for yet."""
    airflow = Airflow(servers.airflow, servers.user, servers.password)
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPStatusError):
            if (state := airflow.state(DAG, run_id)) in ("success", "failed"):
                return state
        time.sleep(2)
    raise TimeoutError(f"{run_id} did not end")


def test_a_night_triggered_from_the_form_with_changed_params_goes_green(page: Page, servers: Servers) -> None:
    servers.sign_in(page)
    page.goto(f"{servers.airflow}/dags/{DAG}")
    page.get_by_role("button", name="Trigger").first.click()
    form = page.get_by_role("dialog")
    form.locator("#element_sites").fill("west")
    form.get_by_role("combobox").first.click()
    page.get_by_role("option", name="always").click()
    form.get_by_text("Advanced Options").click()
    form.locator("input[name=dagRunId]").fill(RUN)
    form.get_by_role("button", name="Trigger").click()
    expect(form).not_to_be_visible()

    assert _ended(servers, RUN) == "success"
    page.goto(f"{servers.airflow}/dags/{DAG}/runs/{RUN}")
    expect(page.get_by_text("success", exact=False).first).to_be_visible()


def test_a_training_leads_to_its_mlflow_run_and_that_back_to_the_dag_run(
    page: Page, servers: Servers
) -> None:
    page.goto(f"{servers.airflow}/dags/{DAG}/runs/{RUN}/tasks/train/mapped/0/details")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="MLflow run").click()
    tracked = opened.value
    expect(tracked.get_by_role("heading", name="ed_arrivals ensemble")).to_be_visible()
    with tracked.expect_popup() as returned:
        tracked.get_by_role("link", name="The DAG run in Airflow").click()
    expect(returned.value).to_have_url(f"{servers.airflow}/dags/{DAG}/runs/{RUN}")
    expect(returned.value.get_by_role("button", name="Trigger").first).to_be_visible()
    for other in (tracked, returned.value):
        other.close()


def test_the_mlflow_pages_show_the_night_and_its_trainings(page: Page, servers: Servers) -> None:
    page.goto(servers.mlflow)
    nights_with_children = page.locator(".ag-cell-value", has_text="night").get_by_role("button")
    expect(nights_with_children).to_have_count(2)
    for number in range(2):
        nights_with_children.nth(number).click()
    for target in ("bed_census", "ed_arrivals"):
        expect(page.get_by_role("link", name=f"{target} ensemble")).to_have_count(2)


def test_two_trainings_are_compared_side_by_side(page: Page, installation: Installation) -> None:
    """On the page where the test before this one left off."""
    trainings = page.get_by_role("link", name=TRAINING)
    rows = [trainings.nth(number).locator("xpath=ancestor::*[@role='row']") for number in range(2)]
    run_ids = [str(row.get_attribute("row-id")) for row in rows]
    for run_id in run_ids:
        page.locator(f"[role=row][row-id='{run_id}'] .ag-checkbox-input").check(force=True)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text(METRIC, exact=True)).to_be_visible()
    client = MlflowClient(installation.place.mlflow)
    for run_id in run_ids:
        expect(page.get_by_role("link", name=run_id)).to_be_visible()
        score = f"{round(client.get_run(run_id).data.metrics[METRIC], 3):g}"
        expect(page.get_by_text(score, exact=True).first).to_be_visible()


def test_whoever_waits_for_the_assets_is_told_the_night_and_the_verdict(servers: Servers) -> None:
    airflow = Airflow(servers.airflow, servers.user, servers.password)
    events = airflow._call("GET", f"assets/events?source_dag_id={DAG}&source_run_id={RUN}")["asset_events"]
    told = {event["name"]: event["extra"] for event in events}
    assert set(told) == {"hospital/observations", "hospital/recommendations"}
    for extra in told.values():
        assert extra["site"] == "west"
        assert extra["verdict"] in ("clean", "warned")


def test_every_line_of_a_tasks_log_names_site_night_and_stage(servers: Servers) -> None:
    airflow = Airflow(servers.airflow, servers.user, servers.password)
    of_task = f"dags/{DAG}/dagRuns/{RUN}/taskInstances/plan.publish"
    lines = airflow._call("GET", f"{of_task}/logs/1?map_index=0")["content"]
    began = next(number for number, line in enumerate(lines) if line.get("stage"))
    for line in lines[began:]:
        assert (line["site"], bool(line["night"])) == ("west", True), line
        assert line["stage"] in ("publish", "decide"), line
    assert "published" in [line["event"] for line in lines]


def test_statsd_is_told_how_the_night_went(installation: Installation, servers: Servers) -> None:
    sent = "\n".join(installation.metrics.received)
    for metric in ("night.published,site=west:1|g", "night.ended,site=west,state=published:1|c"):
        assert f"airflow.hospital.{metric}" in sent
    for stage in ("extract", "validate", "record", "forecast", "staff"):
        assert f"airflow.hospital.stage.duration,site=west,stage={stage}:" in sent
    assert "airflow.hospital.data.stale_hours,site=west:" in sent
    assert f"dag_id={DAG}" in sent


def test_a_stale_site_turns_the_run_red_and_the_other_publishes(
    servers: Servers, installation: Installation
) -> None:
    place = installation.place
    settings = read_settings(place.config)
    night = pipeline.latest_night(settings) - timedelta(days=1)
    gone = (settings.issued_at(night) - timedelta(days=2)).strftime("%Y-%m-%d %H:%M:%S")
    with sa.create_engine(place.source).begin() as source:
        for table, first in (("ed_visit", "arrived_at"), ("bed_stay", "bed_from")):
            source.execute(sa.text(f"DELETE FROM {table} WHERE site_id = 'west' AND {first} >= '{gone}'"))  # noqa: S608
    airflow = Airflow(servers.airflow, servers.user, servers.password)
    airflow.trigger(DAG, "stale_west", {"issue_date": night.isoformat(), "retrain": "never"})

    assert _ended(servers, "stale_west") == "failed"
    engine = warehouse.connect(place.warehouse)
    ends = warehouse.nights(engine, night).set_index("site_id")
    assert ends["state"].to_dict() == {"north": "published", "west": "blocked"}
    assert "allowed 24" in str(ends.loc["west", "why"])
    assert set(warehouse.recommendations(engine, night)["site_id"]) == {"north"}
    states = {task.name: task.state for task in airflow.tasks(DAG, "stale_west")}
    assert states["plan.publish [north]"] == "success"
    assert states["close_night"] == "failed"


def test_one_interrupt_ends_all_of_it(servers: Servers, installation: Installation) -> None:
    servers.process.send_signal(signal.SIGINT)
    assert servers.process.wait(timeout=180) == 0
    assert installation.processes() == []
