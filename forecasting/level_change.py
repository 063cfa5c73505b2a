"""Whether a level has just changed for good, told from days that only passed.

Followers of a level need weeks to leave what held for years. So each stretch of days up to the present is
asked whether what came in it is better explained by another level from its first day on, and the answers are
weighed with those that leave the level where it was: nothing happened, or a spell of days that passed or may
pass yet. The numbers are round; made-up series that change by 20 and 40 % (seeds 101 and 102) and Iowa's two
earlier spans, where a lower :data:`CHANCE` lost less, were looked at.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d
from scipy.signal import lfilter
from scipy.special import log_ndtr, logsumexp

LASTING_DAYS = np.array([4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 21, 24, 28, 32, 36, 42])
"""Observed days that a level may already have held; a longer while is left to the followers."""
BRIEF_DAYS = np.array([1, 2, 3])
"""Storms and feasts, which may still last."""
SPELL_DAYS = np.array([5, 7, 10])
DAYS_SINCE_SPELL = 3
"""Days back at the usual level before a longer while is taken for a spell that is over."""
REMEMBERED_DAYS = 42
CHANCE = 1e-4
"""Of a change or a spell of each length, beside nothing at all."""
USUAL_CHANGE = 0.4
"""Standard deviation of the logarithm of a change."""
SMALLEST_CHANGE = 0.2
"""Of the logarithm: the followers do well enough by smaller ones, which often pass as a wave does."""
HALF_LIFE = 365
BELIEF_DAYS = 30.0
"""Days that speak for counts that spread as a Poisson law does."""
FEWEST_DAYS = 28
"""Observed before a change can be told from what was usual."""
PRIOR_PATIENTS = 1.0
LEVEL_DAYS = 28
"""Whose level another one is told beside."""
FEWEST_PATIENTS = 0.1
LEVEL_MOVED = 0.1
"""A change of level this far believed in: half of the least one that a night's models follow."""
NORMAL_OVER_MEAN_ERROR = 1.2533
"""Standard deviation of a normal law over its mean absolute error."""


def with_changes(told: np.ndarray, came: np.ndarray, due: np.ndarray) -> np.ndarray:
    """The logarithm of the level after each day (leads, days), moved where it has changed.

    A mixture over how many days ago a change may have begun, each by its Bayes factor: West and Harrison
    (1997), Bayesian Forecasting and Dynamic Models, chapters 11 and 12. It reads no later day.

    Args:
        told: logarithm of the level after each day by who says it (leads, days); a change is a departure
            from what the last of them says.
        came: patients of each day (days,), all of them observed.
        due: patients expected of the day at level 1 (days,).
    """
    weights, level = _begun(told[-1], came, due)
    return np.asarray((1.0 - weights.sum(axis=0)) * told + (weights * level).sum(axis=0))


def level_changes(came: np.ndarray, due: np.ndarray) -> np.ndarray:
    """After each day, the level over that of the last four weeks (days,): 1 but after a change.

    Args:
        came: patients of each day (days,), all of them observed.
        due: patients expected of the day (days,), above 0.
    """
    told = _of_four_weeks(came, due)
    return np.asarray(np.exp(with_changes(told[None], came, due)[0] - told))


def belief_in_change(came: np.ndarray, due: np.ndarray) -> np.ndarray:
    """After each day, how probable it is that the level has lately changed for good (days,).

    Args:
        came: see :func:`level_changes`.
        due: see :func:`level_changes`.
    """
    weights, _ = _begun(_of_four_weeks(came, due), came, due)
    return np.asarray(weights.sum(axis=0))


def _of_four_weeks(came: np.ndarray, due: np.ndarray) -> np.ndarray:
    """The logarithm of the last four weeks' level, after each day (days,)."""
    total = np.cumsum(np.stack([came, due]), axis=1)
    before = np.concatenate([np.zeros((2, LEVEL_DAYS)), total], axis=1)[:, : len(came)]
    recent = np.log(total - before + FEWEST_PATIENTS)
    return np.asarray(recent[0] - recent[1])


def _begun(told: np.ndarray, came: np.ndarray, due: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How probable it is that the level changed so many days ago, and the level then (lengths, days)."""
    lasts, level = _evidence(told, came, due, LASTING_DAYS)
    brief, _ = _evidence(told, came, due, BRIEF_DAYS)
    spell, _ = _evidence(told, came, due, SPELL_DAYS)
    passes = np.concatenate([_lately(brief, 0), _lately(spell, DAYS_SINCE_SPELL)])
    nothing = np.zeros((1, len(came)))
    stays = logsumexp(np.concatenate([nothing, passes + np.log(CHANCE)]), axis=0)
    weights = np.exp(lasts + np.log(CHANCE) - np.logaddexp(stays, logsumexp(lasts, axis=0) + np.log(CHANCE)))
    return weights, level


def _evidence(
    told: np.ndarray, came: np.ndarray, due: np.ndarray, lengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Log Bayes factor of another level for so many days up to each, and that level (lengths, days).

    How far totals of so many days were from what had been told before them, in the past, says what is usual:
    a series that comes in waves needs more to be thought changed. A factor below 1 would count for next to
    nothing beside :data:`CHANCE` and is left at 0.
    """
    days = np.arange(len(came))
    before = days - lengths[:, None]
    known = before >= FEWEST_DAYS
    before = np.maximum(before, 0)
    total, expected = np.cumsum(came), np.cumsum(due)
    usual = (expected - expected[before]) * np.exp(told[before]) + PRIOR_PATIENTS
    departure = np.log((total - total[before] + PRIOR_PATIENTS) / usual)
    error = np.where(known, np.abs(departure) * np.sqrt(usual) * NORMAL_OVER_MEAN_ERROR, 0.0)
    forget = [1.0, -(0.5 ** (1 / HALF_LIFE))]
    errors, counted = (lfilter([1.0], forget, each, axis=1) for each in (error, known.astype(float)))
    wider = (errors + BELIEF_DAYS) / (counted + BELIEF_DAYS)
    variance = np.maximum(np.take_along_axis(wider, before, axis=1), 1.0) ** 2 / usual
    apart = variance + USUAL_CHANGE**2
    factor = 0.5 * (np.log(variance / apart) + departure**2 * (1 / variance - 1 / apart))
    change, error = departure * USUAL_CHANGE**2 / apart, USUAL_CHANGE * np.sqrt(variance / apart)
    speaks = known & (factor > 0)
    usually = _log_chance_of_large(np.zeros(1), np.full(1, USUAL_CHANGE))
    evidence = np.full(factor.shape, -np.inf)
    evidence[speaks] = factor[speaks] + _log_chance_of_large(change[speaks], error[speaks]) - usually
    return evidence, told[before] + change


def _log_chance_of_large(mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Log probability that a normal change is at least :data:`SMALLEST_CHANGE` up or down (n,)."""
    up, down = (log_ndtr((sign * mean - SMALLEST_CHANGE) / deviation) for sign in (1, -1))
    return np.asarray(np.logaddexp(up, down))


def _lately(evidence: np.ndarray, since: int) -> np.ndarray:
    """The greatest evidence of a spell that ended ``since`` to some weeks before each day, as evidence."""
    ended = np.pad(evidence, ((0, 0), (since, 0)), constant_values=-np.inf)[:, : evidence.shape[1]]
    width = REMEMBERED_DAYS + 1
    return np.asarray(
        maximum_filter1d(ended, width, axis=1, origin=width // 2, mode="constant", cval=-np.inf)
    )
