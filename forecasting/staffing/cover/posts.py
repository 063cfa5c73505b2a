"""Columns of a linear programme: heads added to and released from a roster, slot by slot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.staffing.cover.case import Posts, Reals, Slot, Wages, Wholes


@dataclass(frozen=True)
class PostColumns:
    """Two columns a slot, first all that add heads and then all that release them (2 x slots,)."""

    scheduled: Wholes
    """(slots,)"""
    price: Reals
    lower: Reals
    upper: Reals
    rostered: Reals
    """What the roster costs as it stands (slots,)."""

    @property
    def most_added(self) -> Wholes:
        """The most heads that each slot may have besides the roster's (slots,)."""
        return self.upper[: len(self.scheduled)].astype(np.int64)

    def heads(self, values: Reals) -> Wholes:
        """Heads by slot, from the values of the columns; rounded to whole ones."""
        added, released = np.split(np.rint(values).astype(np.int64), 2)
        return np.asarray(self.scheduled + added - released)

    def cost(self, heads: Wholes) -> Reals:
        """What these heads cost, roster included, slot by slot (slots,)."""
        added, released = np.split(self.price, 2)
        change = heads - self.scheduled
        return np.asarray(self.rostered + added * np.maximum(change, 0) + released * np.maximum(-change, 0))


def post_columns(posts: Posts, wages: Wages, scheduled: Wholes, slots: tuple[Slot, ...]) -> PostColumns:
    """The columns of one unit's or pool's heads."""
    hours = np.array([slot.hours for slot in slots], dtype=float)
    least, most = np.array(posts.least), np.array(posts.most)
    return PostColumns(
        scheduled=scheduled,
        price=np.concatenate([wages.added * hours, -wages.released * hours]),
        lower=np.concatenate([least - scheduled, scheduled - most]).clip(min=0).astype(float),
        upper=np.concatenate([most - scheduled, scheduled - least]).clip(min=0).astype(float),
        rostered=wages.rostered * hours * scheduled,
    )
