"""A night stages the flow of patients beside its hours, and does without where it can't be had."""

from __future__ import annotations

from datetime import date

import pytest

from forecasting import extract, pipeline
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.models.flow import Flows
from forecasting.pipeline.ingest import FLOWS, extract_site, staged_flows
from forecasting.staging import Stage

pytestmark = pytest.mark.integration

NIGHT = date(2026, 6, 10)


def open_and_extract(place: Deployment, night: date = NIGHT) -> Stage:
    key = pipeline.open_night(place, night, ["north"], "test__1", {})
    extract_site(place, key, "north")
    return Stage(place.staging, night, "north")


def test_the_flow_is_staged_as_known_at_the_issue_time(place: Deployment, settings: Settings) -> None:
    flows = staged_flows(open_and_extract(place))
    assert flows.present["valid_at"].max() == settings.issued_at(NIGHT)
    assert flows.inflow["valid_at"].max() < settings.issued_at(NIGHT)
    assert set(flows.departure["unit_id"]) == {"ed", "icu"}


def test_a_source_that_refuses_the_flow_still_gives_its_hours(
    place: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise extract.SourceError("the source refused a query")

    monkeypatch.setattr(extract, "extract_flows", refuse)
    stage = open_and_extract(place)
    assert stage.has("extracted_observation.parquet")
    assert staged_flows(stage).present.empty


def test_a_night_without_staged_flows_has_none(place: Deployment) -> None:
    flows = staged_flows(Stage(place.staging, NIGHT, "west"))
    assert [len(flows.inflow), len(flows.departure), len(flows.present)] == [0, 0, 0]
    assert isinstance(flows, Flows)


def test_only_counts_leave_the_source() -> None:
    assert {table.name: set(table.columns.names) - {"site_id", "unit_id"} for table in FLOWS} == {
        "inflow": {"valid_at", "patients"},
        "departure": {"weekday", "local_hour", "elapsed_from", "patient_hours", "departures"},
        "present": {"valid_at", "elapsed_from", "patients"},
    }
