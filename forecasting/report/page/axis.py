"""Where an instant lies across a chart, and a number up it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd

from forecasting.config import Site

LEFT, WIDTH, RIGHT = 34.0, 760.0, 754.0
"""Where the first and last hour lie in a chart, and its width, in the units of its own picture."""
_LEAST_DAY = 34.0
"""A day that is narrower has no room for its name."""
_STEPS = (1, 2, 5)
_MOST_TICKS = 4


@dataclass(frozen=True)
class Mark:
    """A line across or up a chart, where its words stand, and the words."""

    line: float
    at: float
    words: str


@dataclass(frozen=True)
class Hours:
    """The hours of a chart, from the left edge to the right."""

    begin: datetime
    end: datetime

    def x(self, instants: pd.DatetimeIndex) -> np.ndarray:
        """Where the instants lie (n,)."""
        seconds = (instants - pd.Timestamp(self.begin)).total_seconds().to_numpy()
        return LEFT + (RIGHT - LEFT) * seconds / (self.end - self.begin).total_seconds()

    def one(self, instant: datetime) -> float:
        """Where the instant lies, at most at the edges."""
        share = (instant - self.begin) / (self.end - self.begin)
        return LEFT + (RIGHT - LEFT) * min(max(share, 0.0), 1.0)

    def days(self, site: Site) -> tuple[Mark, ...]:
        """Each local midnight, and the day's name over its middle."""
        first, last = (pd.Timestamp(edge).tz_convert(site.zone) for edge in (self.begin, self.end))
        days = pd.date_range(first.normalize(), last, freq="D")
        edges = [*days, (days[-1] + timedelta(days=1)).normalize()]
        marks = []
        for day, next_day in pairwise(edges):
            left, right = self.one(day), self.one(next_day)
            named = f"{day:%a} {day.day}" if right - left >= _LEAST_DAY else ""
            marks.append(Mark(round(left, 1), round((left + right) / 2, 1), named))
        return tuple(marks)


@dataclass(frozen=True)
class Scale:
    """Numbers from 0 up, between the bottom of a panel and its top."""

    top: float
    height: float
    highest: float
    step: float

    def y(self, values: np.ndarray) -> np.ndarray:
        """How far from the picture's upper edge the values lie (n,)."""
        return self.top + self.height * (1 - values / self.highest)

    def one(self, value: float) -> float:
        """How far from the picture's upper edge the value lies."""
        return round(float(self.y(np.array(value))), 1)

    def ticks(self) -> tuple[Mark, ...]:
        """Whole numbers, evenly apart."""
        numbers = np.arange(0, self.highest + self.step / 2, self.step)
        return tuple(Mark(self.one(number), self.one(number), f"{number:.0f}") for number in numbers)


def scale(largest: float, top: float, height: float) -> Scale:
    """A scale that holds the largest number, with a few round ticks; 1 where there is none."""
    wanted = max(largest, 1.0) if math.isfinite(largest) else 1.0
    step = next(
        step * 10**power for power in range(12) for step in _STEPS if wanted <= step * 10**power * _MOST_TICKS
    )
    return Scale(top, height, step * math.ceil(wanted / step), step)


def line(x: np.ndarray, y: np.ndarray) -> str:
    """An SVG path through the points, broken where one is missing."""
    path, drawing = [], False
    for each_x, each_y in zip(x, y, strict=True):
        if np.isnan(each_y):
            drawing = False
            continue
        path.append(f"{'L' if drawing else 'M'}{each_x:.1f} {each_y:.1f}")
        drawing = True
    return "".join(path)


def band(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> str:
    """An SVG path around all between two lines, which have a value everywhere."""
    around = zip(np.append(x, x[::-1]), np.append(high, low[::-1]), strict=True)
    return "".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(around)) + "Z"
