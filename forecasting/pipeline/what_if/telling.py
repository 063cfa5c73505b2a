"""The difference to people: a table for the log or the terminal, and MLflow."""

from __future__ import annotations

import pandas as pd
from rich.console import Console

from forecasting import report, warehouse
from forecasting.config import read_settings
from forecasting.deployment import Deployment
from forecasting.pipeline.what_if.opening import WhatIfKey
from forecasting.tracking import ScenarioRuns


def tell_what_if(place: Deployment, key: WhatIfKey, console: Console | None = None) -> pd.DataFrame:
    """Print the difference against the published plan, and write it to MLflow.

    Args:
        place: this installation.
        key: of a what-if whose sites are planned.
        console: where to print; None for standard output.

    Returns:
        The totals; see :func:`forecasting.report.difference_totals`.
    """
    settings, engine = read_settings(place.config), warehouse.connect(place.warehouse)
    published = warehouse.recommendations(engine, key.night, key.asked.site_ids)
    scenarios = warehouse.scenarios(engine, key.scenario_id)
    heads = warehouse.scenario_recommendations(engine, key.scenario_id)
    report.print_difference(published, heads, scenarios, settings, console)
    totals = report.difference_totals(published, heads)
    runs = ScenarioRuns(place.mlflow, place.artifacts)
    runs.log_metrics(
        key.mlflow_run_id,
        {
            f"{row['site_id']}/{name}": float(row[name])
            for row in totals.to_dict("records")
            for name in totals.columns.drop("site_id")
            if pd.notna(row[name])
        },
    )
    runs.log_table(key.mlflow_run_id, report.differences(published, heads), "difference.csv")
    runs.describe(key.mlflow_run_id, report.difference_markdown(totals, scenarios))
    runs.close(key.mlflow_run_id, succeeded=True)
    return totals


def what_if_page(place: Deployment, key: WhatIfKey, server: str) -> str:
    """The page on an MLflow server where a what-if's answer stands."""
    return ScenarioRuns(place.mlflow, place.artifacts).page_of(server, key.mlflow_run_id)
