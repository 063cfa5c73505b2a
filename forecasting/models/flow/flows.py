"""What is known of the flow of patients at an issue time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import pandas as pd

from forecasting.schema import DEPARTURE, INFLOW, PRESENT


@dataclass(frozen=True)
class Flows:
    """Counts of some sites, as their sources knew them at one issue time."""

    inflow: pd.DataFrame
    """Rows of :data:`forecasting.schema.INFLOW`."""
    departure: pd.DataFrame
    """Rows of :data:`forecasting.schema.DEPARTURE`."""
    present: pd.DataFrame
    """Rows of :data:`forecasting.schema.PRESENT`."""

    @classmethod
    def none(cls) -> Self:
        """Of no site: a source of another profile, or a night before flows were extracted."""
        return cls(INFLOW.empty(), DEPARTURE.empty(), PRESENT.empty())

    @classmethod
    def together(cls, sites: Iterable[Flows]) -> Self:
        """The flows of several sites as one."""
        parts: list[Flows] = [cls.none(), *sites]
        return cls(
            INFLOW.conform(pd.concat([part.inflow for part in parts])),
            DEPARTURE.conform(pd.concat([part.departure for part in parts])),
            PRESENT.conform(pd.concat([part.present for part in parts])),
        )

    def of(self, site_id: str, unit_id: str) -> Self:
        """The flow of one unit."""
        return type(self)(
            *(
                rows[(rows["site_id"] == site_id) & (rows["unit_id"] == unit_id)]
                for rows in (self.inflow, self.departure, self.present)
            )
        )
