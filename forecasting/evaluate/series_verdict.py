"""Series by series, whether the champion may go on speaking, from how its forecasts did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from forecasting.evaluate.bootstrap import Resampling
from forecasting.evaluate.by_day import LEAST_DAYS, ratios, ratios_apart, sums_by_day
from forecasting.evaluate.drift import drift
from forecasting.schema import SeriesState

SERIES = ["site_id", "unit_id", "target"]
SUMS = ["hours", "outcome", "champion_pinball", "climatology_pinball", "bias", "pit_80", "pit_hours"]
LOSSES = ("champion_pinball", "climatology_pinball")
WATCHED = Resampling(level=0.9, draws=1000)
FALLEN = Resampling(level=0.99, draws=1000)
"""Asked of the window and of its last days: one series in a hundred on which the two are equal falls back on
a night. It costs nothing, they are equal."""

SMALLEST_LOSS = 1e-3
"""Of climatology, as a share of both."""

Key = tuple[str, str, str]


@dataclass(frozen=True)
class SeriesVerdict:
    """How one series stands."""

    state: SeriesState
    why: str = ""
    judged_from: date | None = None


def judge_series(
    paired: pd.DataFrame,
    standing: Mapping[Key, SeriesVerdict],
    night: date,
    window_days: int,
    recent_days: int,
) -> pd.DataFrame:
    """The state of each series, with its evidence.

    A series falls back where the champion lost to climatology beyond doubt, over the window or over its last
    days. It returns where the champion, scored in shadow, lost less than climatology over what came since,
    which must be :data:`~forecasting.evaluate.by_day.LEAST_DAYS` days; what came before then no longer
    counts. One whose champion loses by less than that, or more of late than before, is watched.

    Args:
        paired: sums by series and ``day`` of the outcome, over hours of which champion and climatology both
            spoke: :data:`SUMS`, where bias and pit_80 are the champion's.
        standing: the last verdicts before this night.
        night: as of which it is judged.
        window_days: how many days of outcomes count, at most.
        recent_days: how many of them are recent, to tell drift.

    Returns:
        A row a series: its key, state, why, judged_from, days, champion_pinball, climatology_pinball, skill,
        skill_low, skill_high, coverage_80, bias, loss_change, loss_change_low, loss_change_high.
    """
    if paired.empty:
        return pd.DataFrame(columns=[*SERIES, *_EVIDENCE, *_CHANGE.values(), "state", "why", "judged_from"])
    change = drift(
        paired, "champion_pinball", "climatology_pinball", SERIES, recent_days, window_days, FALLEN
    ).rename(columns=_CHANGE)
    begins = paired["day"].max() - timedelta(days=window_days)
    keys = pd.Series(list(paired[SERIES].itertuples(index=False, name=None)), index=paired.index)
    froms = {key: verdict.judged_from for key, verdict in standing.items() if verdict.judged_from}
    since = keys.map(lambda key: max(begins, froms.get(key, begins)))
    counted = paired.assign(since=since)
    starts = sorted(set(since))
    parts = [_evidence(counted[counted["since"] == start], start, recent_days) for start in starts]
    table = pd.concat(parts, ignore_index=True).merge(change[[*SERIES, *_CHANGE.values()]], on=SERIES)
    told = [
        _verdict(row, standing.get((row["site_id"], row["unit_id"], row["target"])), night, begins)
        for _, row in table.iterrows()
    ]
    return table.assign(
        state=[one.state.value for one in told],
        why=[one.why for one in told],
        judged_from=pd.Series([one.judged_from for one in told], dtype=object),
    )


_CHANGE = {"change": "loss_change", "low": "loss_change_low", "high": "loss_change_high"}
_EVIDENCE = [
    "days", "last_day", "champion_pinball", "climatology_pinball", "skill", "skill_low", "skill_high",
    "surely_below", "surely_in", "surely_champion", "surely_climatology", "coverage_80", "bias",
]  # fmt: skip


def _evidence(rows: pd.DataFrame, since: date, recent_days: int) -> pd.DataFrame:
    """What the days after ``since`` say of each of these series; a series without any has a row too."""
    index = rows[SERIES].drop_duplicates()
    later = rows[rows["day"] > since]
    found, days, sums = sums_by_day(later, SERIES, SUMS)
    if not days:
        return index.assign(**dict.fromkeys(_EVIDENCE, np.nan)).assign(days=0, last_day=since)
    gain = sums["climatology_pinball"] - sums["champion_pinball"]
    both = sums["climatology_pinball"] + sums["champion_pinball"]
    share = ratios(gain, both, WATCHED)
    low, high = share.interval()
    _, window_high = ratios(gain, both, FALLEN).interval()
    recent = np.arange(len(days)) >= len(days) - recent_days
    lately, _ = ratios_apart(gain, both, recent, FALLEN)
    _, recent_high = lately.interval()
    total = {name: column.sum(axis=0) for name, column in sums.items()}
    lately_total = {name: sums[name][recent].sum(axis=0) for name in LOSSES}
    lately_surer = recent_high < np.where(np.isnan(window_high), np.inf, window_high)
    with np.errstate(invalid="ignore", divide="ignore"):
        table = found.assign(
            days=(sums["hours"] > 0).sum(axis=0),
            last_day=days[-1],
            champion_pinball=total["champion_pinball"] / total["hours"],
            climatology_pinball=total["climatology_pinball"] / total["hours"],
            skill=_skill(share.value),
            skill_low=_skill(low),
            skill_high=_skill(high),
            surely_below=np.fmin(window_high, recent_high),
            surely_in=np.where(lately_surer, recent.sum(), len(days)),
            surely_champion=np.where(lately_surer, lately_total[LOSSES[0]], total[LOSSES[0]]),
            surely_climatology=np.where(lately_surer, lately_total[LOSSES[1]], total[LOSSES[1]]),
            coverage_80=total["pit_80"] / total["pit_hours"],
            bias=total["bias"] / total["hours"],
        )
    return index.merge(table, on=SERIES, how="left").assign(days=lambda all_: all_["days"].fillna(0))


def _skill(share: np.ndarray) -> np.ndarray:
    """1 - c / k from (k - c) / (k + c), of losses c and k; on that, one odd day weighs like another."""
    return np.asarray(2 * share / np.maximum(1 + share, SMALLEST_LOSS))


def _verdict(row: pd.Series[Any], standing: SeriesVerdict | None, night: date, begins: date) -> SeriesVerdict:
    enough = row["days"] >= LEAST_DAYS
    if standing is not None and standing.state is SeriesState.FALLBACK:
        if enough and row["skill"] > 0:
            return SeriesVerdict(SeriesState.OK, judged_from=night)
        return standing
    remembered = standing.judged_from if standing and standing.judged_from else None
    still = SeriesVerdict(
        SeriesState.OK, judged_from=remembered if remembered and remembered > begins else None
    )
    if enough and row["surely_below"] < 0:
        return SeriesVerdict(SeriesState.FALLBACK, _why_fallen(row), night)
    if enough and row["skill_high"] < 0:
        lost = f"the usual week is closer of late, by {-row['skill']:.0%} of its loss; not yet beyond doubt"
        return replace(still, state=SeriesState.WATCH, why=lost)
    if row["loss_change_low"] > 0:
        worse = f"the loss against the usual week's has grown by {row['loss_change']:.0%} of it"
        return replace(still, state=SeriesState.WATCH, why=worse)
    return still


def _why_fallen(row: pd.Series[Any]) -> str:
    more = row["surely_champion"] / max(row["surely_climatology"], SMALLEST_LOSS) - 1
    return (
        f"in the {row['surely_in']:.0f} days to {row['last_day']} the usual week was closer here than the "
        f"trained models, which lost {more:.0%} more"
    )
