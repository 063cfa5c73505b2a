"""LightGBM: one boosted model of all series of a target, learnt from how they stood at past origins.

It learns by how much the hours of the past, seen from a random earlier origin, differed from each series'
own normal week at its level of that day; so growth and a change of level carry over without being learnt.
Four models each leave out every fourth week: their mean forecasts, and what each says of the weeks it has
not seen gives the spread.

Leaves, rounds, half-life and the level's prior were compared on Iowa's origins from 2015-04-06 and 2016-04-04
(:mod:`benchmarks.iowa`), where the WQL differs by less than a thousandth of itself, and taken round; those of
the census on a simulated slow walk around a normal week.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

import lightgbm as lgb
import numpy as np
import pandas as pd

from forecasting.config import Settings
from forecasting.models.climate import HOURS_PER_WEEK
from forecasting.models.counts import smooth_count_quantiles
from forecasting.models.interface import forecast_frame, hours_before, series_of
from forecasting.models.standing import Standing
from forecasting.models.weather import ToldAnomaly
from forecasting.schema import ANOMALY, Target

FOLDS = 4
MOST_ROWS = 100_000
ROWS_PER_HOUR = 3
MEMORY_HOURS = 4 * 52 * HOURS_PER_WEEK
WARM_UP_HOURS = 3 * HOURS_PER_WEEK
FEWEST_OBSERVED_HOURS = 2 * WARM_UP_HOURS
HALF_LIFE_HOURS = 1.5 * 52 * HOURS_PER_WEEK
SHORT_LEAD_SHARE = 0.4
ROUNDS = {"poisson": 100, "regression": 40}
LEAD_EDGES = np.array([1, 2, 3, 4, 6, 9, 12, 18, 24, 36, 48, 72, 120])
FADING = [
    "departure_1",
    "departure_6",
    "departure_24",
    "departure_168",
    "same_hour_1",
    "same_hour_7",
    "drift",
]
FADE_RIDGE = 24.0
DISPERSION_PRIOR_HOURS = 1000.0
SMALLEST_ERROR = 0.02
PARAMETERS: dict[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 7,
    "feature_fraction": 0.5,
    "cat_smooth": 100.0,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
FEWEST_IN_LEAF = 200
LEARNING: dict[str, dict[str, Any]] = {
    "poisson": {"min_data_in_leaf": FEWEST_IN_LEAF, "lambda_l2": 10.0},
    # A census moves slowly: its hours say much the same, and many of them are few.
    "regression": {"lambda_l2": 100.0},
}
LEAF_SHARE = 0.02
CATEGORIES = ["series", "unit_type"]
MICROSECONDS_PER_WEEK = 7 * 24 * 3_600_000_000
SMALLEST_MEAN = 0.05

Key = tuple[str, str]


@dataclass(frozen=True)
class Examples:
    """Hours, each seen from an origin before it."""

    features: pd.DataFrame
    expected: np.ndarray
    """By the normal week at the origin's level (n,), above 0."""
    scale: np.ndarray
    """How far values usually were from it at the origin (n,), above 0."""
    value: np.ndarray
    """What came (n,)."""
    week: np.ndarray
    """The week of the hour since 1970 (n,)."""
    weight: np.ndarray
    """Newer hours weigh more (n,)."""


@dataclass(frozen=True)
class Boosted:
    """Models of one quantity, each of which has not seen one fold of the weeks; together, their mean."""

    boosters: tuple[lgb.Booster, ...]

    @classmethod
    def fit(
        cls, examples: Examples, label: np.ndarray, start: np.ndarray, objective: str, settings: Settings
    ) -> tuple[Self, np.ndarray]:
        """The models, and what they say of the rows that they have not seen (n,).

        Args:
            examples: to learn from.
            label: what is learnt (n,).
            start: what it is without any feature, on the scale of the raw score (n,).
            objective: LightGBM's name of the loss, one of :data:`LEARNING`.
            settings: gives seed and threads.
        """
        parameters = PARAMETERS | {
            "objective": objective,
            "min_data_in_leaf": max(FEWEST_IN_LEAF, int(LEAF_SHARE * len(label))),
            "seed": settings.training.seed,
            "num_threads": settings.training.threads,
        }
        parameters |= LEARNING[objective]
        fold = examples.week % FOLDS
        if len(np.unique(fold)) < FOLDS:
            fold = np.arange(len(label)) % FOLDS
        boosters, unseen = [], start.copy()
        for one in range(FOLDS):
            out = fold == one
            if not label[~out].any():
                # All zeros: nothing to learn, and a Poisson loss has no minimum.
                continue
            rows = lgb.Dataset(
                examples.features[~out],
                label[~out],
                weight=examples.weight[~out],
                init_score=start[~out],
                categorical_feature=CATEGORIES,
                # Small data: fewer rows than a histogram would like is no error.
                params={"verbosity": -1, "min_data_in_bin": 3},
            )
            boosters.append(lgb.train(parameters, rows, ROUNDS[objective]))
            unseen[out] += boosters[-1].predict(examples.features[out], raw_score=True)
        return cls(tuple(boosters)), unseen

    def raw(self, features: pd.DataFrame) -> np.ndarray:
        """The mean raw score of the models (n,), to be added to the start."""
        if not self.boosters:
            return np.zeros(len(features))
        # Weather may have begun or ended since it was fitted: without, every hour is as usual.
        known = features.reindex(columns=self.boosters[0].feature_name(), fill_value=0.0)
        raw = [np.asarray(one.predict(known, raw_score=True)) for one in self.boosters]
        return np.asarray(np.stack(raw).mean(axis=0))


@dataclass(frozen=True)
class Gbm:
    """Arrivals: a boosted mean and negative binomial spread. Census: a boosted departure and error size."""

    name: ClassVar[str] = "gbm"
    version: ClassVar[str] = "2"

    target: Target
    levels: tuple[float, ...]
    lead_hours: int
    series: dict[Key, int]
    """The series it was fitted for, and their numbers."""
    unit_types: tuple[str, ...]
    middle: Boosted | None
    """Logarithm of the mean of arrivals over what was expected; of census, the departure over its scale."""
    size: Boosted | None
    """Logarithm of the size of a census error over its scale; none for arrivals."""
    dispersion: dict[Key, float]
    """Variance over mean of arrivals by series; empty for census."""
    remainder: np.ndarray
    """Quantiles of census errors over their size (lead buckets, levels); empty for arrivals."""
    fade: np.ndarray
    """How recent census departures fade with the lead, where boosting begins; empty for arrivals."""

    @classmethod
    def fit(cls, panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target) -> Self:
        """Fit on the panel's hours before ``issued_at``.

        A series with fewer than six weeks of observed hours is left out.
        """
        known = [(key, rows.iloc[: hours_before(rows, issued_at)]) for key, rows in series_of(panel)]
        known = [(key, rows) for key, rows in known if rows["value"].notna().sum() >= FEWEST_OBSERVED_HOURS]
        series = {key: number for number, (key, _) in enumerate(known)}
        unit_types = tuple(sorted({str(rows["unit_type"].iloc[0]) for _, rows in known}))
        levels, leads = settings.horizon.quantile_levels, settings.lead_hours
        nothing: dict[Key, float] = {}
        if not known:
            return cls(
                target, levels, leads, series, unit_types, None, None, nothing, np.empty((0, 0)), np.empty(0)
            )
        random = np.random.default_rng(settings.training.seed)
        examples = _joined(
            _examples(
                rows, len(rows), *_draw(len(rows), MOST_ROWS // len(known), leads, random),
                target, number, unit_types.index(str(rows["unit_type"].iloc[0])),
            )
            for number, (_, rows) in enumerate(known)
        )  # fmt: skip
        if target is Target.ED_ARRIVALS:
            start = np.log(examples.expected)
            middle, unseen = Boosted.fit(examples, examples.value, start, "poisson", settings)
            dispersion = _dispersion(examples, np.exp(unseen), series)
            return cls(
                target,
                levels,
                leads,
                series,
                unit_types,
                middle,
                None,
                dispersion,
                np.empty((0, 0)),
                np.empty(0),
            )
        departure = (examples.value - examples.expected) / examples.scale
        fade = _fit_fade(examples, departure)
        start = _design(examples.features) @ fade
        middle, unseen = Boosted.fit(examples, departure, start, "regression", settings)
        error = departure - unseen
        size, of_unseen = Boosted.fit(
            examples, np.log(np.abs(error) + SMALLEST_ERROR), np.zeros(len(error)), "regression", settings
        )
        remainder = _remainder(examples, error / np.exp(of_unseen), levels)
        return cls(target, levels, leads, series, unit_types, middle, size, nothing, remainder, fade)

    def predict(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :meth:`forecasting.models.interface.Forecaster.predict`; a series not fitted has none."""
        between = self._quantiles_of_all(panel, issued_at)
        values = {key: np.floor(quantiles + 0.5) for key, quantiles in between.items()}
        return forecast_frame(values, self.levels, issued_at, self.target, self.name, self.version)

    def smooth(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :class:`forecasting.models.counts.Smooth`."""
        values = self._quantiles_of_all(panel, issued_at)
        return forecast_frame(values, self.levels, issued_at, self.target, self.name, self.version)

    def means(self, panel: pd.DataFrame, issued_at: datetime) -> dict[Key, np.ndarray]:
        """See :class:`forecasting.models.interface.Means`."""
        return {
            key: np.maximum(self._mean(ahead), 0.0) for key, ahead in self._fitted_series(panel, issued_at)
        }

    def _quantiles_of_all(self, panel: pd.DataFrame, issued_at: datetime) -> dict[Key, np.ndarray]:
        """By series, its quantiles between the counts (lead_hours, levels)."""
        return {key: self._quantiles(key, ahead) for key, ahead in self._fitted_series(panel, issued_at)}

    def _fitted_series(self, panel: pd.DataFrame, issued_at: datetime) -> Iterator[tuple[Key, Examples]]:
        """Each fitted series with its hours ahead, seen from the issue time."""
        for key, rows in series_of(panel):
            now = hours_before(rows, issued_at)
            if key in self.series and rows["value"].iloc[:now].notna().any():
                yield key, self._ahead(self.series[key], rows.iloc[: now + self.lead_hours], now)

    def _ahead(self, series: int, rows: pd.DataFrame, now: int) -> Examples:
        """The hours of a series from its row ``now`` on, as seen from there."""
        hours = np.arange(now, len(rows))
        kind = str(rows["unit_type"].iloc[0])
        number = self.unit_types.index(kind) if kind in self.unit_types else -1
        return _examples(rows, now, np.full(len(hours), now), hours, self.target, series, number)

    def _mean(self, ahead: Examples) -> np.ndarray:
        """Expected values (hours,); of a census not held above 0."""
        if self.middle is None:
            raise ValueError(f"{self.name} was fitted on no series and can't forecast one")
        raw = self.middle.raw(ahead.features)
        if self.size is None:
            return np.asarray(ahead.expected * np.exp(raw))
        return np.asarray(ahead.expected + ahead.scale * (raw + _design(ahead.features) @ self.fade))

    def _quantiles(self, key: Key, ahead: Examples) -> np.ndarray:
        """Quantiles (hours, levels) of a series."""
        mean = self._mean(ahead)
        if self.size is None:
            return smooth_count_quantiles(mean, self.dispersion[key], self.levels)
        size = ahead.scale * np.exp(self.size.raw(ahead.features))
        remainder = self.remainder[_bucket(ahead.features["lead"].to_numpy())]
        return np.asarray(mean[:, None] + size[:, None] * remainder)


def _draw(
    known: int, most: int, lead_hours: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Random origins and later hours of a series of which ``known`` rows are known.

    Four in ten have short leads, drawn evenly on a log scale: there a forecast changes fastest.
    """
    first = max(known - MEMORY_HOURS, WARM_UP_HOURS)
    hours = np.tile(np.arange(first, known), ROWS_PER_HOUR)
    if len(hours) > most:
        hours = np.sort(random.choice(hours, most, replace=False))
    even = random.random(len(hours)) * lead_hours
    short = np.exp(random.random(len(hours)) * np.log(lead_hours)) - 1
    lead = np.where(random.random(len(hours)) < SHORT_LEAD_SHARE, short, even).astype(np.int64)
    return np.maximum(hours - lead, WARM_UP_HOURS), hours


def _examples(
    rows: pd.DataFrame,
    now: int,
    origins: np.ndarray,
    hours: np.ndarray,
    target: Target,
    series: int,
    unit_type: int,
) -> Examples:
    """The hours of a series as seen from the origins, of which none is after ``now``."""
    standing = Standing.of(rows, now)
    told = {"series": series, "unit_type": unit_type} | standing.features(origins, hours)
    if target is Target.BED_CENSUS:
        told |= standing.departures(origins, hours)
    if ANOMALY in rows:
        weather = ToldAnomaly.of(rows)
        told["temperature"] = weather.at(hours, weather.night[origins])
    return Examples(
        pd.DataFrame(told),
        standing.expected(origins, hours),
        standing.scale(origins),
        standing.value[hours],
        rows["valid_at"].astype("int64").to_numpy()[hours] // MICROSECONDS_PER_WEEK,
        0.5 ** ((now - hours) / HALF_LIFE_HOURS),
    )


def _joined(of_series: Iterable[Examples]) -> Examples:
    """The examples of all series whose value is known."""
    parts = list(of_series)
    value = np.concatenate([part.value for part in parts])
    expected = np.concatenate([part.expected for part in parts])
    known = np.isfinite(value) & np.isfinite(expected)
    return Examples(
        pd.concat([part.features for part in parts], ignore_index=True)[known],
        expected[known],
        np.concatenate([part.scale for part in parts])[known],
        value[known],
        np.concatenate([part.week for part in parts])[known],
        np.concatenate([part.weight for part in parts])[known],
    )


def _dispersion(examples: Examples, mean: np.ndarray, series: dict[Key, int]) -> dict[Key, float]:
    """Variance over mean of each series, drawn towards that of all; at least 1."""
    pearson = examples.weight * (examples.value - mean) ** 2 / np.maximum(mean, SMALLEST_MEAN)
    of_all = pearson.sum() / examples.weight.sum()
    number = examples.features["series"].to_numpy()
    came = np.bincount(number, weights=pearson, minlength=len(series))
    counted = np.bincount(number, weights=examples.weight, minlength=len(series))
    drawn = (came + DISPERSION_PRIOR_HOURS * of_all) / (counted + DISPERSION_PRIOR_HOURS)
    return {key: max(1.0, float(drawn[one])) for key, one in series.items()}


def _remainder(examples: Examples, error: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Quantiles of the errors by lead bucket (buckets, levels); a bucket without errors has those of all."""
    bucket = _bucket(examples.features["lead"].to_numpy())
    everywhere = np.quantile(error, levels)
    return np.stack(
        [
            np.quantile(error[bucket == one], levels) if (bucket == one).any() else everywhere
            for one in range(len(LEAD_EDGES) + 1)
        ]
    )


def _design(features: pd.DataFrame) -> np.ndarray:
    """Recent departures, each over hats on the knots of the lead (n, knots x departures)."""
    lead = np.clip(features["lead"].to_numpy() + 1.0, LEAD_EDGES[0], LEAD_EDGES[-1])
    hats = np.stack([np.interp(lead, LEAD_EDGES, knot) for knot in np.eye(len(LEAD_EDGES))], axis=1)
    recent = features[FADING].fillna(0.0).to_numpy()
    return np.asarray((hats[:, :, None] * recent[:, None, :]).reshape(len(features), -1))


def _fit_fade(examples: Examples, departure: np.ndarray) -> np.ndarray:
    """The ridge regression of departures on recent ones, by lead: trees alone can't follow an extreme."""
    design = _design(examples.features)
    weighted = design * examples.weight[:, None]
    return np.asarray(
        np.linalg.solve(weighted.T @ design + FADE_RIDGE * np.eye(design.shape[1]), weighted.T @ departure)
    )


def _bucket(lead: np.ndarray) -> np.ndarray:
    return np.asarray(np.searchsorted(LEAD_EDGES, lead, side="right"))
