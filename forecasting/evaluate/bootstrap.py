"""Block bootstrap: how sure a loss is, or the difference between two models', seen over few issue times."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm, t

LEAST_BLOCKS = 3
SERIES_AT_ONCE = 500


@dataclass(frozen=True)
class Resampling:
    """How a bootstrap is drawn."""

    level: float = 0.9
    """Share of an interval; a twentieth lies beyond each end of the usual one."""
    draws: int = 4000
    seed: int = 0


@dataclass(frozen=True)
class Comparison:
    """Two models' losses on the same hours, and how sure their difference is."""

    challenger_wql: float
    champion_wql: float
    difference: float
    """Champion's - challenger's: positive where the challenger is better."""
    low: float
    high: float
    """Interval of the difference; NaN where there are too few issue times to tell."""
    probability: float
    """Share of draws in which the challenger is better."""
    hours: int
    issue_times: int
    draws: int


def compare(
    hours: pd.DataFrame, challenger: str, champion: str, resampling: Resampling | None = None
) -> Comparison:
    """The difference in WQL of two models, with its interval.

    Whole issue times are drawn, all series and hours of one together and both models alike, in runs of
    consecutive ones of random length, since forecasts overlap and errors last: the stationary bootstrap of
    Politis and Romano (1994), Journal of the American Statistical Association 89. Few blocks make a
    bootstrap's interval too narrow. It is widened as Hesterberg (2015), What teachers should know about the
    bootstrap, The American Statistician 69(4), does (sqrt(n / (n - 1)) and Student's t over the normal), n
    being how many blocks fit into the span; and by what the blocks' ends cut off of the dependence of
    forecasts that share hours, see :func:`kept_variance`.

    Args:
        hours: what :func:`forecasting.evaluate.scored.scored_hours` returns, of one target and period.
        challenger: name of one model.
        champion: name of the other.
        resampling: level, draws and seed.
    """
    how = resampling or Resampling()
    both = hours[hours["model"].isin([challenger, champion])]
    losses = both.pivot_table(index="issued_at", columns="model", values="pinball", aggfunc="sum")
    losses = losses.reindex(columns=[challenger, champion])
    mine = both[both["model"] == challenger]
    outcome = mine.groupby("issued_at")["outcome"].sum().reindex(losses.index).to_numpy(dtype=float)
    pinball = losses.to_numpy(dtype=float)
    weights, width = _resample(mine, how)
    total = outcome.sum()
    wql = 2 * pinball.sum(axis=0) / total if total > 0 else np.full(2, np.nan)
    difference = float(wql[1] - wql[0])
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = 2 * (weights @ (pinball[:, 1] - pinball[:, 0])) / (weights @ outcome)
    spread = difference + width * (drawn - difference)
    low, high = _interval(spread[:, None], how.level)
    known = spread[np.isfinite(spread)]
    return Comparison(
        challenger_wql=float(wql[0]),
        champion_wql=float(wql[1]),
        difference=difference,
        low=float(low[0]),
        high=float(high[0]),
        probability=float((known > 0).mean()) if len(known) else float("nan"),
        hours=len(mine),
        issue_times=len(losses),
        draws=how.draws,
    )


def compare_series(
    hours: pd.DataFrame, challenger: str, champion: str, resampling: Resampling | None = None
) -> pd.DataFrame:
    """The difference in mean pinball loss of two models on each series, with its interval.

    As :func:`compare`, each series for itself; the loss is not divided by outcomes, so that a series
    without patients has one too. Series share their draws.

    Returns:
        site_id, unit_id, hours, challenger_pinball, champion_pinball, difference (champion's - challenger's,
        patients), low, high.
    """
    how = resampling or Resampling()
    series = ["site_id", "unit_id"]
    both = hours[hours["model"].isin([challenger, champion])]
    by_issue = both.pivot_table(
        index=["model", *series], columns="issued_at", values="pinball", aggfunc=["sum", "size"]
    )
    mine, theirs = (by_issue["sum"].loc[name].to_numpy() for name in (challenger, champion))
    counts = by_issue["size"].loc[challenger]
    size = counts.fillna(0).to_numpy()
    gain = np.nan_to_num(theirs - mine)
    weights, width = _resample(both[both["model"] == challenger], how)
    difference = gain.sum(axis=1) / size.sum(axis=1)
    low, high = np.full((2, len(gain)), np.nan)
    for first in range(0, len(gain), SERIES_AT_ONCE):
        some = slice(first, first + SERIES_AT_ONCE)
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = (weights @ gain[some].T) / (weights @ size[some].T)
        spread = difference[some] + width * (drawn - difference[some])
        low[some], high[some] = _interval(spread, how.level)
    table: pd.DataFrame = counts.index.to_frame(index=False)
    return table.assign(
        hours=size.sum(axis=1).astype(np.int64),
        challenger_pinball=np.nansum(mine, axis=1) / size.sum(axis=1),
        champion_pinball=np.nansum(theirs, axis=1) / size.sum(axis=1),
        difference=difference,
        low=low,
        high=high,
    )


def wql_intervals(
    hours: pd.DataFrame, by: Sequence[str] = (), resampling: Resampling | None = None
) -> pd.DataFrame:
    """The WQL of each model in each group of scored hours, with its interval, drawn as :func:`compare` does.

    Intervals of two models overlap long before their difference is in doubt: both lose on the same hours.
    To tell which is better, compare them.

    Args:
        hours: what :func:`forecasting.evaluate.scored.scored_hours` returns.
        by: columns to tell groups by, beside the model, as in :func:`forecasting.evaluate.scores.score_by`.
        resampling: level, draws and seed.

    Returns:
        model, the columns of ``by``, wql, low and high; NaN where it can't be told.
    """
    how = resampling or Resampling()
    keys = ["model", *by]
    sums = hours.groupby([*keys, "issued_at"])[["pinball", "outcome"]].sum().reset_index()
    by_issue = sums.pivot_table(index=keys, columns="issued_at", values=["pinball", "outcome"])
    if by_issue.empty:
        return pd.DataFrame(columns=[*keys, "wql", "low", "high"])
    lost, came = (by_issue[name].fillna(0).to_numpy() for name in ("pinball", "outcome"))
    weights, width = _resample(hours, how)
    table: pd.DataFrame = by_issue.index.to_frame(index=False)
    with np.errstate(invalid="ignore", divide="ignore"):
        wql = 2 * lost.sum(axis=1) / came.sum(axis=1)
        drawn = 2 * (weights @ lost.T) / (weights @ came.T)
        low, high = _interval(wql + width * (drawn - wql), how.level)
    return table.assign(wql=wql, low=np.maximum(low, 0.0), high=high)


def skill_intervals(
    sums: pd.DataFrame, by: Sequence[str], reference: str, resampling: Resampling | None = None
) -> pd.DataFrame:
    """How sure each model's skill against the reference is in each group, drawn as :func:`compare` does.

    Args:
        sums: what :func:`forecasting.evaluate.scores.add_up` returns, by issued_at and at least ``by``; each
            model's of the same hours.
        by: columns to tell groups by, beside the model.
        reference: the model that skill is measured against.
        resampling: level, draws and seed.

    Returns:
        model, the columns of ``by``, skill_low, skill_high, and probability (share of draws in which the
        model is better); NaN where it can't be told, as of the reference itself.
    """
    how = resampling or Resampling()
    index = ["model", *by]
    by_issue = sums.pivot_table(
        index=index, columns="issued_at", values=["pinball", "outcome"], aggfunc="sum"
    )
    if by_issue.empty:
        return pd.DataFrame(columns=[*index, "skill_low", "skill_high", "probability"])
    table: pd.DataFrame = by_issue.index.to_frame(index=False)
    group = table[list(by)].apply(tuple, axis=1) if by else pd.Series([()] * len(table))
    theirs = {key: place for place, key in group[table["model"] == reference].items()}
    of_reference = np.array([theirs[key] for key in group])
    lost, came = (by_issue[name].fillna(0).to_numpy() for name in ("pinball", "outcome"))
    gain = lost[of_reference] - lost
    weights, width = _resample(sums, how)
    low, high, probability = np.full((3, len(table)), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = lost[of_reference].sum(axis=1) / came.sum(axis=1)
        skill = gain.sum(axis=1) / came.sum(axis=1) / scale
        for first in range(0, len(gain), SERIES_AT_ONCE):
            some = slice(first, first + SERIES_AT_ONCE)
            drawn = (weights @ gain[some].T) / (weights @ came[some].T) / scale[some]
            spread = skill[some] + width * (drawn - skill[some])
            low[some], high[some] = _interval(spread, how.level)
            known = np.isfinite(spread)
            probability[some] = (spread > 0).sum(axis=0) / np.where(
                known.any(axis=0), known.sum(axis=0), np.nan
            )
    itself = (table["model"] == reference).to_numpy()
    ends = {"skill_low": low, "skill_high": high, "probability": probability}
    return table.assign(**{name: np.where(itself, np.nan, values) for name, values in ends.items()})


@dataclass(frozen=True)
class Estimate:
    """A figure made of sums over consecutive blocks, with its interval; NaN where it can't be told."""

    value: float
    low: float
    high: float


def estimate_of(
    by_block: np.ndarray, figure: Callable[[np.ndarray], float], resampling: Resampling | None = None
) -> Estimate:
    """A figure of sums over blocks of time that follow one another, such as weeks, with its interval.

    Blocks are drawn in runs, and the interval is widened for few of them, as :func:`compare` does.

    Args:
        by_block: what is summed (blocks, columns).
        figure: of the columns' sums (columns,).
        resampling: level, draws and seed.
    """
    how = resampling or Resampling()
    value = float(figure(by_block.sum(axis=0)))
    if len(by_block) < 2:
        return Estimate(value, math.nan, math.nan)
    weights, width = drawn_weights(len(by_block), 1.0, how)
    spread = value + width * (np.array([figure(total) for total in weights @ by_block]) - value)
    low, high = _interval(spread[:, None], how.level)
    return Estimate(value, float(low[0]), float(high[0]))


def stationary_weights(issue_times: int, block_length: float, draws: int, seed: int) -> np.ndarray:
    """How often each issue time is in each draw of the stationary bootstrap (draws, issue_times).

    Blocks have a geometric length of that mean, and go on at the beginning when they reach the end.
    """
    random = np.random.default_rng(seed)
    place = np.arange(issue_times)
    begins = random.random((draws, issue_times)) < 1.0 / block_length
    begins[:, 0] = True
    start = random.integers(0, issue_times, (draws, issue_times))
    begun = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    drawn = (np.take_along_axis(start, begun, axis=1) + place - begun) % issue_times
    flat = (drawn + issue_times * np.arange(draws)[:, None]).ravel()
    counts = np.bincount(flat, minlength=draws * issue_times)
    return np.asarray(counts.reshape(draws, issue_times), dtype=float)


def overlap(issued_at: Sequence[pd.Timestamp], reach: pd.Timedelta) -> float:
    """How many issue times a forecast of that length spans, at least 1."""
    if len(issued_at) < 2:
        return 1.0
    between = pd.Series(sorted(issued_at)).diff().median()
    return max(1.0, float(reach / between))


def kept_variance(issue_times: int, spans: float, block_length: float) -> float:
    """Share of a mean's variance that draws show, where errors of overlapping forecasts are of shared hours.

    Errors then correlate as their hours overlap, 1 - lag / spans; the stationary bootstrap sees them with
    the weights (1 - lag / n) (1 - p) ** lag + lag / n (1 - p) ** (n - lag), p = 1 / block length (Politis
    and Romano, 1994, lemma 1).
    """
    lag = np.arange(1, issue_times)
    shared = np.maximum(1.0 - lag / spans, 0.0)
    near, far = 1.0 - lag / issue_times, lag / issue_times
    goes_on = 1.0 - 1.0 / block_length
    seen = near * goes_on**lag + far * goes_on ** (issue_times - lag)
    return float((1.0 + 2.0 * (seen * shared).sum()) / (1.0 + 2.0 * (near * shared).sum()))


def _resample(hours: pd.DataFrame, how: Resampling) -> tuple[np.ndarray, float]:
    """The draws' weights of the issue times, in their order, and by how much to widen what comes of them."""
    times = np.sort(hours["issued_at"].unique())
    count = len(times)
    if count < 2:
        return np.ones((1, count)), math.nan
    reach = (hours["valid_at"] - hours["issued_at"]).max() + pd.Timedelta(hours=1)
    return drawn_weights(count, overlap(list(times), reach), how)


def drawn_weights(count: int, spans: float, how: Resampling) -> tuple[np.ndarray, float]:
    """As :func:`_resample`, of so many times whose forecasts each span so many of them."""
    wanted = max(spans, count ** (1 / 3))
    length = max(1.0, min(wanted, count / LEAST_BLOCKS))
    blocks = 1.0 + (count - 1) / wanted
    tail = (1.0 + how.level) / 2
    few = math.sqrt(blocks / (blocks - 1.0)) * float(t.ppf(tail, blocks - 1.0) / norm.ppf(tail))
    cut = 1.0 / math.sqrt(kept_variance(count, spans, length))
    return stationary_weights(count, length, how.draws, how.seed), few * cut


def _interval(drawn: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends (series,) of the middle share of the draws (draws, series), those that are no number aside."""
    known = np.isfinite(drawn)
    if known.all():
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return low, high
    ends = np.full((2, drawn.shape[1]), np.nan)
    for column in np.flatnonzero(known.any(axis=0)):
        ends[:, column] = np.quantile(drawn[known[:, column], column], [(1 - level) / 2, (1 + level) / 2])
    return ends[0], ends[1]
