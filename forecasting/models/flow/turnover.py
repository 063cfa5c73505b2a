"""From who is there, hazards and inflow to the census of the hours to come: its mean and its variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.models.flow.hazards import elapsed_bin
from forecasting.schema import ELAPSED_HOURS

AGES_PER_BIN = 4


@dataclass(frozen=True)
class Census:
    """The law of the census, from some origins (origins, leads); the first lead is the origin itself."""

    mean: np.ndarray
    variance: np.ndarray
    """Of patients who leave and come independently of each other."""


def future_census(
    present: np.ndarray, hazard: np.ndarray, inflow: np.ndarray, weekday: np.ndarray, local_hour: np.ndarray
) -> Census:
    """Σ p over who is there plus Σ λ S over who comes, hour by hour; variance Σ p (1 - p) + Σ λ S.

    Stays end independently and patients come as in a Poisson process, so who of them is there is binomial
    and Poisson: the M(t)/G/∞ queue, Eick, Massey and Whitt (1993), Operations Research 41(4).

    Args:
        present: patients at each origin by bin of hours since they took the bed (origins, bins).
        hazard: chance to leave within the hour (bins, weekdays, hours).
        inflow: patients first counted at each hour from the origin on (origins, leads).
        weekday: local, of each hour from the origin on (origins, leads).
        local_hour: as well.
    """
    ages, share = _ages()
    patients = present[:, ages.bins] * share
    stays = np.ones_like(patients)
    origins, leads = inflow.shape
    come = np.zeros((origins, leads))
    mean, variance = np.empty((origins, leads)), np.empty((origins, leads))
    for lead in range(leads):
        if lead:
            come[:, lead] = inflow[:, lead]
        coming = come[:, 1 : lead + 1].sum(axis=1)
        mean[:, lead] = (patients * stays).sum(axis=1) + coming
        variance[:, lead] = (patients * stays * (1 - stays)).sum(axis=1) + coming
        now = hazard[:, weekday[:, lead], local_hour[:, lead]].T
        stays *= 1 - now[:, elapsed_bin(ages.hours + lead)]
        if lead:
            come[:, 1 : lead + 1] *= 1 - now[:, elapsed_bin(lead - np.arange(1, lead + 1))]
    return Census(mean, variance)


@dataclass(frozen=True)
class _Ages:
    bins: np.ndarray
    hours: np.ndarray


def _ages() -> tuple[_Ages, np.ndarray]:
    """Hours since a stay's start that stand for each bin, evenly spread over it, and their share of it."""
    bins, hours, share = [], [], []
    ends = (*ELAPSED_HOURS[1:], ELAPSED_HOURS[-1] + 1)
    for number, (begin, end) in enumerate(zip(ELAPSED_HOURS, ends, strict=True)):
        count = min(AGES_PER_BIN, end - begin)
        middle = begin + (np.arange(count) + 0.5) * (end - begin) / count
        bins += [number] * count
        hours += [int(hour) for hour in middle]
        share += [1 / count] * count
    return _Ages(np.array(bins), np.array(hours)), np.array(share)
