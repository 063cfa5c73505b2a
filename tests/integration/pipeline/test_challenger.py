"""Who would speak, and what it and its rivals are heard to say of the held-out nights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.models import gbm, holdout_issue_times
from forecasting.models.calibration import Calibration
from forecasting.models.ensemble import Learnt, Weights
from forecasting.models.nightly.members import no_flows
from forecasting.models.nightly.trained import TrainedEnsemble
from forecasting.models.quantile_table import LEAD_BUCKETS, hours_wide
from forecasting.outcome import TrainingFailed
from forecasting.pipeline.challenger import Challenge, challenge
from forecasting.schema import Target

pytestmark = pytest.mark.integration

Build = Callable[..., pd.DataFrame]
CENSUS = Target.BED_CENSUS
DIVERGED = TrainingFailed("bed_census: diverged in epoch 0")


@pytest.fixture
def ask(
    observations: Build,
    panel_of: Build,
    settings: Settings,
    issued_at: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Challenge]:
    """The challenge of an ensemble without a network, over some days of history."""
    monkeypatch.setattr(gbm, "MOST_ROWS", 8_000)

    def answer(days: int, standing: TrainedEnsemble | None = None) -> Challenge:
        panel = panel_of(observations(days), CENSUS)
        return challenge(panel, settings, issued_at, CENSUS, DIVERGED, standing, no_flows)

    return answer


def _of(made: Challenge, model: str) -> pd.DataFrame:
    return hours_wide(made.spoken[made.spoken["model"] == model])


def test_members_that_can_not_speak_are_told_and_the_others_are_heard_on_the_same_hours(
    ask: Callable[..., Challenge],
) -> None:
    made = ask(90)
    assert set(made.missing) == {"tft", "flow"}
    assert made.missing["tft"] == str(DIVERGED)
    assert set(made.model.members) == set(made.model.learnt.weights.members) == {"glm", "gbm"}
    assert set(made.spoken["model"]) == {"ensemble", "glm", "gbm", "climatology"}
    hours = _of(made, "ensemble").index.sort_values()
    for model in ("glm", "gbm", "climatology"):
        assert _of(made, model).index.sort_values().equals(hours)


def test_the_champion_is_heard_by_what_it_learnt_and_not_where_it_is_silent(
    ask: Callable[..., Challenge], settings: Settings, issued_at: datetime
) -> None:
    made = ask(90)
    levels = settings.horizon.quantile_levels
    learnt = Learnt(Weights(("glm", "gbm"), np.tile([0.0, 1.0], (LEAD_BUCKETS, 1))), Calibration(levels, {}))
    long_ago, between = issued_at - timedelta(days=60), holdout_issue_times(settings, issued_at)[2]
    silenced = {("north", "icu"): "the usual week was closer here"}
    for learnt_before in (long_ago, between):
        standing = replace(made.model, learnt=learnt, learnt_before=learnt_before, silenced=silenced)
        heard = ask(90, standing)
        champion, trees, usual = (_of(heard, name) for name in ("champion", "gbm", "climatology"))
        icu = champion.index.get_level_values("unit_id") == "icu"
        pd.testing.assert_frame_equal(champion[icu], usual.loc[champion.index[icu]])
        later = champion.index.get_level_values("issued_at") >= pd.Timestamp(learnt_before)
        pd.testing.assert_frame_equal(champion[~icu & later], trees.loc[champion.index[~icu & later]])
        assert later.all() or not champion[~icu & ~later].equals(trees.loc[champion.index[~icu & ~later]])


def test_where_nothing_could_be_trained_the_networks_failure_is_the_reason(
    ask: Callable[..., Challenge],
) -> None:
    with pytest.raises(TrainingFailed, match="diverged in epoch 0"):
        ask(20)
