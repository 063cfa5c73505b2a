"""Which model may speak for a target, and for which of its series."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from forecasting.evaluate.bootstrap import Comparison, Resampling, compare, compare_series
from forecasting.schema import Target
from forecasting.wording import counted

DAYS_PER_WEEK = 7


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger may speak, and why in a sentence."""

    better: bool
    why: str
    challenger: str
    champion: str
    evidence: Comparison | None = None
    """Missing where a model was not scored."""


def better(
    hours: pd.DataFrame,
    target: Target,
    challenger: str = "tft",
    champion: str = "climatology",
    margin: float = 0.0,
    resampling: Resampling | None = None,
) -> Verdict:
    """Whether the challenger's held-out loss over all series of the target is lower by more than noise.

    It is where the lower end of the paired interval of the difference in WQL is above ``margin`` of the
    champion's WQL: by the usual level, one challenger in twenty that is only as good gets through. The luck
    of a training's seed needs no margin of its own: the network that is compared is the one that would
    speak, its luck with it. What the few issue times can't tell stays with the champion.

    Args:
        hours: what :func:`forecasting.evaluate.scored.scored_hours` returns, of one period.
        target: the target they forecast.
        challenger: name of the model that would speak.
        champion: name of the model it must beat.
        margin: share of the champion's loss by which it must be beaten beyond doubt.
        resampling: level, draws and seed of the interval.
    """
    of_target = hours[hours["target"] == target.value]
    unscored = [name for name in (challenger, champion) if not _scored(of_target, name)]
    if unscored:
        why = f"no held-out score of {', '.join(unscored)} for {target.value}"
        return Verdict(False, why, challenger, champion)
    how = resampling or Resampling()
    found = compare(of_target, challenger, champion, how)
    lower = found.low > margin * found.champion_wql
    return Verdict(
        lower, _sentence(found, lower, target, challenger, champion, how), challenger, champion, found
    )


def series_lost(
    hours: pd.DataFrame,
    target: Target,
    champion: str = "tft",
    climatology: str = "climatology",
    resampling: Resampling | None = None,
) -> pd.DataFrame:
    """The series on which the champion loses to climatology beyond noise, and which climatology should have.

    Each series is judged for itself, so of many on which the two are equal one in twenty is among them; it
    costs little, for there they are equal.

    Args:
        hours: what :func:`forecasting.evaluate.scored.scored_hours` returns, of one period.
        target: the target they forecast.
        champion: name of the model that speaks.
        climatology: name of the model that may speak instead.
        resampling: level, draws and seed of the intervals.

    Returns:
        site_id, unit_id, hours, champion_pinball, climatology_pinball, difference (champion's -
        climatology's, patients), low, high; no rows where one of them was not scored.
    """
    of_target = hours[hours["target"] == target.value]
    if not (_scored(of_target, champion) and _scored(of_target, climatology)):
        told = ["champion_pinball", "climatology_pinball", "difference", "low", "high"]
        return pd.DataFrame(columns=["site_id", "unit_id", "hours", *told])
    found = compare_series(of_target, climatology, champion, resampling)
    lost = found[found["low"] > 0].rename(columns={"challenger_pinball": "climatology_pinball"})
    return lost.reset_index(drop=True)


def in_plain_words(verdict: Verdict, days: int) -> str:
    """Why climatology goes on speaking, in a clause about it that a nurse manager may read.

    Args:
        verdict: of a challenger that was not better.
        days: of the past on which the two were compared.
    """
    if verdict.evidence is None:
        return "the trained model could not be compared with it"
    if verdict.evidence.difference > 0:
        return f"over {_last(days)} the trained model was not surely closer"
    return f"over {_last(days)} it was closer than the trained model"


def lost_in_plain_words(days: int) -> str:
    """Why climatology speaks for a series that :func:`series_lost` names, likewise."""
    return f"over {_last(days)} it was closer here than the trained model"


def _last(days: int) -> str:
    weeks, rest = divmod(days, DAYS_PER_WEEK)
    return f"the last {counted(days, 'day') if rest else counted(weeks, 'week')}"


def _scored(hours: pd.DataFrame, model: str) -> bool:
    of_model = hours[hours["model"] == model]
    total = of_model["pinball"].sum()
    return bool(of_model["outcome"].sum() > 0 and math.isfinite(total) and of_model["pinball"].notna().all())


def _sentence(
    found: Comparison, lower: bool, target: Target, challenger: str, champion: str, how: Resampling
) -> str:
    if lower:
        relation, beyond = "below", ""
    elif found.difference > 0:
        relation, beyond = "not below", " by more than noise"
    else:
        relation, beyond = "not below", ""
    sure = (
        f"{how.level:.0%} interval {found.low:.4f} to {found.high:.4f}"
        if math.isfinite(found.low)
        else "no interval"
    )
    times = f"{found.issue_times} issue time{'s' if found.issue_times != 1 else ''}"
    return (
        f"held-out WQL of {challenger} {found.challenger_wql:.4f} is {relation} "
        f"{champion}'s {found.champion_wql:.4f}{beyond} for {target.value}: "
        f"difference {found.difference:.4f}, {sure}, {times}"
    )
