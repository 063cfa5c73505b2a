from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecasting.evaluate import Resampling, better, in_plain_words, series_lost
from forecasting.schema import Target

pytestmark = pytest.mark.unit

CENSUS = Target.BED_CENSUS


def scored(
    tft: float, climatology: float, issue_times: int = 20, noise: float = 0.0, unit_id: str = "icu"
) -> pd.DataFrame:
    """Weekly forecasts of 24 hours of ten patients each, of those mean losses."""
    issued_at = pd.date_range("2026-01-05", periods=issue_times, freq="7D", tz="UTC").repeat(24)
    lead = pd.to_timedelta(np.tile(np.arange(24), issue_times), unit="h")
    frame = pd.DataFrame({"issued_at": issued_at, "valid_at": issued_at + lead, "outcome": 10.0})
    frame = frame.assign(target="bed_census", site_id="north", unit_id=unit_id, period="PT1H")
    shocks = np.random.default_rng(5).normal(0, noise, issue_times).repeat(24)
    losses = {"tft": tft + shocks, "climatology": np.full(len(frame), climatology)}
    return pd.concat(
        [frame.assign(model=model, pinball=5 * loss) for model, loss in losses.items()], ignore_index=True
    )


def test_a_loss_lower_by_more_than_noise_may_speak_and_the_reason_has_the_evidence() -> None:
    verdict = better(scored(0.061, 0.063), CENSUS)
    assert verdict.better
    assert verdict.why == (
        "held-out WQL of tft 0.0610 is below climatology's 0.0630 for bed_census: "
        "difference 0.0020, 90% interval 0.0020 to 0.0020, 20 issue times"
    )
    assert verdict.evidence is not None
    assert verdict.evidence.hours == 20 * 24
    assert verdict.evidence.issue_times == 20
    assert verdict.evidence.difference == pytest.approx(0.002)


@pytest.mark.parametrize("tft", [0.063, 0.064])
def test_who_is_not_lower_may_not(tft: float) -> None:
    verdict = better(scored(tft, 0.063), CENSUS)
    assert not verdict.better
    assert "is not below climatology's 0.0630 for" in verdict.why


def test_what_noise_may_have_done_does_not_promote() -> None:
    clear, lucky = scored(0.061, 0.063, noise=0.001), scored(0.0628, 0.063, noise=0.003)
    assert better(clear, CENSUS).better
    verdict = better(lucky, CENSUS)
    assert verdict.evidence is not None
    assert verdict.evidence.difference > 0
    assert verdict.evidence.low < 0 < verdict.evidence.high
    assert 0.5 < verdict.evidence.probability < 1
    assert not verdict.better
    assert "is not below climatology's 0.0630 by more than noise for bed_census" in verdict.why


def test_a_margin_asks_for_more_than_a_sure_difference() -> None:
    hours = scored(0.061, 0.063)
    assert better(hours, CENSUS, margin=0.02).better
    assert not better(hours, CENSUS, margin=0.05).better


def test_one_issue_time_can_tell_nothing_of_noise() -> None:
    verdict = better(scored(0.01, 0.063, issue_times=1), CENSUS)
    assert not verdict.better
    assert verdict.why.endswith("difference 0.0530, no interval, 1 issue time")


@pytest.mark.parametrize("tft", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_never_wins(tft: float) -> None:
    verdict = better(scored(tft, 0.063), CENSUS)
    assert not verdict.better
    assert verdict.why == "no held-out score of tft for bed_census"


def test_a_target_that_was_not_scored_changes_nothing() -> None:
    verdict = better(scored(0.061, 0.063), Target.ED_ARRIVALS)
    assert not verdict.better
    assert verdict.evidence is None
    assert verdict.why == "no held-out score of tft, climatology for ed_arrivals"


def test_the_same_seed_gives_the_same_evidence() -> None:
    hours = scored(0.0625, 0.063, noise=0.003)
    one, again = (better(hours, CENSUS, resampling=Resampling(seed=3)).evidence for _ in range(2))
    other = better(hours, CENSUS, resampling=Resampling(seed=4)).evidence
    assert one == again
    assert one != other


def test_a_series_is_climatologys_where_the_champion_loses_to_it_beyond_noise() -> None:
    hours = pd.concat(
        [
            scored(0.060, 0.063, unit_id="won"),
            scored(0.066, 0.063, noise=0.001, unit_id="lost"),
            scored(0.0632, 0.063, noise=0.003, unit_id="unclear"),
        ]
    )
    lost = series_lost(hours, CENSUS)
    assert lost["unit_id"].tolist() == ["lost"]
    (row,) = lost.to_dict("records")
    assert row["champion_pinball"] > row["climatology_pinball"]
    assert 0 < row["low"] < row["difference"] < row["high"]
    assert row["climatology_pinball"] == pytest.approx(0.315, abs=0.002)


@pytest.mark.parametrize(
    ("hours", "days", "said"),
    [
        (scored(0.064, 0.063), 28, "over the last 4 weeks it was closer than the trained model"),
        (
            scored(0.0628, 0.063, noise=0.003),
            7,
            "over the last 1 week the trained model was not surely closer",
        ),
        (scored(float("nan"), 0.063), 28, "the trained model could not be compared with it"),
        (scored(0.064, 0.063), 30, "over the last 30 days it was closer than the trained model"),
    ],
)
def test_a_nurse_manager_reads_why_without_a_figure_or_a_models_name(
    hours: pd.DataFrame, days: int, said: str
) -> None:
    verdict = better(hours, CENSUS)
    assert not verdict.better
    assert in_plain_words(verdict, days) == said


def test_a_unit_that_was_always_empty_is_judged_too() -> None:
    hours = scored(0.066, 0.063).assign(outcome=0.0)
    busy = scored(0.060, 0.063, unit_id="busy")
    assert series_lost(pd.concat([hours, busy]), CENSUS)["unit_id"].tolist() == ["icu"]


def test_no_series_is_lost_where_nothing_was_scored() -> None:
    assert series_lost(scored(0.066, 0.063), Target.ED_ARRIVALS).empty
