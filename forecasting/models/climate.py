"""The climate of one series: what to expect of an hour of the week, and how what happens departs from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HOURS_PER_DAY = 24
HOURS_PER_WEEK = 168
MEMORY_HOURS = 52 * HOURS_PER_WEEK
LEVEL_HOURS = 4 * HOURS_PER_WEEK
PERSISTENCE_LEADS = np.array([1, 2, 3, 4, 6, 9, 12, 18, 24, 36, 48, 72, 96, 120, 144, 168, 192])

NEIGHBOUR_SHARE = 0.25
DAY_SHAPE_WEIGHT = 4.0
LEVEL_PRIOR_HOURS = 336.0
SPREAD_PRIOR_HOURS = 3.0
PERSISTENCE_PRIOR_HOURS = 24.0
SMALLEST_SPREAD = 0.1
SUNDAY = 6


@dataclass(frozen=True, kw_only=True)
class Departures:
    """The law by which a series departs from what is expected of it.

    A departure is (value - expected) / spread of its hour of the day.
    """

    spread: np.ndarray
    """Standard deviation from what is expected by local hour of the day (24,)."""
    persistence: np.ndarray
    """Share of a departure that is left after :data:`PERSISTENCE_LEADS` hours."""
    remainder: np.ndarray
    """Quantiles of what persistence does not explain, by lead and level (leads, levels)."""

    def persists(self, leads: np.ndarray) -> np.ndarray:
        """Share of a departure left after ``leads`` hours."""
        return np.asarray(np.interp(leads, PERSISTENCE_LEADS, self.persistence))

    def remains(self, leads: np.ndarray) -> np.ndarray:
        """Quantiles of the unexplained departure after ``leads`` hours (leads, levels)."""
        columns = [np.interp(leads, PERSISTENCE_LEADS, column) for column in self.remainder.T]
        return np.stack(columns, axis=-1)


@dataclass(frozen=True, kw_only=True)
class Climate(Departures):
    """A series' normal week and the law of its departures from it."""

    profile: np.ndarray
    """Expected value by local hour of the week, Monday 00:00 first (168,)."""
    dispersion: float
    """Variance over mean, as a negative binomial has it; at least 1."""


def hours_of_week(weekday: np.ndarray, local_hour: np.ndarray, holiday: np.ndarray) -> np.ndarray:
    """Local hour of the week, 0..167; a public holiday counts as a Sunday."""
    day = np.where(holiday == 1, SUNDAY, weekday)
    return np.asarray(day * HOURS_PER_DAY + local_hour)


def fit_climate(values: np.ndarray, week_hour: np.ndarray, levels: tuple[float, ...]) -> Climate:
    """The climate of the last 52 weeks of a series, of which two weeks with gaps are enough.

    Args:
        values: the series up to the issue time, hour after hour (n,); NaN where missing.
        week_hour: hour of the week of each row, see :func:`hours_of_week`.
        levels: quantile levels.

    Raises:
        ValueError: no value was observed.
    """
    values, week_hour = values[-MEMORY_HOURS:], week_hour[-MEMORY_HOURS:]
    observed = ~np.isnan(values)
    if not observed.any():
        raise ValueError("a climate needs at least one observed value")
    profile, leverage = _profile(values[observed], week_hour[observed])
    # Departures are from the level of today: how far past weeks were from it is part of their law.
    expected = profile[week_hour] * recent_level(profile, values, week_hour)
    # What a value says of itself is taken out: the spread is that of hours the profile has not seen.
    deviation = (values - expected) / (1.0 - leverage[week_hour])
    pearson = deviation[observed] ** 2 / np.maximum(expected[observed], SMALLEST_SPREAD)
    dispersion = max(1.0, float(np.mean(pearson)))
    departures = fit_departures(deviation, week_hour % HOURS_PER_DAY, levels)
    return Climate(
        profile=profile,
        dispersion=dispersion,
        spread=departures.spread,
        persistence=departures.persistence,
        remainder=departures.remainder,
    )


def fit_departures(deviation: np.ndarray, day_hour: np.ndarray, levels: tuple[float, ...]) -> Departures:
    """The law of the departures of a series.

    Args:
        deviation: value - expected, hour after hour (n,); NaN where missing, not everywhere.
        day_hour: local hour of the day of each (n,).
        levels: quantile levels.
    """
    observed = ~np.isnan(deviation)
    spread = _spread(deviation[observed], day_hour[observed])
    persistence, remainder = _persistence(deviation / spread[day_hour], levels)
    return Departures(spread=spread, persistence=persistence, remainder=remainder)


def level_ratio(values: np.ndarray, expected: np.ndarray, typical: np.ndarray) -> np.ndarray:
    """Observed over expected along the last axis, drawn towards 1 as if by two weeks at the typical value."""
    observed = ~np.isnan(values)
    prior = LEVEL_PRIOR_HOURS * np.maximum(typical, SMALLEST_SPREAD)
    came = np.where(observed, values, 0.0).sum(axis=-1) + prior
    return np.asarray(came / (np.where(observed, expected, 0.0).sum(axis=-1) + prior))


def recent_level(profile: np.ndarray, values: np.ndarray, week_hour: np.ndarray) -> float:
    """Ratio of a series' last four weeks to its profile."""
    recent = profile[week_hour[-LEVEL_HOURS:]]
    return float(level_ratio(values[-LEVEL_HOURS:], recent, profile.mean()))


def last_departure(climate: Climate, values: np.ndarray, week_hour: np.ndarray) -> tuple[float, int]:
    """The newest departure from the profile at its recent level, and its age in hours, 1 or more."""
    last = int(np.flatnonzero(~np.isnan(values))[-1])
    expected = climate.profile[week_hour[last]] * recent_level(climate.profile, values, week_hour)
    departure = (values[last] - expected) / climate.spread[week_hour[last] % HOURS_PER_DAY]
    return float(departure), len(values) - last


def _profile(values: np.ndarray, week_hour: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected value by hour of the week, and the weight of one value in its own expectation.

    The hours beside an hour lend it a quarter each, and the mean of its hour of the day weighs four weeks.
    """
    total = _with_neighbours(np.bincount(week_hour, weights=values, minlength=HOURS_PER_WEEK))
    count = _with_neighbours(np.bincount(week_hour, minlength=HOURS_PER_WEEK).astype(float))
    day_hour = week_hour % HOURS_PER_DAY
    day_total = np.bincount(day_hour, weights=values, minlength=HOURS_PER_DAY) + values.mean()
    day_count = np.bincount(day_hour, minlength=HOURS_PER_DAY) + 1.0
    day_mean = np.tile(day_total / day_count, HOURS_PER_WEEK // HOURS_PER_DAY)
    weight = count + DAY_SHAPE_WEIGHT
    profile = (total + DAY_SHAPE_WEIGHT * day_mean) / weight
    own = 1.0 - 2 * NEIGHBOUR_SHARE
    in_day_mean = DAY_SHAPE_WEIGHT / np.tile(day_count, HOURS_PER_WEEK // HOURS_PER_DAY)
    return profile, np.minimum((own + in_day_mean) / weight, 0.9)


def _with_neighbours(by_hour: np.ndarray) -> np.ndarray:
    beside = np.roll(by_hour, 1) + np.roll(by_hour, -1)
    return np.asarray((1 - 2 * NEIGHBOUR_SHARE) * by_hour + NEIGHBOUR_SHARE * beside)


def _spread(deviation: np.ndarray, day_hour: np.ndarray) -> np.ndarray:
    squares = np.bincount(day_hour, weights=deviation**2, minlength=HOURS_PER_DAY)
    count = np.bincount(day_hour, minlength=HOURS_PER_DAY)
    overall = float(np.mean(deviation**2))
    variance = (squares + SPREAD_PRIOR_HOURS * overall) / (count + SPREAD_PRIOR_HOURS)
    return np.maximum(np.sqrt(variance), SMALLEST_SPREAD)


def _persistence(departure: np.ndarray, levels: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """For each lead, the regression of a departure on the one before, and the quantiles of what it leaves.

    A direct projection for every lead: Jordà (2005), Estimation and inference of impulse responses by local
    projections, American Economic Review 95(1).
    """
    missing = np.isnan(departure)
    has_gaps = bool(missing.any())
    everywhere = _quantiles(departure[~missing] if has_gaps else departure, levels)
    persistence = np.zeros(len(PERSISTENCE_LEADS))
    remainder = np.tile(everywhere, (len(PERSISTENCE_LEADS), 1))
    for row, lead in enumerate(PERSISTENCE_LEADS):
        now, then = departure[:-lead], departure[lead:]
        if has_gaps:
            both = ~(missing[:-lead] | missing[lead:])
            now, then = now[both], then[both]
        if len(now) < HOURS_PER_WEEK:
            continue
        persistence[row] = np.clip(now @ then / (now @ now + PERSISTENCE_PRIOR_HOURS), 0.0, 1.0)
        remainder[row] = _quantiles(then - persistence[row] * now, levels)
    return persistence, remainder


def _quantiles(values: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """What ``np.quantile`` gives, from a whole sort: a sixth of the time of its partial one."""
    ordered = np.sort(values)
    place = np.asarray(levels) * (len(ordered) - 1)
    below = place.astype(np.int64)
    above = np.minimum(below + 1, len(ordered) - 1)
    return np.asarray(ordered[below] + (ordered[above] - ordered[below]) * (place - below))
