"""More or fewer patients, and longer or shorter stays, on every sample path."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting.staffing.distribution import Reals
from forecasting.staffing.outlook import SamplePaths


def mean_stays(departure: pd.DataFrame) -> dict[str, float]:
    """Hours that a patient stays in a unit on average, by unit; one that nobody was seen to leave is absent.

    L = λW: a unit's patient hours over its departures. Little (1961), A proof for the queuing formula
    L = λW, Operations Research 9(3).

    Args:
        departure: DEPARTURE rows of one site.
    """
    counts = departure.groupby("unit_id")[["patient_hours", "departures"]].sum()
    seen = counts[counts["departures"] > 0]
    return {str(unit_id): float(hours / left) for unit_id, hours, left in seen.itertuples()}


def presence(arrivals: float, stay: float, mean_stay: float | None, since: Reals) -> Reals:
    """Patients present for each one who was expected, so long after arrivals and stays have changed.

    By Little's law the census ends at F = (1 + arrivals) (1 + stay) times what it was. It gets there as
    patients come and go: where stays are exponential, dL/dt = λ' - L/W', and so
    F + (1 - F) exp(-t/W') with W' = (1 + stay) W.

    Args:
        arrivals: change of how many come, as a share: 0.2 is 20 % more; at least -1.
        stay: change of how long each stays, from then on, those who are there included; above -1.
        mean_stay: hours, before the change; where it is not known, F is reached at once.
        since: hours since the change (hours,).
    """
    level = (1 + arrivals) * (1 + stay)
    if mean_stay is None:
        return np.full(len(since), level)
    return level + (1 - level) * np.exp(-since / ((1 + stay) * mean_stay))


def times(paths: SamplePaths, factor: Reals) -> SamplePaths:
    """So many times the patients, whole ones.

    What is left over a whole patient is one more on as many of the paths as it says, drawn by lot and always
    alike: the mean over paths is kept, no count falls where its factor rises, and 1 changes nothing.

    Args:
        paths: of one target.
        factor: for each unit and hour (units, hours).
    """
    count = len(paths.counts)
    random = np.random.default_rng(0)
    lots = (np.array([random.permutation(count) for _ in paths.units]).reshape(-1, count) + 0.5) / count
    counts = np.floor(paths.counts * factor + lots.T[:, :, None])
    return replace(paths, counts=counts.astype(paths.counts.dtype))
