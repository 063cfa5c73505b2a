"""What every model is to the rest of the house: a panel in, a forecast out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd

from forecasting.schema import FORECAST, Target


class Forecaster(Protocol):
    """A fitted model of one target."""

    @property
    def name(self) -> str:
        """What the model is called in a forecast's rows."""
        ...

    @property
    def version(self) -> str:
        """Which of its kind it is."""
        ...

    def predict(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """The forecast of every series of the panel, issued at ``issued_at``.

        Values of the panel at or after ``issued_at`` are not looked at.

        Returns:
            Rows of :data:`forecasting.schema.FORECAST` with period ``PT1H`` and an empty note, for the
            hours ``issued_at`` .. ``issued_at`` + lead_hours - 1 h; quantiles never fall with their level
            and are never negative. A series without an observation before ``issued_at`` has none.
        """
        ...


@runtime_checkable
class Means(Protocol):
    """A model that can also say what it expects: means add up over hours, as quantiles don't."""

    def means(self, panel: pd.DataFrame, issued_at: datetime) -> dict[tuple[str, str], np.ndarray]:
        """Expected values of the hours that ``predict`` forecasts (lead_hours,), by (site_id, unit_id)."""
        ...


def series_of(panel: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """The panel's series by (site_id, unit_id), in its order, each with its rows hour after hour."""
    for (site_id, unit_id), rows in panel.groupby(["site_id", "unit_id"], sort=False):
        yield (str(site_id), str(unit_id)), rows


def hours_before(rows: pd.DataFrame, issued_at: datetime) -> int:
    """How many of a series' rows are of hours before ``issued_at``."""
    return int(rows["valid_at"].searchsorted(pd.Timestamp(issued_at)))


def forecast_frame(
    values: dict[tuple[str, str], np.ndarray],
    levels: tuple[float, ...],
    issued_at: datetime,
    target: Target,
    model: str,
    version: str,
) -> pd.DataFrame:
    """Quantiles as a forecast table: negative values raised to zero, levels put in order.

    Sorting the quantiles of an hour never raises their pinball loss: Chernozhukov, Fernández-Val and
    Galichon (2010), Quantile and probability curves without crossing, Econometrica 78(3).

    Args:
        values: by (site_id, unit_id), one row per hour from ``issued_at`` on and one column per level; the
            same hours for each.
        levels: quantile levels, rising.
        issued_at: the issue time, and the first hour.
        target: what is forecast.
        model: the model's name.
        version: its version.

    Returns:
        Rows of :data:`forecasting.schema.FORECAST`.
    """
    if not values:
        return FORECAST.empty()
    issue = pd.Timestamp(issued_at).tz_convert("UTC")
    quantiles = np.stack(list(values.values()))
    series, hours, count = quantiles.shape
    rows = hours * count
    valid_at = pd.date_range(issue, periods=hours, freq="h").repeat(count)
    sites, units = zip(*values, strict=True)
    table = pd.DataFrame(
        {
            "issued_at": issue,
            "site_id": np.repeat(np.array(sites, dtype=object), rows),
            "unit_id": np.repeat(np.array(units, dtype=object), rows),
            "target": target.value,
            "period": "PT1H",
            "valid_at": valid_at[np.tile(np.arange(rows), series)],
            "quantile": np.tile(levels, series * hours),
            "value": np.sort(np.maximum(quantiles, 0.0), axis=-1).ravel(),
            "model": model,
            "model_version": version,
            "note": "",
        }
    )
    return FORECAST.conform(table)
