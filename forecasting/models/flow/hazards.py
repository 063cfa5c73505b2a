"""The chance to leave a unit within the next hour, by how long a patient is there and the local hour."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from forecasting.models.flow.rates import rated
from forecasting.schema import ELAPSED_HOURS

BINS = len(ELAPSED_HOURS)
DAYS, HOURS = 7, 24
SATURDAY = 5
SHAPE = (BINS, DAYS, HOURS)

SHARED_BELIEF = 1.0
OWN_BELIEF = 5.0
CELL_BELIEF = 10.0
LARGEST_HAZARD = 0.98

_BIN, _WEEKDAY, _HOUR = (axis.ravel() for axis in np.indices(SHAPE))
_DAY_HOUR = (_WEEKDAY >= SATURDAY) * HOURS + _HOUR
_BIN_HOUR = _BIN * HOURS + _HOUR
_WHOLE = np.zeros_like(_BIN)


def elapsed_bin(hours: np.ndarray) -> np.ndarray:
    """Which bin of :data:`~forecasting.schema.ELAPSED_HOURS` whole hours since a stay's start lie in."""
    return np.asarray(np.searchsorted(ELAPSED_HOURS, hours, side="right") - 1)


def risk_and_departures(departure: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Patient hours and departures of one unit's rows, by bin, weekday and local hour (BINS, 7, 24)."""
    place = (
        elapsed_bin(departure["elapsed_from"].to_numpy()),
        departure["weekday"].to_numpy(),
        departure["local_hour"].to_numpy(),
    )
    risk, departures = np.zeros(SHAPE), np.zeros(SHAPE)
    np.add.at(risk, place, departure["patient_hours"].to_numpy(float))
    np.add.at(departures, place, departure["departures"].to_numpy(float))
    return risk, departures


def shared_hazard(units: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The hazard of units alike, as if they were one (BINS, 7, 24).

    Args:
        units: patient hours and departures of each.
    """
    pairs = list(units)
    risk = np.sum([pair[0] for pair in pairs], axis=0).ravel()
    departures = np.sum([pair[1] for pair in pairs], axis=0).ravel()
    level = (departures.sum() + SHARED_BELIEF) / (risk.sum() + HOURS)
    ratio = rated(departures, risk * level, (_BIN, _DAY_HOUR, _WEEKDAY), SHARED_BELIEF)
    return np.asarray(np.minimum(level * ratio, LARGEST_HAZARD).reshape(SHAPE))


def unit_hazard(risk: np.ndarray, departures: np.ndarray, shared: np.ndarray) -> np.ndarray:
    """A unit's own hazard (BINS, 7, 24): the shared one where it has seen little.

    Args:
        risk: patient hours (BINS, 7, 24).
        departures: how many left (BINS, 7, 24).
        shared: hazard of the units alike.
    """
    expected, left = (risk * shared).ravel(), departures.ravel()
    effects = rated(left, expected, (_WHOLE, _BIN, _DAY_HOUR, _WEEKDAY), OWN_BELIEF)
    beyond = rated(left, expected * effects, (_BIN_HOUR,), CELL_BELIEF)
    return np.asarray(np.minimum(shared * (effects * beyond).reshape(SHAPE), LARGEST_HAZARD))
