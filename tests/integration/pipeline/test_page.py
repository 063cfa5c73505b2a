"""The page that a night leaves, on disk and in MLflow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from integration.pipeline.two_hospitals import NIGHT, copied
from mlflow import MlflowClient

from forecasting import pipeline, warehouse
from forecasting.deployment import Deployment
from forecasting.schema import NightState

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Nights:
    """Two nights of North, walked one after the other."""

    place: Deployment
    first: pipeline.NightKey
    second: pipeline.NightKey

    def page(self, key: pipeline.NightKey) -> Path:
        return self.place.var / "pages" / str(key.night) / "north.html"


@pytest.fixture(scope="module")
def nights(hospitals: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    place = copied(hospitals, tmp_path_factory.mktemp("pages") / "var")
    first, second = (
        pipeline.walk(place, NIGHT + timedelta(days=day), ("north",), f"test__{day}", "never")
        for day in range(2)
    )
    return Nights(place, first, second)


def test_each_night_leaves_its_page_and_says_what_changed_since_the_one_before(nights: Nights) -> None:
    earlier, later = (nights.page(key).read_text() for key in (nights.first, nights.second))
    assert "Tomorrow, Thursday 11 June 2026" in earlier
    assert "There is no plan from the night before to compare with." in earlier
    assert "Tomorrow, Friday 12 June 2026" in later
    assert "of 4 posts changed. On the other days" in later
    assert "All units:</strong> The usual pattern of past weeks speaks here: no model is" in later
    assert "Arrivals an hour of Emergency, hour by hour" in later
    assert nights.second.mlflow_run_id in later
    assert pipeline.pages(nights.place, nights.second.night) == [str(nights.page(nights.second))]


def test_the_run_in_mlflow_keeps_a_copy(nights: Nights) -> None:
    client = MlflowClient(nights.place.mlflow)
    kept = client.download_artifacts(nights.second.mlflow_run_id, "page/north.html")
    assert Path(kept).read_text() == nights.page(nights.second).read_text()


def test_a_page_that_cannot_be_written_costs_nothing_else(nights: Nights) -> None:
    in_the_way = nights.place.var / "in_the_way"
    in_the_way.write_text("a file where the folder should be")
    place = nights.place.model_copy(update={"pages_url": in_the_way.as_uri()})
    with pytest.raises(OSError, match="in_the_way"):
        pipeline.write_page(place, nights.second, "north")
    pipeline.publish_site(place, nights.second, "north")
    night = warehouse.find_night(warehouse.connect(place.warehouse), "north", nights.second.night)
    assert night is not None
    assert night.state is NightState.PUBLISHED
    assert pipeline.pages(place, nights.second.night) == []


def test_pages_go_where_they_are_asked_for(nights: Nights) -> None:
    """As in a fleet, whose workers share a bucket and no disk."""
    place = nights.place.model_copy(update={"pages_url": "memory://pages"})
    address = pipeline.write_page(place, nights.second, "north")
    assert pipeline.pages(place, nights.second.night) == [address] == ["memory://pages/2026-06-11/north.html"]
