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

    def of_site(self, site_id: str) -> Self:
        """The flow of one site."""
        return self._where("site_id", site_id)

    def of_unit(self, unit_id: str) -> Self:
        """The flow of the units of that id; of one, where these are one site's."""
        return self._where("unit_id", unit_id)

    def _where(self, column: str, value: str) -> Self:
        tables = (self.inflow, self.departure, self.present)
        return type(self)(*(rows[rows[column] == value] for rows in tables))
