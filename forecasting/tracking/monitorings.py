"""MLflow runs: one a monitoring."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import ClassVar

from forecasting.tracking.experiment import Experiment


class MonitorRuns(Experiment):
    """The runs of the monitor's experiment."""

    name: ClassVar[str] = "hospital_monitor"

    def open_monitoring(self, night: date, tags: Mapping[str, str]) -> str:
        """The run of the monitoring as of a night: found again if it is there, else begun. Returns its id."""
        return self.reopened(f"as of {night}", {"kind": "monitor", "night": str(night)}, tags)
