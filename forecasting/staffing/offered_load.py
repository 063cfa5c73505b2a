"""Patients present in an ED if nobody waited: the offered load of arrivals who stay for a while.

m(t) = ∫ λ(t - u) P(S > u) du, the M(t)/G/∞ queue: Eick, Massey and Whitt (1993), The physics of the Mt/G/∞
queue, Operations Research 41(4). Arrivals are spread evenly over their hour, and stays end evenly over their
bin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.signal import fftconvolve
from scipy.stats import norm

Reals = NDArray[np.float64]

STEPS = 60
"""Of an hour, in which a stay's law is reckoned."""
SERVERS_AT_MOST = 6.0
"""β beyond which nobody waits."""


class LoadError(ValueError):
    """Counts or arrivals from which no load can be reckoned; the message says what is wrong."""


@dataclass(frozen=True)
class StayLaw:
    """How long patients stay: P(S > u) for u in steps of 1/STEPS hours, 1 first and 0 last (steps + 1,)."""

    survival: Reals

    @classmethod
    def from_counts(cls, edges: Sequence[float], patients: Sequence[float]) -> StayLaw:
        """The law of stays that were counted by length.

        Args:
            edges: hours at which each bin begins, and where the last one ends; the first is 0.
            patients: whose stay ended in each bin, at least one in all.

        Raises:
            LoadError: the edges don't rise from 0, counts are negative or all zero, or lengths differ.
        """
        bounds, counts = np.asarray(edges, dtype=float), np.asarray(patients, dtype=float)
        if len(bounds) != len(counts) + 1:
            raise LoadError(
                f"{len(bounds)} edges don't bound {len(counts)} bins; give one edge more than bins"
            )
        if bounds[0] != 0 or not (np.diff(bounds) > 0).all() or not np.isfinite(bounds).all():
            raise LoadError(f"edges {list(edges)} must rise from 0 to the longest stay")
        if not (counts >= 0).all() or not counts.sum() > 0:
            raise LoadError(
                f"counts {list(patients)} must not be negative, and at least one patient is needed"
            )
        steps = np.arange(int(np.ceil(bounds[-1] * STEPS)) + 1) / STEPS
        ended = np.concatenate([[0], np.cumsum(counts)]) / counts.sum()
        return cls(1 - np.interp(steps, bounds, ended))

    @property
    def mean_hours(self) -> float:
        """E[S] = ∫ P(S > u) du."""
        return float(np.trapezoid(self.survival) / STEPS)

    def then(self, further: StayLaw) -> StayLaw:
        """The law of a stay that is followed by another, independent of it."""
        ends = -np.diff(self.survival)
        # Who ends within a step ends in its middle, on average.
        after = np.concatenate([[0], (further.survival[1:] + further.survival[:-1]) / 2])
        later = fftconvolve(ends, after)
        both = np.pad(self.survival, (0, len(further.survival)))
        both[: len(later)] += later
        return StayLaw(np.clip(both, 0, 1))


@dataclass(frozen=True)
class Presence:
    """A class of patients: the chance that an arrival is present as one of them, by the age of the visit."""

    name: str
    chance: Reals
    """At ages of 1/STEPS hours, 0 at the end (steps + 1,)."""


def in_care(name: str, share: float, stay: StayLaw) -> Presence:
    """Patients of one acuity in care.

    Args:
        name: of the class.
        share: of the arrivals.
        stay: until they leave, or a bed is asked for.
    """
    return Presence(name, share * stay.survival)


def boarding(name: str, share: float, stay: StayLaw, wait: StayLaw) -> Presence:
    """Patients who are admitted and still in the ED: those no longer in care, and not yet gone.

    Args:
        name: of the class.
        share: of the arrivals: those of an acuity, times the share of them admitted.
        stay: until a bed is asked for.
        wait: from then on.
    """
    whole = stay.then(wait).survival
    care = np.pad(stay.survival, (0, len(whole) - len(stay.survival)))
    return Presence(name, share * np.clip(whole - care, 0, None))


def offered_load(arrivals: Reals, classes: Sequence[Presence], hours: int) -> dict[str, Reals]:
    """Patients present by class, on average over each of the last hours.

    Args:
        arrivals: by hour, those before the first wanted hour included (paths, earlier + hours).
        classes: what arrivals become.
        hours: how many of the last are wanted.

    Returns:
        By class's name (paths, hours).

    Raises:
        LoadError: arrivals don't reach back as far as the longest stay, or aren't counts.
    """
    earlier = arrivals.shape[1] - hours
    needed = max((_whole_hours(one) for one in classes), default=0)
    if earlier < needed:
        raise LoadError(
            f"{earlier} hours of arrivals before the first hour; the longest stay asks for {needed}"
        )
    if not (np.isfinite(arrivals).all() and (arrivals >= 0).all()):
        raise LoadError(
            "arrivals must be known and not negative in every hour; fill gaps by what was expected"
        )
    loads = {}
    for one in classes:
        weights = _by_hours_ago(one)
        load = np.zeros((len(arrivals), hours))
        for ago, weight in enumerate(weights):
            load += weight * arrivals[:, earlier - ago : arrivals.shape[1] - ago]
        loads[one.name] = load
    return loads


def dispersion(present: Reals, expected: Reals) -> float:
    """Variance over mean of what was present around what was expected: z, 1 where arrivals are Poisson.

    Args:
        present: patients, NaN where unknown.
        expected: as many.

    Raises:
        LoadError: in no hour both are known and patients are expected.
    """
    known = np.isfinite(present) & np.isfinite(expected) & (expected > 0)
    if not known.any():
        raise LoadError("a dispersion needs hours whose patients are known and expected")
    return float(((present[known] - expected[known]) ** 2).sum() / expected[known].sum())


def safety(delay: float) -> float:
    """β of the square-root rule: P(wait) = 1 / (1 + β Φ(β) / φ(β)).

    Halfin and Whitt (1981), Heavy-traffic limits for queues with many exponential servers, Operations
    Research 29(3).

    Args:
        delay: the share of patients who may wait, above 0 and below 1.

    Raises:
        LoadError: it is not.
    """
    if not 0 < delay < 1:
        raise LoadError(f"a delay probability of {delay:g} is not between 0 and 1")
    most = SERVERS_AT_MOST
    if _delay(most) >= delay:
        return most
    return float(brentq(lambda beta: _delay(beta) - delay, 0, most))


def square_root_heads(load: Reals, delay: float, z: float = 1.0) -> NDArray[np.int64]:
    """S = ⌈m + β √(z m)⌉, for load and heads in the same unit: patients a head cares for at once.

    Args:
        load: m, patients over patients a head.
        delay: the share of patients who may wait.
        z: dispersion of that load; of patients' dispersion, one over patients a head.

    Raises:
        LoadError: the delay is no probability, or the dispersion is negative.
    """
    if not z >= 0:
        raise LoadError(f"a dispersion of {z:g} is negative")
    # A hair above a whole number is the arithmetic's doing, not a patient.
    heads = np.ceil(np.round(load + safety(delay) * np.sqrt(z * load), 6))
    return heads.astype(np.int64)


def _delay(beta: float) -> float:
    return float(1 / (1 + beta * norm.cdf(beta) / norm.pdf(beta)))


def _whole_hours(one: Presence) -> int:
    """Hours before an hour whose arrivals may still be present in it."""
    return len(_by_hours_ago(one)) - 1


def _by_hours_ago(one: Presence) -> Reals:
    """Mean presence in an hour of who arrived in it, in the one before it ... (longest + 1,).

    Arrival and moment are both spread over their hours, so ages are spread as a triangle over two: the second
    difference of the twice integrated chance.
    """
    chance = np.pad(one.chance, (0, -(len(one.chance) - 1) % STEPS))
    once = np.concatenate([[0], np.cumsum((chance[1:] + chance[:-1]) / 2)]) / STEPS
    # The chance is a straight line in each step, so its integral's integral is this, exactly.
    inner = once[:-1] / STEPS + (2 * chance[:-1] + chance[1:]) / 6 / STEPS**2
    twice = np.concatenate([[0], np.cumsum(inner)])[::STEPS]
    total = once[-1]
    padded = np.concatenate([[0], twice, twice[-1:] + total])
    return np.diff(padded, n=2)
