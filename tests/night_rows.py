"""What a night leaves in the warehouse, to be compared with what another one left there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import pandas as pd

from forecasting import warehouse
from forecasting.deployment import Deployment
from forecasting.schema import SHADOW_FORECAST, Target

OF_THE_RUN = ["mlflow_run_id", "dag_run_id", "started_at", "finished_at", "timings", "decided_at"]
DAYS_OBSERVED = 200
"""More than the history that a night of the tests' configuration reads."""


def night_rows(place: Deployment, night: date, site_ids: Sequence[str]) -> dict[str, pd.DataFrame]:
    """By table all rows of a night, without what names the run or tells its time.

    Of the observations every version that the night knew.
    """
    engine = warehouse.connect(place.warehouse)
    nights = warehouse.nights(engine, night)
    of_sites = nights[nights["site_id"].isin(site_ids)].reset_index(drop=True)
    shadows = [
        warehouse.shadow_forecasts(engine, site_id, issued_at)
        for site_id, issued_at in of_sites[["site_id", "issued_at"]].itertuples(index=False)
    ]
    end = datetime.combine(night, time(), UTC) + timedelta(days=2)
    since = end - timedelta(days=DAYS_OBSERVED)
    known_by = of_sites["issued_at"].max() if len(of_sites) else end
    tables = {
        "night": of_sites,
        "forecast": warehouse.forecasts(engine, night, site_ids),
        "shadow_forecast": pd.concat([SHADOW_FORECAST.empty(), *shadows], ignore_index=True),
        "recommendation": warehouse.recommendations(engine, night, site_ids),
        "validation": warehouse.validation_results(engine, night, site_ids),
        "quarantine": warehouse.quarantined_rows(engine, night, site_ids),
        "decision": warehouse.decisions(engine, night, site_ids),
    } | {
        target.value: versions[versions["known_at"] <= known_by].reset_index(drop=True)
        for target in Target
        for versions in [warehouse.observation_versions(engine, site_ids, target, since, end)]
    }
    return {name: frame.drop(columns=OF_THE_RUN, errors="ignore") for name, frame in tables.items()}


def assert_same_rows(place: Deployment, expected: Deployment, night: date, site_ids: Sequence[str]) -> None:
    """Every table holds of that night and these sites what the other warehouse does."""
    found, wanted = (night_rows(where, night, site_ids) for where in (place, expected))
    assert len(wanted["recommendation"])
    for name, frame in found.items():
        pd.testing.assert_frame_equal(frame, wanted[name], obj=name)
