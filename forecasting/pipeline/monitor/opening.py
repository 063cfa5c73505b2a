"""Where a monitoring begins: as of which night, over how many days, in which MLflow run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from forecasting.config import read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import MonitorRefused
from forecasting.tracking import MonitorRuns


@dataclass(frozen=True)
class MonitorKey:
    """What every phase of a monitoring is told; small enough to pass between tasks."""

    night: date
    window_days: int
    mlflow_run_id: str

    def as_json(self) -> dict[str, Any]:
        """The key as plain values."""
        return {**vars(self), "night": self.night.isoformat()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> MonitorKey:
        """The key that :meth:`as_json` wrote."""
        return cls(
            date.fromisoformat(values["night"]), int(values["window_days"]), str(values["mlflow_run_id"])
        )


def open_monitor(
    place: Deployment, night: date, window_days: int | None, tags: Mapping[str, str]
) -> MonitorKey:
    """Open the night's run in MLflow, or find it again.

    Args:
        place: this installation.
        night: as known at whose issue time the forecasts are scored and judged.
        window_days: how many days of outcomes count; as configured where None.
        tags: of the run.

    Raises:
        MonitorRefused: the night has not come.
    """
    settings = read_settings(place.config)
    if settings.issued_at(night) > datetime.now(UTC):
        raise MonitorRefused(
            f"night {night} has not come; leave it out for the latest, or name an earlier one"
        )
    window = window_days or settings.monitoring.window_days
    runs = MonitorRuns(place.mlflow, place.artifacts)
    run_id = runs.open_monitoring(night, tags)
    issued_at = settings.issued_at(night).isoformat()
    asked = {"night": night, "issued_at": issued_at, "config_digest": settings.digest}
    runs.log_params(run_id, {**asked, "window_days": window, "recent_days": settings.monitoring.recent_days})
    return MonitorKey(night, window, run_id)
