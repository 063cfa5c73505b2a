"""Where a night's training begins, as the registry remembers earlier ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.outcome import TrainingNotNeeded
from forecasting.pipeline.root import find_root
from forecasting.schema import Target
from forecasting.tracking import Registry, Runs

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 9, 7, tzinfo=UTC)
CENSUS = Target.BED_CENSUS


class Past:
    """A registry whose versions' files can't be read: when they were trained is all that counts."""

    def __init__(self, url: str, folder: Path) -> None:
        runs = Runs(url, (folder / "artifacts").as_uri())
        self.registry = Registry(url)
        self._run = runs.open_training(runs.open_night(NOW.date(), "test__1", {}), "census", {})
        self._saved = folder / "saved"
        self._saved.mkdir()
        (self._saved / "empty.json").write_text("{}")

    def tried(self, days_ago: int, *, promoted: bool) -> None:
        at = NOW - timedelta(days=days_ago)
        frame = pd.DataFrame({"value": [1.0]})
        version = self.registry.register(CENSUS, self._run, self._saved, "json", (frame, frame), {}, at)
        if promoted:
            self.registry.promote(CENSUS, version, at)


@pytest.fixture
def past(mlflow_url: str, tmp_path: Path) -> Past:
    return Past(mlflow_url, tmp_path)


def test_without_a_champion_every_night_begins_at_nothing(past: Past, settings: Settings) -> None:
    past.tried(1, promoted=False)
    root = find_root(past.registry, settings, CENSUS, NOW, "auto")
    assert (root.at, root.name, root.standing) == (NOW, "nothing", None)


def test_a_champion_that_can_not_be_beaten_is_challenged_every_few_nights_only(
    past: Past, settings: Settings
) -> None:
    days = settings.training.retrain_after_days
    past.tried(5 * days, promoted=True)
    assert find_root(past.registry, settings, CENSUS, NOW, "auto").at == NOW
    past.tried(1, promoted=False)
    with pytest.raises(TrainingNotNeeded, match="a training from nothing was tried 1 days ago"):
        find_root(past.registry, settings, CENSUS, NOW, "auto")
    later = NOW + timedelta(days=days - 1)
    assert find_root(past.registry, settings, CENSUS, later, "auto").at == later


def test_a_person_may_ask_for_more(past: Past, settings: Settings) -> None:
    past.tried(0, promoted=True)
    with pytest.raises(TrainingNotNeeded, match="version 1 is 0 days old"):
        find_root(past.registry, settings, CENSUS, NOW, "auto")
    with pytest.raises(TrainingNotNeeded, match="never"):
        find_root(past.registry, settings, CENSUS, NOW, "never")
    assert find_root(past.registry, settings, CENSUS, NOW, "always").name == "nothing"


def test_where_the_monitor_asked_since_the_last_try_a_training_begins_at_nothing(
    past: Past, settings: Settings
) -> None:
    past.tried(5, promoted=True)
    past.tried(1, promoted=False)
    tried_at = NOW - timedelta(days=1)
    with pytest.raises(TrainingNotNeeded, match="was tried 1 days ago"):
        find_root(past.registry, settings, CENSUS, NOW, "auto", tried_at)
    asked_at = tried_at + timedelta(hours=1)
    assert find_root(past.registry, settings, CENSUS, NOW, "auto", asked_at).at == NOW
    with pytest.raises(TrainingNotNeeded, match="never"):
        find_root(past.registry, settings, CENSUS, NOW, "never", asked_at)
