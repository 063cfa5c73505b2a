from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from forecasting.schema import Target
from forecasting.tracking import Registry, Runs

pytestmark = pytest.mark.integration

MONDAY = datetime(2026, 3, 9, 7, tzinfo=UTC)
TARGET = Target.ED_ARRIVALS


class House:
    """A registry that a test can fill."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.runs = Runs(self.url, (folder / "artifacts").as_uri())
        self.registry = Registry(self.url)
        self.night = self.runs.open_night(date(2026, 3, 9), "scheduled__1", {})

    def register(self, content: str = "{}", rooted_at: datetime = MONDAY) -> str:
        saved = self.folder / "network"
        saved.mkdir(exist_ok=True)
        (saved / "weights.json").write_text(content)
        frame = pd.DataFrame({"value": [1.0]})
        run = self.runs.open_training(self.night, "ed_arrivals ensemble", {})
        return self.registry.register(TARGET, run, saved, "json", (frame, frame), {}, rooted_at)

    def trained(self, issued_at: datetime) -> str:
        version = self.register()
        self.registry.promote(TARGET, version, issued_at)
        return version


@pytest.fixture
def house(mlflow_url: str, tmp_path: Path) -> House:
    return House(mlflow_url, tmp_path)


def test_no_model_no_champion(house: House) -> None:
    assert house.registry.champion(TARGET, MONDAY) is None


def test_a_registered_model_speaks_only_once_it_is_promoted(house: House) -> None:
    version = house.register()
    assert house.registry.champion(TARGET, MONDAY) is None
    house.registry.promote(TARGET, version, MONDAY)
    champion = house.registry.champion(TARGET, MONDAY)
    assert champion is not None
    assert (champion.version, champion.issued_at) == (version, MONDAY)
    assert house.registry.champion(Target.BED_CENSUS, MONDAY) is None


def test_no_model_speaks_for_a_night_before_it_was_trained(house: House) -> None:
    first, second = house.trained(MONDAY), house.trained(MONDAY + timedelta(days=7))
    spoken = {}
    for days in (-1, 0, 6, 7, 8):
        champion = house.registry.champion(TARGET, MONDAY + timedelta(days))
        spoken[days] = champion.version if champion else None
    assert spoken == {-1: None, 0: first, 6: first, 7: second, 8: second}


def test_training_an_older_night_leaves_the_alias_with_the_newest(house: House) -> None:
    newest = house.trained(MONDAY)
    house.trained(MONDAY - timedelta(days=30))
    alias = MlflowClient(house.url).get_model_version_by_alias("hospital_ed_arrivals", "champion")
    assert str(alias.version) == newest


def test_a_training_from_nothing_is_remembered_whether_it_was_promoted_or_not(house: House) -> None:
    assert house.registry.last_root(TARGET, MONDAY) is None
    house.registry.promote(TARGET, house.register(), MONDAY)
    house.register(rooted_at=MONDAY + timedelta(days=7))
    found = {days: house.registry.last_root(TARGET, MONDAY + timedelta(days)) for days in (-1, 0, 6, 7, 30)}
    last = MONDAY + timedelta(days=7)
    assert found == {-1: None, 0: MONDAY, 6: MONDAY, 7: last, 30: last}


def test_an_analyst_may_move_the_alias(house: House) -> None:
    first = house.trained(MONDAY)
    house.trained(MONDAY + timedelta(days=7))
    MlflowClient(house.url).set_registered_model_alias("hospital_ed_arrivals", "champion", first)
    champion = house.registry.champion(TARGET, MONDAY + timedelta(days=8))
    assert champion is not None
    assert champion.version == first


def test_the_champions_files_come_back_with_a_signature(house: House, tmp_path: Path) -> None:
    house.registry.promote(TARGET, house.register('{"hidden": 16}'), MONDAY)
    champion = house.registry.champion(TARGET, MONDAY)
    assert champion is not None
    folder = house.registry.download(champion, tmp_path / "down")
    assert (folder / "weights.json").read_text() == '{"hidden": 16}'
    signature = mlflow.models.get_model_info("models:/hospital_ed_arrivals@champion").signature
    assert signature is not None
    assert signature.inputs.input_names() == ["value"]
