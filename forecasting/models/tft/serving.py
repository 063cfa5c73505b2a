"""The trained transformer as MLflow's generic Python model: panel rows in, forecast rows out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from forecasting.models.tft.trained import TrainedTFT, load


class ServedTFT:
    """What ``mlflow.pyfunc.load_model`` gives."""

    def __init__(self, network: TrainedTFT) -> None:
        self._network = network

    def predict(self, panel: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The forecast issued at the hour after the panel's last observed one.

        Args:
            panel: as :func:`forecasting.features.build_panel` builds it.
            params: not used.

        Returns:
            Rows of :data:`forecasting.schema.FORECAST`.
        """
        last = panel.loc[panel["observed"] == 1, "valid_at"].max()
        issued_at: datetime = (last + pd.Timedelta(hours=1)).to_pydatetime().astimezone(UTC)
        return self._network.predict(panel, issued_at)


def _load_pyfunc(path: str) -> ServedTFT:
    return ServedTFT(load(Path(path)))
