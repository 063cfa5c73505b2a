"""A registered version as MLflow's generic Python model: panel rows in, forecast rows out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from forecasting.models.nightly.trained import TrainedEnsemble, load


class ServedEnsemble:
    """What ``mlflow.pyfunc.load_model`` gives."""

    def __init__(self, ensemble: TrainedEnsemble) -> None:
        self._ensemble = ensemble

    def predict(self, panel: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The forecast issued at the hour after the panel's last observed one.

        Args:
            panel: as :func:`forecasting.features.build_panel` builds it, after :func:`without_zones`.
            params: not used.

        Returns:
            Rows of :data:`forecasting.schema.FORECAST`.
        """
        panel = panel.assign(valid_at=panel["valid_at"].dt.tz_localize("UTC"))
        last = panel.loc[panel["observed"] == 1, "valid_at"].max()
        issued_at: datetime = (last + pd.Timedelta(hours=1)).to_pydatetime().astimezone(UTC)
        return self._ensemble.predict(panel, issued_at)


def without_zones(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its UTC times stripped of their zone: MLflow's signatures know none."""
    stripped = frame.copy()
    for name in frame.select_dtypes("datetimetz").columns:
        stripped[name] = frame[name].dt.tz_convert("UTC").dt.tz_localize(None)
    return stripped


def _load_pyfunc(path: str) -> ServedEnsemble:
    return ServedEnsemble(load(Path(path)))
