"""Several models as one: their quantiles averaged, level by level, as past origins say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, minimize

from forecasting.config import Settings
from forecasting.models.calibration import Calibration
from forecasting.models.counts import past_forecasts, smooth_forecast, stated_hours
from forecasting.models.gbm import Gbm
from forecasting.models.glm import Glm
from forecasting.models.holdout import holdout_issue_times, holdout_start
from forecasting.models.interface import Forecaster, Means
from forecasting.models.quantile_table import (
    LEAD_BUCKETS,
    LEAD_EDGES,
    bucket_of,
    hours_long,
    hours_wide,
    lead_bucket,
    outcomes,
)
from forecasting.schema import Target

PRIOR_ORIGINS = 1.0
"""How many past origins the belief in equal weights counts for."""
FEWEST_HOURS = 24


class Fits(Protocol):
    """A model class: see :mod:`forecasting.models.interface`."""

    name: ClassVar[str]

    @classmethod
    def fit(cls, panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target) -> Any:
        """Fit on the panel's hours before ``issued_at``."""
        ...


MEMBERS: tuple[type[Fits], ...] = (Glm, Gbm)


@dataclass(frozen=True)
class Weights:
    """How much each member counts, by lead bucket."""

    members: tuple[str, ...]
    by_lead: np.ndarray
    """(buckets, members), each row at least 0 and summing to 1; buckets of :mod:`~.quantile_table`."""

    @classmethod
    def equal(cls, members: Iterable[str]) -> Self:
        """The same for all members at every lead."""
        names = tuple(members)
        return cls(names, np.full((LEAD_BUCKETS, len(names)), 1 / len(names)))

    @classmethod
    def learn(cls, past: Mapping[str, pd.DataFrame], panel: pd.DataFrame, issued_at: datetime) -> Self:
        """The weights under which the past forecasts would have lost least, drawn to equal ones.

        Bates and Granger (1969), The combination of forecasts; here by pinball loss, level by level
        averaged quantiles (Lichtendahl, Grushka-Cockayne and Winkler 2013, Is it better to average
        probabilities or quantiles?).

        Args:
            past: by member, rows of :data:`forecasting.schema.FORECAST` issued at past times by a model
                that had not seen what came; hours from ``issued_at`` on are not looked at.
            panel: what came.
            issued_at: the present.
        """
        equal = cls.equal(past)
        members = [hours_wide(forecast) for forecast in past.values()]
        if len(members) < 2 or any(wide.empty for wide in members):
            return equal
        hours = members[0].index
        for wide in members[1:]:
            hours = hours.intersection(wide.index)
        came = outcomes(panel, hours, issued_at)
        hours, came = hours[~np.isnan(came)], came[~np.isnan(came)]
        levels = members[0].columns.to_numpy(dtype=float)
        said = np.stack([wide.reindex(hours).to_numpy() for wide in members])
        bucket = lead_bucket(hours)
        issued = hours.get_level_values("issued_at")
        by_lead = equal.by_lead.copy()
        for one in range(len(by_lead)):
            here = bucket == one
            if here.sum() >= FEWEST_HOURS:
                origins = issued[here].nunique()
                by_lead[one] = _least_loss(said[:, here], came[here], levels, PRIOR_ORIGINS / origins)
        return cls(equal.members, by_lead)

    def table(self) -> pd.DataFrame:
        """A row per lead bucket: its first lead in hours as ``lead_from``, and each member's weight."""
        by_member = pd.DataFrame(self.by_lead, columns=list(self.members))
        by_member.insert(0, "lead_from", [0, *LEAD_EDGES])
        return by_member


@dataclass(frozen=True)
class Learnt:
    """What past origins teach of some members together: how much each counts, and what to correct."""

    weights: Weights
    calibration: Calibration

    @classmethod
    def from_past(
        cls,
        past: Mapping[str, pd.DataFrame],
        panel: pd.DataFrame,
        levels: tuple[float, ...],
        issued_at: datetime,
        target: Target,
    ) -> Self:
        """Weights and corrections from past forecasts of each member.

        Args:
            past: by member, see :meth:`Weights.learn`.
            panel: what came.
            levels: the quantile levels.
            issued_at: the present.
            target: what is forecast.
        """
        weights = Weights.learn(past, panel, issued_at)
        said = combined({name: hours_wide(forecast) for name, forecast in past.items()}, weights)
        together = hours_long(said, target.value, Ensemble.name, Ensemble.version)
        return cls(weights, Calibration.learn(together, panel, issued_at, levels))

    def combine(self, said: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """What the members say together, see :func:`combined`, corrected."""
        return self.calibration.correct(combined(said, self.weights))


@dataclass(frozen=True)
class Ensemble:
    """The weighted mean of its members' quantiles, corrected where past outcomes leave no doubt.

    A member that is silent on a series leaves it to the others.
    """

    name: ClassVar[str] = "ensemble"
    version: ClassVar[str] = "1"

    target: Target
    levels: tuple[float, ...]
    members: Mapping[str, Forecaster]
    learnt: Learnt

    @classmethod
    def fit(
        cls,
        panel: pd.DataFrame,
        settings: Settings,
        issued_at: datetime,
        target: Target,
        kinds: Sequence[type[Fits]] = MEMBERS,
    ) -> Self:
        """Fit each member twice on hours before ``issued_at``.

        Once up to the holdout, to learn weights and corrections from what it would have said there; once up
        to now, to speak.

        Args:
            panel: of one target.
            settings: gives holdout, levels, and what the members want.
            issued_at: the issue time.
            target: what is forecast.
            kinds: the members' classes.
        """
        then, now = (
            {kind.name: kind.fit(panel, settings, at, target) for kind in kinds}
            for at in (holdout_start(settings, issued_at), issued_at)
        )
        times = holdout_issue_times(settings, issued_at)
        past = {name: past_forecasts(member, panel, times) for name, member in then.items()}
        levels = settings.horizon.quantile_levels
        return cls(target, levels, now, Learnt.from_past(past, panel, levels, issued_at, target))

    def predict(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :meth:`forecasting.models.interface.Forecaster.predict`; whole counts."""
        wide = stated_hours(self._wide(panel, issued_at))
        return hours_long(wide, self.target.value, self.name, self.version)

    def smooth(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :class:`forecasting.models.counts.Smooth`."""
        return hours_long(self._wide(panel, issued_at), self.target.value, self.name, self.version)

    def means(self, panel: pd.DataFrame, issued_at: datetime) -> dict[tuple[str, str], np.ndarray]:
        """See :class:`forecasting.models.interface.Means`; of the members that tell theirs, not corrected."""
        members = (self.members[name] for name in self.learnt.weights.members)
        told = [one.means(panel, issued_at) if isinstance(one, Means) else {} for one in members]
        return combined_means(told, self.learnt.weights)

    def _wide(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        said = {
            name: hours_wide(smooth_forecast(member, panel, issued_at))
            for name, member in self.members.items()
        }
        return self.learnt.combine(said)


def combined(said: Mapping[str, pd.DataFrame], weights: Weights) -> pd.DataFrame:
    """The weighted mean of the members' quantiles, of every hour that one of them forecasts.

    Args:
        said: by member, what :func:`forecasting.models.quantile_table.hours_wide` gives.
        weights: of these members.

    Raises:
        KeyError: a member has no forecast in ``said``.
    """
    members = [said[name] for name in weights.members]
    spoken = [wide for wide in members if len(wide)]
    if not spoken:
        return members[0]
    hours = spoken[0].index
    for wide in spoken[1:]:
        hours = hours.union(wide.index)
    levels = spoken[0].columns
    values = np.stack([wide.reindex(index=hours, columns=levels).to_numpy() for wide in members], axis=1)
    silent = np.isnan(values).any(axis=2)
    bucket = lead_bucket(hours)
    weight = np.where(silent, 0.0, weights.by_lead[bucket])
    # Where all who speak had no weight, they count alike.
    weight = np.where(weight.sum(axis=1, keepdims=True) > 0, weight, (~silent).astype(float))
    weight /= weight.sum(axis=1, keepdims=True)
    mean = (weight[:, :, None] * np.where(silent[:, :, None], 0.0, values)).sum(axis=1)
    return pd.DataFrame(mean, hours, levels)


def combined_means(
    told: Sequence[Mapping[tuple[str, str], np.ndarray]], weights: Weights
) -> dict[tuple[str, str], np.ndarray]:
    """The weighted mean of the members' means (hours,) of every series that one of them forecasts.

    Args:
        told: by member, in the order of the weights' members; each by (site_id, unit_id).
        weights: of these members; where all who speak of an hour have none, they count alike.
    """
    mean = {}
    for key in dict.fromkeys(key for means in told for key in means):
        spoken = [place for place, means in enumerate(told) if key in means]
        values = np.stack([told[place][key] for place in spoken], axis=1)
        weight = weights.by_lead[bucket_of(np.arange(len(values)))][:, spoken]
        weight = np.where(weight.sum(axis=1, keepdims=True) > 0, weight, 1.0)
        mean[key] = np.asarray((weight * values).sum(axis=1) / weight.sum(axis=1))
    return mean


def _least_loss(said: np.ndarray, came: np.ndarray, levels: np.ndarray, prior: float) -> np.ndarray:
    """Weights (members,) of least pinball loss, relative to that of equal ones, plus the prior's pull.

    Args:
        said: quantiles (members, hours, levels).
        came: outcomes (hours,).
        levels: quantile levels.
        prior: penalty of a unit of squared distance from equal weights.
    """
    count = len(said)
    equal = np.full(count, 1 / count)

    def loss(weight: np.ndarray) -> tuple[float, np.ndarray]:
        error = came[:, None] - np.tensordot(weight, said, axes=1)
        slope = np.where(error > 0, -levels, 1 - levels)
        return float(np.mean(-slope * error)), np.asarray((said * slope).mean(axis=(1, 2)))

    usual = max(loss(equal)[0], np.finfo(float).tiny)

    def penalised(weight: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = loss(weight)
        distance = weight - equal
        return value / usual + prior * float(distance @ distance), slope / usual + 2 * prior * distance

    found = minimize(
        penalised,
        equal,
        jac=True,
        method="SLSQP",
        bounds=Bounds(np.zeros(count), np.ones(count)),
        constraints=LinearConstraint(np.ones((1, count)), 1.0, 1.0),
    ).x
    weight = np.clip(np.nan_to_num(found, nan=1 / count), 0.0, None)
    return np.asarray(weight / weight.sum() if weight.sum() > 0 else equal)
