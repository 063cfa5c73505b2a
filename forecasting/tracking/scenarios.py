"""MLflow runs: one a what-if."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from forecasting.tracking.experiment import Experiment


class ScenarioRuns(Experiment):
    """The runs of the what-ifs' experiment."""

    name: ClassVar[str] = "hospital_what_if"

    def open_scenario(self, scenario_id: str, title: str, tags: Mapping[str, str]) -> str:
        """The run of a scenario: found again if it is there, else begun. Returns its id."""
        return self.reopened(title, {"kind": "what_if", "scenario_id": scenario_id}, tags)
