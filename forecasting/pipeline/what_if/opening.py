"""Where a what-if begins: which night it changes, under which id, in which MLflow run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
import structlog

from forecasting import warehouse
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import WhatIfRefused
from forecasting.pipeline.what_if.asked import WhatIf
from forecasting.schema import NightState, Target
from forecasting.tracking import ScenarioRuns
from forecasting.warehouse import Night

log = structlog.get_logger()


@dataclass(frozen=True)
class WhatIfKey:
    """What every phase of a what-if is told; small enough to pass between tasks."""

    scenario_id: str
    night: date
    asked: WhatIf
    dag_run_id: str
    mlflow_run_id: str

    def as_json(self) -> dict[str, Any]:
        """The key as plain values."""
        return {
            "scenario_id": self.scenario_id,
            "night": self.night.isoformat(),
            "asked": self.asked.as_json(),
            "dag_run_id": self.dag_run_id,
            "mlflow_run_id": self.mlflow_run_id,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> WhatIfKey:
        """The key that :meth:`as_json` wrote."""
        return cls(
            scenario_id=values["scenario_id"],
            night=date.fromisoformat(values["night"]),
            asked=WhatIf.from_json(values["asked"]),
            dag_run_id=values["dag_run_id"],
            mlflow_run_id=values["mlflow_run_id"],
        )


def open_what_if(place: Deployment, asked: WhatIf, dag_run_id: str, tags: Mapping[str, str]) -> WhatIfKey:
    """Settle the night, see that its plan is published, and open the run in MLflow.

    The id is a digest of what is asked, of the published plans and of the configuration: the same question
    is the same scenario, whose rows and run are made anew.

    Raises:
        WhatIfRefused: a site's night is not published, or a unit whose patients would move has no forecast.
    """
    settings = read_settings(place.config)
    engine = warehouse.connect(place.warehouse)
    night = asked.night or warehouse.last_published(engine, asked.site_ids)
    if night is None:
        raise WhatIfRefused(
            f"no night is published by all of {', '.join(asked.site_ids)}; "
            "walk one first (`forecasting night`)"
        )
    nights = [published_night(engine, site_id, night) for site_id in asked.site_ids]
    _refuse_unforecast(engine, settings, asked, night)
    plans = [each.output_digest for each in nights]
    question = json.dumps([asked.of(night).as_json(), plans, settings.digest])
    scenario_id = hashlib.sha256(question.encode()).hexdigest()[:12]
    runs = ScenarioRuns(place.mlflow, place.artifacts)
    title = asked.title or f"what if {night}"
    run_id = runs.open_scenario(scenario_id, title, {"airflow.dag_run_id": dag_run_id, **tags})
    said = {**asked.of(night).as_json(), "config_digest": settings.digest}
    runs.log_params(run_id, {name: value for name, value in said.items() if value not in ("", None)})
    log.info("what-if opened", scenario=scenario_id, night=str(night))
    return WhatIfKey(scenario_id, night, asked.of(night), dag_run_id, run_id)


def published_night(engine: sa.Engine, site_id: str, night: date) -> Night:
    """A site's night, published.

    Raises:
        WhatIfRefused: it is not; the message names the last one that is.
    """
    found = warehouse.find_night(engine, site_id, night)
    if found is not None and found.state is NightState.PUBLISHED:
        return found
    last = warehouse.last_published(engine, [site_id])
    stands = f"it is {found.state.value}" if found else "it was never opened"
    choose = f"the last that is: {last}" if last else "none is yet; walk one first (`forecasting night`)"
    raise WhatIfRefused(f"night {night} of {site_id} is not published, {stands}; {choose}")


def _refuse_unforecast(engine: sa.Engine, settings: Settings, asked: WhatIf, night: date) -> None:
    """Patients can't be moved out of a unit, nor into the ED, of which nobody knows how many it has."""
    for site_id, closed in asked.scenario.closed_beds.items():
        forecast = warehouse.forecasts(engine, night, [site_id])
        known = set(forecast.loc[forecast["target"] == Target.BED_CENSUS, "unit_id"])
        ed = settings.site(site_id).ed
        unknown = sorted({*closed, *([ed.unit_id] if ed else [])} - known)
        if unknown:
            raise WhatIfRefused(
                f"closed beds of {site_id}: night {night} has no forecast of the patients in "
                f"{', '.join(unknown)}; leave them out, or choose another night"
            )
