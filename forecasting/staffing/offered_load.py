"""Patients present in an ED if nobody waited: the offered load of arrivals who stay for a while.

m(t) = ∫ λ(t - u) P(S > u) du, the M(t)/G/∞ queue: Eick, Massey and Whitt (1993), The physics of the Mt/G/∞
queue, Operations Research 41(4). It is told at the starts of hours, as a census is, in whole patients: on
each path of arrivals each patient stays as long as a lot says, so that the paths hold what chance does to
arrivals and to stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zlib import crc32
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecasting.schema import ELAPSED_HOURS, Target
from forecasting.staffing.distribution import Reals
from forecasting.staffing.outlook import SamplePaths
from forecasting.staffing.stays import LoadError, Stays, Wholes

HOUR = pd.Timedelta(hours=1)


@dataclass(frozen=True)
class OfferedLoad:
    """What the patients of one site's ED are told of at one issue time, beside the paths of its arrivals."""

    unit_id: str
    zone: ZoneInfo
    issued_at: datetime
    """UTC."""
    stays: Stays
    present: Mapping[int, int]
    """Patients who are there at the issue time, by bin of ELAPSED_HOURS."""

    @classmethod
    def of(
        cls, unit_id: str, zone: ZoneInfo, issued_at: datetime, stays: Stays, present: pd.DataFrame
    ) -> OfferedLoad:
        """The load of an ED.

        Args:
            unit_id: the ED's.
            zone: of the site.
            issued_at: UTC.
            stays: their law, known at the issue time.
            present: PRESENT rows of the site; those of the ED at the issue time are read.
        """
        there = present[(present["unit_id"] == unit_id) & (present["valid_at"] == issued_at)]
        by_bin = dict(zip(there["elapsed_from"], there["patients"], strict=True))
        return cls(unit_id, zone, issued_at, stays, by_bin)

    def patients(self, arrivals: SamplePaths, longer: float = 0.0) -> Wholes:
        """Patients present at the start of each hour, on each path (paths, hours).

        Who arrives in an hour is present from the start of the next one on. More arrivals on a path, and
        longer stays, never make fewer patients: each has a lot of his own, always alike.

        Args:
            arrivals: paths from the issue time on, without a gap, the ED's among their units.
            longer: change of each stay, as a share above -1, of those who are there too.

        Raises:
            LoadError: the paths have not the ED, or not those hours.
        """
        hours = arrivals.valid_at
        if self.unit_id not in arrivals.units:
            raise LoadError(f"no paths of the arrivals at {self.unit_id}")
        if not len(hours) or hours[0] != self.issued_at or not (np.diff(hours) == HOUR).all():
            raise LoadError(f"the paths of arrivals do not tell every hour from {self.issued_at} on")
        came = arrivals.counts[:, arrivals.units.index(self.unit_id)].astype(np.int64)
        random = np.random.default_rng(crc32(f"{self.unit_id} {self.issued_at.isoformat()}".encode()))
        there = self._who_is_there(came.shape, longer, random)
        return there + self._who_comes(came, hours, longer, random)

    def _who_comes(
        self, came: Wholes, hours: pd.DatetimeIndex, longer: float, random: np.random.Generator
    ) -> Wholes:
        paths, length = came.shape
        local = hours.tz_convert(self.zone).hour.to_numpy()
        left = np.zeros(paths * (length + 1), dtype=np.int64)
        # The n-th patient of an hour has the same lot however many come after.
        for number in range(int(came.max(initial=0))):
            lots = random.random((paths, length))
            for local_hour in np.unique(local):
                path, hour = np.nonzero((came > number) & (local == local_hour))
                stay = self.stays.drawn(int(local_hour), lots[path, hour], longer)
                ends = np.minimum(hour + 1 + stay, length)
                left += np.bincount(path * (length + 1) + ends, minlength=len(left))
        change = -left.reshape(paths, length + 1)
        change[:, 1:] += came
        return np.cumsum(change, axis=1)[:, :length]

    def _who_is_there(self, shape: tuple[int, ...], longer: float, random: np.random.Generator) -> Wholes:
        paths, length = shape
        there = np.zeros(shape, dtype=np.int64)
        since = np.arange(length)
        for begin, patients in sorted(self.present.items()):
            ages, chances = self._ages(begin)
            for _ in range(patients):
                age = random.choice(ages, size=paths, p=chances)
                lots, left = random.random(paths), np.empty(paths, dtype=np.int64)
                for one in np.unique(age):
                    those = age == one
                    left[those] = self.stays.drawn(self._arrived(one), lots[those], longer, int(one))
                there += since < left[:, None]
        return there

    def _ages(self, begin: int) -> tuple[Wholes, Reals]:
        """Whole hours since their first that patients of a bin may be there for, and how likely each is.

        Likely is an hour in which many arrive who stay so long. Where nobody was ever counted to stay as
        long, the bin's first hour stands for all.
        """
        ends = [edge for edge in ELAPSED_HOURS if edge > begin]
        ages = np.arange(begin, min([*ends, self.stays.gone.shape[1]]))
        came = [self._arrived(age) for age in ages]
        likely = [
            self.stays.arrived[hour] * self.stays.present(hour, age)
            for hour, age in zip(came, ages, strict=True)
        ]
        total = sum(likely)
        return (ages, np.array(likely) / total) if total > 0 else (np.array([begin]), np.ones(1))

    def _arrived(self, age: int) -> int:
        """The local hour in which they arrived who have been there for so many whole hours."""
        return int((pd.Timestamp(self.issued_at) - (int(age) + 1) * HOUR).tz_convert(self.zone).hour)


def by_offered_load(
    paths: Mapping[Target, SamplePaths], load: OfferedLoad, longer: float = 0.0
) -> dict[Target, SamplePaths]:
    """The paths with the ED's patients as its arrivals lead to, in place of those of its forecast census.

    Args:
        paths: by target.
        load: of the ED.
        longer: see :meth:`OfferedLoad.patients`.

    Raises:
        LoadError: no paths of arrivals, or others of the census than of the same hours.
    """
    arrivals, census = paths.get(Target.ED_ARRIVALS), paths.get(Target.BED_CENSUS)
    if arrivals is None:
        raise LoadError("no paths of the arrivals")
    patients = load.patients(arrivals, longer)[:, None]
    if census is None:
        census = SamplePaths((load.unit_id,), arrivals.valid_at, patients)
    if not census.valid_at.equals(arrivals.valid_at) or len(census.counts) != len(patients):
        raise LoadError("the paths of arrivals and those of the census are not of the same hours")
    others = [place for place, unit_id in enumerate(census.units) if unit_id != load.unit_id]
    told = replace(
        census,
        units=(*(census.units[place] for place in others), load.unit_id),
        counts=np.concatenate([census.counts[:, others], patients.astype(census.counts.dtype)], axis=1),
        offered=(load.unit_id,),
    )
    return {**paths, Target.BED_CENSUS: told}
