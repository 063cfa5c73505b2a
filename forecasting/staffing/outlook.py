"""What is expected of one series over the hours of a shift: from quantiles of each hour, or sample paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from forecasting.blocks import BLOCK_HOURS, HOUR
from forecasting.config import Applies
from forecasting.schema import Target
from forecasting.staffing.distribution import HAIR, Distribution, Draws, Quantiles, Reals
from forecasting.staffing.shifts import PlannedShift


@dataclass(frozen=True)
class SamplePaths:
    """Equally likely courses of a target over the units of a site, hours and units together."""

    units: tuple[str, ...]
    valid_at: pd.DatetimeIndex
    """UTC (hours,)."""
    counts: np.ndarray
    """Patients, or arrivals (paths, units, hours)."""
    offered: tuple[str, ...] = ()
    """Units whose patients are the offered load of arrivals, not of their forecast census."""


@dataclass(frozen=True)
class Outlook:
    """One series to come: by hour either a value at each level, or one on each sample path."""

    hours: pd.DatetimeIndex
    """UTC, by their start (hours,)."""
    values: Reals
    """(hours, levels), or (hours, paths)."""
    levels: Reals | None
    """Of the columns, rising (levels,); None where they are sample paths."""
    means: Mapping[tuple[pd.Timestamp, int], Quantiles] = field(default_factory=dict)
    """Forecast means of blocks, by their first hour and length in hours."""
    offered: bool = False
    """Whether they are patients by the offered load of arrivals."""

    @property
    def paths(self) -> int:
        """How many sample paths it has; 0 where it is told by quantiles."""
        return 0 if self.levels is not None else self.values.shape[1]

    def drawn(self, paths: int) -> Reals:
        """Equally likely courses: its own, or such drawn from its quantiles, all hours high together.

        Args:
            paths: how many; of its own, as many as it has.

        Returns:
            By path and hour (paths, hours).
        """
        if self.levels is None:
            return self.values.T
        return np.stack([Quantiles(self.levels, hour).drawn(paths) for hour in self.values], axis=1)

    def over(self, shift: PlannedShift, level: float) -> Outlook | None:
        """The hours of it in a shift, with a level among its levels; None where it tells nothing of them.

        Args:
            shift: the shift.
            level: at which it will be read; hours that are not known there are left out.
        """
        within = np.flatnonzero(self.hours.isin(shift.hours))
        within = within[np.isfinite(self.values[within]).all(axis=1)]
        values, levels = self.values[within], self.levels
        if levels is not None and level not in levels:
            place = int(np.searchsorted(levels, level))
            at_level = [Quantiles(levels, hour).at(level) for hour in values]
            levels = np.insert(levels, place, level)
            values = np.insert(values, place, at_level, axis=1)
        if not values.size or np.isnan(values).any():
            return None
        return replace(self, hours=self.hours[within], values=values, levels=levels)

    def need(self, heads_per_load: float, work: Reals, applies: Applies) -> Outlook:
        """Heads, in fractions, that each hour asks for.

        Args:
            heads_per_load: for one patient, or one arrival an hour.
            work: heads for other work, by hour (hours,).
            applies: a rule that holds at all times counts whole patients.
        """
        counted = whole(self.values) if applies is Applies.AT_ALL_TIMES else self.values
        means = {block: mean.times(heads_per_load, float(work.mean())) for block, mean in self.means.items()}
        return replace(self, values=counted * heads_per_load + work[:, None], means=means)

    def told(self, shift: PlannedShift, applies: Applies) -> Distribution:
        """What a rule is held to: the highest hour, or the mean."""
        return self.highest() if applies is Applies.AT_ALL_TIMES else self.mean(shift)

    def highest(self) -> Distribution:
        """Of the highest hour.

        From paths it is that of whichever hour is highest. From quantiles it is at each level the highest of
        the hours' own values, which is too low: any of twelve hours may turn out to be the one.
        """
        if self.levels is None:
            return Draws(self.values.max(axis=0))
        return Quantiles(self.levels, self.values.max(axis=0))

    def mean(self, shift: PlannedShift) -> Distribution:
        """Of the mean over the hours.

        From paths it is that of the mean; else what was forecast of the block of hours that the shift is.
        From hourly quantiles alone it is their mean at each level, which is too wide: as if all hours were
        high together.
        """
        if self.levels is None:
            return Draws(self.values.mean(axis=0))
        block = self.means.get((shift.hours[0], len(shift.hours)))
        return block or Quantiles(self.levels, self.values.mean(axis=0))

    def hour_of_highest(self, level: float) -> pd.Timestamp:
        """The hour, in UTC, whose own value at a level is the highest."""
        return self.hours[int(self._by_hour(level).argmax())]

    def at_hour(self, hour: pd.Timestamp, level: float) -> float:
        """An hour's own value at a level that is among its levels."""
        return float(self._by_hour(level)[self.hours.get_loc(hour)])

    def _by_hour(self, level: float) -> Reals:
        if self.levels is None:
            return np.asarray(np.quantile(self.values, level, axis=1, method="inverted_cdf"))
        return np.asarray(self.values[:, np.searchsorted(self.levels, level)])


def whole(patients: Reals) -> Reals:
    """Patients, rounded up to whole ones."""
    # A hair above a whole number is the arithmetic's doing, not a patient.
    return np.ceil(patients - HAIR)


def outlook(forecast: pd.DataFrame, unit_id: str, target: Target, paths: SamplePaths | None) -> Outlook:
    """What is expected of a unit.

    Args:
        forecast: FORECAST rows of one site and issue time, of any period.
        unit_id: the unit.
        target: what of it.
        paths: of that target; where they have the unit, they stand before the quantiles.
    """
    if paths is not None and unit_id in paths.units:
        counts = paths.counts[:, paths.units.index(unit_id)].T.astype(float)
        return Outlook(paths.valid_at, counts, None, offered=unit_id in paths.offered)
    rows = forecast[(forecast["unit_id"] == unit_id) & (forecast["target"] == target)]
    hourly = _wide(rows[rows["period"] == HOUR])
    levels = hourly.columns.to_numpy(dtype=float)
    return Outlook(pd.DatetimeIndex(hourly.index), hourly.to_numpy(dtype=float), levels, _means(rows, target))


def _means(rows: pd.DataFrame, target: Target) -> dict[tuple[pd.Timestamp, int], Quantiles]:
    means: dict[tuple[pd.Timestamp, int], Quantiles] = {}
    for period in sorted(set(rows["period"].unique()) & set(BLOCK_HOURS)):
        length, blocks = BLOCK_HOURS[period], _wide(rows[rows["period"] == period])
        levels = blocks.columns.to_numpy(dtype=float)
        # Of arrivals a block's forecast is the sum.
        values = blocks.to_numpy(dtype=float) / (length if target is Target.ED_ARRIVALS else 1)
        means |= {
            (start, length): Quantiles(levels, of_block)
            for start, of_block in zip(pd.DatetimeIndex(blocks.index), values, strict=True)
        }
    return means


def _wide(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.set_index(["valid_at", "quantile"])["value"].unstack()  # noqa: PD010 - no key repeats
