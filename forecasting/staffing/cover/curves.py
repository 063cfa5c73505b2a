"""What follows in a stretch when so many heads are planned for it.

Of the heads called once the need is seen, the cheapest comes first, and each only if it saves more than it
costs. The cost is convex in the heads planned, and stays so when each of them comes with some probability.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import binom

from forecasting.staffing.cover.case import Reals, Surge, UnitCase, Wholes
from forecasting.staffing.cover.need import Need
from forecasting.staffing.cover.stretches import Stretches

ABSENT_SPREAD = 4
"""Standard deviations of those who come, beyond which no more heads are reckoned with."""


@dataclass(frozen=True)
class Consequences:
    """By stretch, path and heads planned, 0 to a unit's levels (stretches, paths, levels + 1)."""

    short: Reals
    """Head-hours missing after all who are worth it were called."""
    lacking: Reals
    """Head-hours missing before anyone was called."""
    called: dict[str, Reals]
    """Head-hours by kind of surge."""


def levels_of(unit: UnitCase, tallest: int, reachable: int) -> int:
    """The most heads planned for a stretch that need be told apart: more change nothing.

    Args:
        unit: gives the show-up rate and the minimum.
        tallest: the most heads needed in any hour.
        reachable: the most heads that can be planned.
    """
    absent = 1 - unit.show_up
    spread = ABSENT_SPREAD * math.sqrt(tallest * absent) / unit.show_up
    return max(min(math.ceil(tallest / unit.show_up + spread), reachable), unit.minimum, 1)


def cost_curve(unit: UnitCase, need: Need, stretches: Stretches, levels: int) -> Reals:
    """The cost of heads called and missing, by heads planned (stretches, paths, levels + 1)."""
    hours = _hours(stretches)
    ranks = _ranks(unit.surges, need)
    cost = unit.short * _beyond_all(need.of_hours(hours), _called_at_most(ranks), levels)
    for surge, places in ranks.items():
        price_or_short = need.of_hours(np.minimum(_price(surge, stretches), unit.short * hours))
        for place in places:
            _add_shifted(cost, price_or_short, place)
    return _who_come(cost, unit.show_up)


def consequences(unit: UnitCase, need: Need, stretches: Stretches, levels: int) -> Consequences:
    """What follows but for its cost."""
    hours = _hours(stretches)
    ranks = _ranks(unit.surges, need)
    needed = need.of_hours(hours)
    short = _beyond_all(needed, _called_at_most(ranks), levels)
    called = {surge.name: np.zeros(short.shape) for surge in unit.surges}
    for surge, places in ranks.items():
        worth = unit.short * hours > _price(surge, stretches)
        on_duty = need.of_hours(np.where(worth, stretches.hours[:, None], 0.0))
        missing = need.of_hours(np.where(worth, 0, hours))
        for place in places:
            _add_shifted(called[surge.name], on_duty, place)
            _add_shifted(short, missing, place)
    return Consequences(
        short=_who_come(short, unit.show_up),
        lacking=_who_come(_beyond_all(needed, 0, levels), unit.show_up),
        called={name: _who_come(curve, unit.show_up) for name, curve in called.items()},
    )


def overtaken(unit: UnitCase, need: Need, stretches: Stretches, levels: int, more: int) -> Reals:
    """The probability that some hour needs more than come, were ``more`` heads called besides.

    Returns:
        By stretch, path and heads planned (stretches, paths, levels + 1).
    """
    above = need.of_hours(np.minimum(_hours(stretches), 1))
    curve = np.zeros((*above.shape[:-1], levels + 1))
    _add_shifted(curve, above, more)
    return _who_come(curve, unit.show_up)


def at_heads(curve: Reals, heads: Wholes) -> Reals:
    """An expected curve (stretches, 1, levels + 1) at the heads of each stretch (stretches,)."""
    return np.asarray(curve[np.arange(len(heads)), 0, np.minimum(heads, curve.shape[-1] - 1)])


@lru_cache(maxsize=64)
def _chances(heads: int, show_up: float) -> Reals:
    planned = np.arange(heads + 1)
    return np.asarray(binom.pmf(planned, planned[:, None], show_up))


def chances(heads: int, show_up: float) -> Reals:
    """P(k of n come) for n and k from 0 to ``heads`` (heads + 1, heads + 1)."""
    return _chances(heads, show_up)


def _who_come(curve: Reals, show_up: float) -> Reals:
    return curve if show_up == 1 else curve @ chances(curve.shape[-1] - 1, show_up).T


def _ranks(surges: tuple[Surge, ...], need: Need) -> dict[Surge, range]:
    """Whose turn it is to be called, the cheapest first: the places of each surge's heads."""
    ranks, first = {}, 0
    for surge in sorted(surges, key=lambda one: one.price):
        end = min(first + surge.most, need.tallest)
        ranks[surge] = range(first, end)
        first = end
    return ranks


def _called_at_most(ranks: dict[Surge, range]) -> int:
    return max((places.stop for places in ranks.values()), default=0)


def _hours(stretches: Stretches) -> Reals:
    """0, 1, 2 ... hours for each stretch (stretches, longest + 1)."""
    return np.tile(np.arange(stretches.hours.max() + 1.0), (len(stretches), 1))


def _price(surge: Surge, stretches: Stretches) -> Reals:
    return np.asarray(surge.price * stretches.hours[:, None], dtype=float)


def _add_shifted(curve: Reals, by_level: Reals, by: int) -> None:
    """Add to a curve the values at level ``by`` and above; there is nothing beyond the tallest."""
    kept = by_level[:, :, by : by + curve.shape[-1]]
    curve[:, :, : kept.shape[-1]] += kept


def _beyond_all(by_level: Reals, by: int, levels: int) -> Reals:
    """The sums of all from level ``by`` up, ``by`` + 1 up ... ``by + levels`` up."""
    sums = np.flip(np.cumsum(np.flip(by_level, axis=-1), axis=-1), axis=-1)
    curve = np.zeros((*by_level.shape[:-1], levels + 1))
    _add_shifted(curve, sums, by)
    return curve
