from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.models import gbm
from forecasting.models.calibration import Calibration
from forecasting.models.ensemble import Learnt, Weights
from forecasting.models.gbm import Gbm
from forecasting.models.interface import Forecaster
from forecasting.models.nightly.members import refitted
from forecasting.models.nightly.trained import TrainedEnsemble, load
from forecasting.models.quantile_table import LEAD_BUCKETS
from forecasting.schema import FORECAST, Target

pytestmark = pytest.mark.unit

Build = Callable[..., pd.DataFrame]
CENSUS = Target.BED_CENSUS


class Broken:
    """A member whose files were there, and which fails when it is asked."""

    name, version = "tft", "1"

    def predict(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        raise RuntimeError("shapes differ")


class Silent(Broken):
    """A member whose numbers were lost."""

    def predict(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        units = panel[["site_id", "unit_id"]].drop_duplicates().assign(
            issued_at=issued_at, target=CENSUS.value, period="PT1H", valid_at=issued_at, quantile=0.5,
            value=np.nan, model="tft", model_version="1", note="",
        )  # fmt: skip
        return FORECAST.conform(units)


@pytest.fixture
def panel(observations: Build, panel_of: Build) -> pd.DataFrame:
    return panel_of(observations(90), CENSUS)


@pytest.fixture
def ensemble(
    panel: pd.DataFrame, settings: Settings, issued_at: datetime, monkeypatch: pytest.MonkeyPatch
) -> TrainedEnsemble:
    """Of two members, a correction and a silenced series, as past origins might have taught."""
    monkeypatch.setattr(gbm, "MOST_ROWS", 8_000)
    members: dict[str, Forecaster] = {
        "climatology": refitted("climatology", CENSUS, settings),
        "gbm": Gbm.fit(panel, settings, issued_at - timedelta(days=14), CENSUS),
    }
    levels = settings.horizon.quantile_levels
    moves = {("north", "icu"): np.full((LEAD_BUCKETS, len(levels)), 0.3)}
    learnt = Learnt(
        Weights(tuple(members), np.tile([0.25, 0.75], (LEAD_BUCKETS, 1))), Calibration(levels, moves)
    )
    silenced = {("west", "ward"): "the usual week was closer here"}
    return TrainedEnsemble(CENSUS, members, learnt, issued_at, silenced)


def test_what_is_read_back_says_the_same_and_keeps_what_was_learnt(
    ensemble: TrainedEnsemble, panel: pd.DataFrame, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    ensemble.save(tmp_path, settings)
    said = ensemble.predict(panel, issued_at)
    for read in (load(tmp_path), load(tmp_path, settings)):
        pd.testing.assert_frame_equal(read.predict(panel, issued_at), said)
        assert read.version == ensemble.version
        assert (read.silenced, read.learnt_before) == (ensemble.silenced, issued_at)
    pd.testing.assert_frame_equal(FORECAST.conform(said), said)
    assert set(said["model"]) == {"ensemble"}
    assert set(said["note"]) == {""}
    assert not list(tmp_path.rglob("*.pkl"))


def test_values_at_or_after_the_issue_time_change_nothing(
    ensemble: TrainedEnsemble, panel: pd.DataFrame, issued_at: datetime
) -> None:
    then = issued_at - timedelta(days=10)
    later = panel.assign(value=panel["value"].mask(panel["valid_at"] >= then, 500.0))
    pd.testing.assert_frame_equal(ensemble.predict(panel, then), ensemble.predict(later, then))


@pytest.mark.parametrize(
    ("member", "why"), [(Broken(), "shapes differ"), (Silent(), "a member gave no number")]
)
def test_a_member_that_fails_leaves_its_say_to_the_others_and_the_log_says_why(
    ensemble: TrainedEnsemble,
    panel: pd.DataFrame,
    issued_at: datetime,
    capsys: pytest.CaptureFixture[str],
    member: Forecaster,
    why: str,
) -> None:
    weights = Weights(("climatology", "gbm", "tft"), np.tile([0.1, 0.3, 0.6], (LEAD_BUCKETS, 1)))
    with_it = replace(
        ensemble,
        members={**ensemble.members, "tft": member},
        learnt=replace(ensemble.learnt, weights=weights),
    )
    said = with_it.predict(panel, issued_at)
    assert set(said["note"]) == {"The trained model speaks without the neural network."}
    assert why in capsys.readouterr().out
    pd.testing.assert_series_equal(said["value"], ensemble.predict(panel, issued_at)["value"])


def test_a_member_whose_files_are_torn_is_missing(
    ensemble: TrainedEnsemble, panel: pd.DataFrame, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    ensemble.save(tmp_path, settings)
    (tmp_path / "gbm" / "middle_0.txt").unlink()
    said = load(tmp_path, settings).predict(panel, issued_at)
    assert set(said["note"]) == {"The trained model speaks without the boosted trees."}


def test_where_no_member_can_speak_it_says_whom_it_asked(
    ensemble: TrainedEnsemble, panel: pd.DataFrame, issued_at: datetime
) -> None:
    alone = replace(ensemble, members={"tft": Broken()})
    with pytest.raises(RuntimeError, match="tft failed: RuntimeError: shapes differ"):
        alone.predict(panel, issued_at)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"model\.json"):
        load(tmp_path)
