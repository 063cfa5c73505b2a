"""A nurse manager decides on tomorrow's staffing on Airflow's pages; the audit and the signed plan say so."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pandas as pd
import pytest
import sqlalchemy as sa
from e2e.installation import NURSE_MANAGER, Installation, Servers
from playwright.sync_api import Browser, Locator, Page, expect

from forecasting import pipeline, warehouse
from forecasting.config import Site, read_settings
from forecasting.standalone import DAG_ID, Airflow

pytestmark = pytest.mark.e2e

RUN = "to_be_signed"
HERS = "to_be_signed_by_her"
SITES = ("north", "west")
POSTS = 4
SECONDS_TO_ANSWER = 45


@pytest.fixture(scope="module")
def airflow(servers: Servers) -> Airflow:
    return Airflow(servers.airflow, servers.user, servers.password)


@pytest.fixture(scope="module")
def configure(installation: Installation) -> Iterator[Callable[..., None]]:
    """Give a site an approval; afterwards nobody is asked, as before."""
    standing = installation.config.read_text()

    def write(site_id: str, approval: str) -> None:
        site = f'site_id = "{site_id}"\n'
        written = re.sub(
            rf"{site}(approval = .*\n)?",
            f"{site}approval = {{ {approval} }}\n",
            installation.config.read_text(),
        )
        installation.config.write_text(written)

    yield write
    installation.config.write_text(standing)


@pytest.fixture(scope="module")
def asked(
    installation: Installation, airflow: Airflow, configure: Callable[..., None], page: Page, servers: Servers
) -> None:
    """The latest night, run again with a roster of one head a post: both sites are asked about it."""
    _wait(lambda: not _active_runs(airflow))
    for site_id in SITES:
        configure(site_id, 'ask = "always"')
    with sa.create_engine(installation.place.source).begin() as source:
        source.execute(sa.text("UPDATE scheduled_shift SET heads = 1"))
    _forget_decisions(installation, *SITES)
    airflow.trigger(DAG_ID, RUN, {"retrain": "never"})
    for site_id in SITES:
        _wait_for(airflow, "ask", site_id, "awaiting_input")
    servers.sign_in(page)


def test_the_night_is_closed_before_anybody_answers(asked: None, airflow: Airflow) -> None:
    _wait(lambda: {task.name: task.state for task in airflow.tasks(DAG_ID, RUN)}["close_night"] == "success")
    assert airflow.state(DAG_ID, RUN) == "running"


def test_an_approval_signs_what_is_recommended(
    asked: None, installation: Installation, airflow: Airflow, page: Page, servers: Servers
) -> None:
    _open(page, servers, "north")
    expect(page.get_by_text("posts stay as rostered")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    _wait_for(airflow, "decide", "north", "success")

    audit = _audit(installation, "north")
    assert audit["state"].tolist() == ["approved"] * POSTS
    assert (audit["heads"] == audit["recommended"]).all()
    assert set(audit["decided_by"]) == {servers.user}
    assert _signed(installation, "north") == {
        (row["unit_id"], row["shift"]): ("approved", row["recommended"]) for row in audit.to_dict("records")
    }


def test_changed_numbers_are_signed_as_changed(
    asked: None, installation: Installation, airflow: Airflow, page: Page, servers: Servers
) -> None:
    _open(page, servers, "west")
    _field(page, "ward/registered_nurse/day").fill("7")
    page.locator("[name=element_comment]").fill("two are in training")
    page.get_by_role("button", name="Approve").click()
    _wait_for(airflow, "decide", "west", "success")

    audit = _audit(installation, "west").set_index(["unit_id", "shift"])
    assert len(audit) == POSTS
    assert audit.loc[("ward", "day"), "state"] == "changed"
    assert audit.loc[("ward", "day"), "heads"] == 7
    assert audit["state"].value_counts().to_dict() == {"approved": POSTS - 1, "changed": 1}
    assert set(audit["comment"]) == {"two are in training"}
    assert _signed(installation, "west")["ward", "day"] == ("changed", 7)


def test_a_rejection_leaves_nothing_signed(
    asked: None, installation: Installation, airflow: Airflow, page: Page, servers: Servers
) -> None:
    _ask_again(installation, airflow, "north")
    _open(page, servers, "north")
    page.get_by_role("button", name="Reject").click()
    _wait_for(airflow, "decide", "north", "success")

    audit = _audit(installation, "north")
    assert audit["state"].tolist() == ["rejected"] * POSTS
    assert set(audit["decided_by"]) == {servers.user}
    assert _signed(installation, "north") == {}


def test_when_nobody_answers_the_configuration_decides(
    asked: None,
    installation: Installation,
    airflow: Airflow,
    configure: Callable[..., None],
    page: Page,
    servers: Servers,
) -> None:
    until = datetime.now(_site(installation, "west").zone) + timedelta(seconds=SECONDS_TO_ANSWER)
    configure("west", f'ask = "always", until = {until:%H:%M:%S}, on_timeout = "approve"')
    _ask_again(installation, airflow, "west")
    _open(page, servers, "west")
    _wait_for(airflow, "decide", "west", "success")

    page.reload()
    expect(page.get_by_text("Response received at")).to_be_visible(timeout=30_000)
    audit = _audit(installation, "west")
    assert audit["state"].tolist() == ["approved"] * POSTS
    assert set(audit["decided_by"]) == {"timeout"}
    assert len(_signed(installation, "west")) == POSTS


def test_where_approvers_are_named_nobody_else_can_answer_not_even_an_admin(
    asked: None,
    installation: Installation,
    airflow: Airflow,
    configure: Callable[..., None],
    browser: Browser,
    page: Page,
    servers: Servers,
) -> None:
    configure("north", f'ask = "always", approvers = ["{NURSE_MANAGER}"]')
    _wait(lambda: airflow.state(DAG_ID, RUN) == "success")
    _forget_decisions(installation, "north")
    airflow.trigger(DAG_ID, HERS, {"retrain": "never", "sites": "north"})
    _wait_for(airflow, "ask", "north", "awaiting_input", HERS)
    _open(page, servers, "north", HERS)
    with page.expect_response(lambda answer: answer.request.method == "PATCH") as refused:
        page.get_by_role("button", name="Approve").click()
    assert refused.value.status == httpx.codes.FORBIDDEN
    expect(page.get_by_text("You do not have permission to perform this action")).to_be_visible()
    assert _state(airflow, "ask", "north", HERS) == "awaiting_input"
    assert _audit(installation, "north").empty

    hers = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    replace(servers, user=NURSE_MANAGER, password=installation.password(NURSE_MANAGER)).sign_in(hers)
    _open(hers, servers, "north", HERS)
    hers.get_by_role("button", name="Approve").click()
    _wait_for(airflow, "decide", "north", "success", HERS)
    hers.close()
    assert set(_audit(installation, "north")["decided_by"]) == {NURSE_MANAGER}
    assert len(_signed(installation, "north")) == POSTS


def test_a_night_that_is_decided_is_not_asked_about_again(
    asked: None, installation: Installation, airflow: Airflow
) -> None:
    """Run again for one site, whose plan stays as it was."""
    before = _audit(installation, "north")
    airflow.trigger(DAG_ID, "once_more", {"retrain": "never", "sites": "north"})
    _wait(lambda: airflow.state(DAG_ID, "once_more") in ("success", "failed"))
    assert airflow.state(DAG_ID, "once_more") == "success"
    assert _state(airflow, "ask", "north", run_id="once_more") == "skipped"
    pd.testing.assert_frame_equal(_audit(installation, "north"), before)


def _open(page: Page, servers: Servers, site_id: str, run_id: str = RUN) -> None:
    index = SITES.index(site_id)
    page.goto(f"{servers.airflow}/dags/{DAG_ID}/runs/{run_id}/tasks/plan.ask/mapped/{index}/required_actions")
    expect(page.get_by_role("button", name="Approve")).to_be_enabled(timeout=60_000)


def _field(page: Page, name: str) -> Locator:
    return page.locator(f"input[name='element_{name}']")


def _ask_again(installation: Installation, airflow: Airflow, site_id: str) -> None:
    # The scheduler ends a run once more that is cleared while it ends.
    _wait(lambda: airflow.state(DAG_ID, RUN) == "success")
    _forget_decisions(installation, site_id)
    asked = ["plan.ask", SITES.index(site_id)]
    cleared = {"dry_run": False, "dag_run_id": RUN, "task_ids": [asked], "only_failed": False}
    airflow._call("POST", f"dags/{DAG_ID}/clearTaskInstances", {**cleared, "include_downstream": True})
    _wait_for(airflow, "ask", site_id, "awaiting_input")


def _forget_decisions(installation: Installation, *site_ids: str) -> None:
    with warehouse.connect(installation.place.warehouse).begin() as connection:
        for site_id in site_ids:
            connection.execute(
                sa.text("DELETE FROM staffing_decision WHERE site_id = :site"), {"site": site_id}
            )


def _wait_for(airflow: Airflow, task: str, site_id: str, state: str, run_id: str = RUN) -> None:
    _wait(lambda: _state(airflow, task, site_id, run_id) == state)


def _state(airflow: Airflow, task: str, site_id: str, run_id: str = RUN) -> str | None:
    states = {task.name: task.state for task in airflow.tasks(DAG_ID, run_id)}
    return states.get(f"plan.{task} [{site_id}]")


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        # A machine that is busy may take longer to answer than one waits for an answer.
        with suppress(httpx.TransportError):
            if until():
                return
        time.sleep(1)
    raise TimeoutError("what was waited for did not come")


def _active_runs(airflow: Airflow) -> int:
    """Nights run one after the other: one of the schedule would be in the way."""
    active = airflow._call("GET", f"dags/{DAG_ID}/dagRuns?state=queued&state=running")
    return int(active["total_entries"])


def _audit(installation: Installation, site_id: str) -> pd.DataFrame:
    night = pipeline.latest_night(read_settings(installation.place.config))
    return warehouse.decisions(warehouse.connect(installation.place.warehouse), night, [site_id])


def _signed(installation: Installation, site_id: str) -> dict[tuple[str, str], tuple[str, int]]:
    """What the hospital reads of a site: state and heads of each shift."""
    query = sa.text("SELECT unit_id, shift, state, heads FROM approved_staffing_plan WHERE site_id = :site")
    with warehouse.connect(installation.place.warehouse).connect() as connection:
        rows = connection.execute(query, {"site": site_id}).all()
    return {(unit_id, shift): (state, heads) for unit_id, shift, state, heads in rows}


def _site(installation: Installation, site_id: str) -> Site:
    return read_settings(installation.place.config).site(site_id)
