"""The phase that plans: one site of a scenario, from the published night's inputs to rows of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import structlog

from forecasting import warehouse
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import WhatIfRefused
from forecasting.pipeline.ed_load import told_by_load
from forecasting.pipeline.flows import staged_flows
from forecasting.pipeline.plan import heads_of, site_paths
from forecasting.pipeline.what_if.opening import WhatIfKey, published_night
from forecasting.pipeline.what_if.remarks import remarks_of, remarks_on_base
from forecasting.schema import PRESENT, SCHEDULED_SHIFT
from forecasting.staffing.scenario import Inputs, changed
from forecasting.staging import Stage
from forecasting.tracking import ScenarioRuns
from forecasting.warehouse import Night

log = structlog.get_logger()


def plan_what_if(place: Deployment, key: WhatIfKey, site_id: str) -> int:
    """Plan a site as the scenario has it, beside what is published, and record it; returns how many rows.

    Raises:
        WhatIfRefused: the night is not published any more, or its sample paths can't be made again.
    """
    try:
        return _plan(place, key, site_id)
    except BaseException:
        ScenarioRuns(place.mlflow, place.artifacts).close(key.mlflow_run_id, succeeded=False)
        raise


def _plan(place: Deployment, key: WhatIfKey, site_id: str) -> int:
    settings, engine = read_settings(place.config), warehouse.connect(place.warehouse)
    stage = Stage(place.staging, key.night, site_id)
    night = published_night(engine, site_id, key.night)
    published = warehouse.recommendations(engine, key.night, [site_id])
    forecast = warehouse.forecasts(engine, key.night, [site_id])
    before = _inputs(place, settings, stage, night.issued_at, forecast, published)
    after = changed(before, key.asked.scenario)
    remarks = [
        *remarks_of(before, after, key.asked.scenario, staged=_is_staged(stage)),
        *remarks_on_base(_heads(forecast, before), published),
    ]
    heads = _heads(forecast, after).assign(
        scenario_id=key.scenario_id,
        night=key.night,
        mlflow_run_id=key.mlflow_run_id,
        dag_run_id=key.dag_run_id,
        data_digest=night.data_digest,
    )
    warehouse.record_scenario(engine, _row(key, night, settings, remarks), heads)
    log.info("what-if planned", scenario=key.scenario_id, site=site_id, rows=len(heads))
    return len(heads)


def _row(key: WhatIfKey, night: Night, settings: Settings, remarks: Sequence[str]) -> dict[str, Any]:
    """The site's SCENARIO row."""
    scenario = key.asked.scenario
    closed = scenario.closed_at(settings.site(night.site_id))
    return {
        "scenario_id": key.scenario_id,
        "site_id": night.site_id,
        "night": night.night,
        "issued_at": night.issued_at,
        "title": key.asked.title,
        "arrivals": scenario.arrivals,
        "census": scenario.census,
        "stay": scenario.stay,
        "absence": scenario.absence,
        "closed_beds": ", ".join(f"{unit}={beds}" for unit, beds in closed.items()),
        "ratio_set": scenario.ratio_set,
        "remarks": "\n".join(remarks),
        "output_digest": night.output_digest,
        "config_digest": settings.digest,
        "mlflow_run_id": key.mlflow_run_id,
        "dag_run_id": key.dag_run_id,
        "made_at": datetime.now(UTC),
    }


def _inputs(
    place: Deployment,
    settings: Settings,
    stage: Stage,
    issued_at: datetime,
    forecast: pd.DataFrame,
    published: pd.DataFrame,
) -> Inputs:
    """What the published plan was made of, as far as it is kept."""
    paths = site_paths(place, settings, forecast)
    for target in set(forecast["target"]) - set(paths):
        raise WhatIfRefused(
            f"{stage.site_id}'s sample paths of {target} on night {stage.night} can't be made again, see the "
            "log; choose another night"
        )
    told, flows = told_by_load(stage, settings, issued_at, paths), staged_flows(stage, issued_at)
    return Inputs(
        settings=settings,
        site=settings.site(stage.site_id),
        issued_at=issued_at,
        paths=told.paths,
        roster=_roster(stage, published),
        inflow=flows.inflow,
        departure=flows.departure,
        load=told.load,
        why_census=told.why_census,
    )


def _roster(stage: Stage, published: pd.DataFrame) -> pd.DataFrame:
    """The roster that was staged; where that is gone, the heads that the published rows have."""
    if _is_staged(stage):
        return stage.read(SCHEDULED_SHIFT)
    known = published[published["scheduled"].notna()]
    return SCHEDULED_SHIFT.conform(known.rename(columns={"scheduled": "heads"}))


def _is_staged(stage: Stage) -> bool:
    return stage.has(f"{SCHEDULED_SHIFT.name}.parquet")


def _heads(forecast: pd.DataFrame, of: Inputs) -> pd.DataFrame:
    """RECOMMENDATION rows; of the forecast only who made it is read, since the paths have every series."""
    from forecasting.models import Flows

    flows = Flows(of.inflow, of.departure, PRESENT.empty())
    return heads_of(of.settings, of.site, of.issued_at, forecast, of.roster, of.paths, flows, of.why_census)
