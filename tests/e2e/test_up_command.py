"""`forecasting up`, which is `make up`: a person triggers a night from the form and looks at it in MLflow."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import httpx
import pytest
from e2e.installation import Installation, Servers
from playwright.sync_api import Page, expect, sync_playwright

pytestmark = pytest.mark.e2e

DAG = "hospital_nightly"


@pytest.fixture(scope="module")
def page(chromium: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic"],
        )
        yield browser.new_page(viewport={"width": 1400, "height": 1000})
        browser.close()


def _run_state(servers: Servers, run_id: str) -> str:
    login = {"username": servers.user, "password": servers.password}
    token = httpx.post(f"{servers.airflow}/auth/token", json=login).json()["access_token"]
    runs = f"{servers.airflow}/api/v2/dags/{DAG}/dagRuns/{run_id}"
    answer = httpx.get(runs, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    return str(answer.json().get("state", "absent"))


def test_a_night_triggered_from_the_form_with_changed_params_goes_green(page: Page, servers: Servers) -> None:
    page.goto(servers.airflow)
    page.locator("input").first.fill(servers.user)
    page.locator("input[type=password]").fill(servers.password)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{servers.airflow}/dags/{DAG}")
    page.get_by_role("button", name="Trigger").first.click()
    form = page.get_by_role("dialog")
    form.locator("#element_sites").fill("west")
    form.get_by_role("combobox").first.click()
    page.get_by_role("option", name="always").click()
    form.get_by_text("Advanced Options").click()
    form.locator("input[name=dagRunId]").fill("from_the_form")
    form.get_by_role("button", name="Trigger").click()
    expect(form).not_to_be_visible()

    deadline = time.monotonic() + 600
    while (state := _run_state(servers, "from_the_form")) not in ("success", "failed"):
        assert time.monotonic() < deadline, state
        time.sleep(2)
    assert state == "success"
    page.goto(f"{servers.airflow}/dags/{DAG}/runs/from_the_form")
    expect(page.get_by_text("success", exact=False).first).to_be_visible()


def test_the_mlflow_pages_show_the_night_and_its_trainings(page: Page, servers: Servers) -> None:
    page.goto(servers.mlflow)
    nights_with_children = page.locator(".ag-cell-value", has_text="night").get_by_role("button")
    expect(nights_with_children).to_have_count(2, timeout=60_000)
    for number in range(2):
        nights_with_children.nth(number).click()
    for target in ("bed_census", "ed_arrivals"):
        expect(page.get_by_role("link", name=f"{target} tft")).to_have_count(2, timeout=30_000)


def test_one_interrupt_ends_all_of_it(servers: Servers, installation: Installation) -> None:
    servers.process.send_signal(signal.SIGINT)
    assert servers.process.wait(timeout=60) == 0
    assert installation.processes() == []
