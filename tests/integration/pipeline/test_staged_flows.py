"""A night stages the flow of patients beside its hours, and does without where it can't be had."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from integration.pipeline.two_hospitals import NIGHT

from forecasting import extract, pipeline
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.models import holdout_issue_times
from forecasting.pipeline.flows import staged_flows
from forecasting.staging import Stage

pytestmark = pytest.mark.integration


@pytest.fixture
def staged(first_ingested: tuple[Deployment, pipeline.NightKey]) -> Stage:
    """What the first night of a site left for its later stages; only to be looked at."""
    return Stage(first_ingested[0].staging, NIGHT, "north")


def test_the_flow_is_staged_as_known_at_the_night_and_at_those_of_its_holdout(
    staged: Stage, settings: Settings
) -> None:
    tonight = settings.issued_at(NIGHT)
    for issued_at in [*holdout_issue_times(settings, tonight), tonight]:
        flows = staged_flows(staged, issued_at)
        assert flows.present["valid_at"].max() == issued_at
        assert flows.inflow["valid_at"].max() < issued_at
        assert set(flows.departure["unit_id"]) == {"ed", "icu"}


def test_a_source_that_can_not_tell_the_flow_still_gives_its_hours(
    place: Deployment, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise extract.SourceError("the source refused a query")

    monkeypatch.setattr(extract, "extract_flow_record", refuse)
    key = pipeline.open_night(place, NIGHT, ["north"], "test__1", {})
    pipeline.extract_site(place, key, "north")
    stage = Stage(place.staging, NIGHT, "north")
    assert stage.has("extracted_observation.parquet")
    assert staged_flows(stage, settings.issued_at(NIGHT)).present.empty


def test_a_flow_of_another_time_or_night_is_not_known(staged: Stage, settings: Settings) -> None:
    other = settings.issued_at(NIGHT) - timedelta(days=1)
    assert staged_flows(staged, other).present["valid_at"].max() < other
    never = staged_flows(replace(staged, site_id="south"), settings.issued_at(NIGHT))
    assert [len(never.inflow), len(never.departure), len(never.present)] == [0, 0, 0]
