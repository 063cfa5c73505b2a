"""The phase that tells: a table for the log or the terminal, and MLflow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd
import structlog
from rich.console import Console

from forecasting import report
from forecasting.blocks import HOUR
from forecasting.deployment import Deployment
from forecasting.pipeline.monitor.judging import Judgement
from forecasting.pipeline.monitor.losses import CLIMATOLOGY, PUBLISHED
from forecasting.pipeline.monitor.opening import MonitorKey
from forecasting.report.terminal import standard_output
from forecasting.schema import SeriesState, Target
from forecasting.tracking import MonitorRuns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = structlog.get_logger()

MEASURES = (
    "wql",
    "skill",
    "skill_low",
    "skill_high",
    "bias",
    "pit_80",
    "pit_90",
    "coverage_80",
    "coverage_90",
)


def tell_monitor(
    place: Deployment, key: MonitorKey, found: Judgement, console: Console | None = None
) -> list[str]:
    """Print what was found, and write it to the night's run in MLflow with its tables and plots.

    Returns:
        What somebody should look at, a sentence each.
    """
    sentences = report.alerts(found.verdicts, found.before, found.drifts, found.disparities, found.requests)
    report.print_monitor(found.scores, found.verdicts, sentences, console or standard_output())
    for sentence in sentences:
        log.warning(sentence, night=str(key.night), stage="monitor")
    runs = MonitorRuns(place.mlflow, place.artifacts)
    run_id = key.mlflow_run_id
    runs.log_metrics(run_id, {name: value for name, value in _metrics(found) if math.isfinite(value)})
    tables = {
        "scores": found.scores,
        "series_verdict": found.verdicts,
        "drift": found.drifts,
        "disparity": found.disparities,
        "training_request": found.requests,
    }
    for name, table in tables.items():
        runs.log_table(run_id, table, f"{name}.csv")
    for name, figure in _figures(found, key):
        runs.log_figure(run_id, figure, f"plots/{name}.png")
    runs.describe(run_id, report.monitor_markdown(found.scores, found.verdicts, sentences))
    runs.close(run_id, succeeded=True)
    return sentences


def monitor_page(place: Deployment, key: MonitorKey, server: str) -> str:
    """The page of the monitoring's run on an MLflow server."""
    return MonitorRuns(place.mlflow, place.artifacts).page_of(server, key.mlflow_run_id)


def _metrics(found: Judgement) -> Iterator[tuple[str, float]]:
    for state in SeriesState:
        yield f"series_{state.value}", float((found.verdicts["state"] == state).sum())
    yield "trainings_asked", float(len(found.requests))
    if found.scores.empty:
        return
    mine = found.scores[(found.scores["model"] == PUBLISHED) & (found.scores["period"] == HOUR)]
    for row in mine.to_dict("records"):
        group = "" if row["by"] == "all" else f"_by_{row['by']}/{str(row['group']).replace('/', '.')}"
        for name in MEASURES if row["by"] == "all" else ("skill", "pit_80"):
            told = name.replace("skill", "skill_percent")
            value = 100 * row[name] if name.startswith("skill") else row[name]
            yield f"{row['target']}/{told}{group}", float(value)


def _figures(found: Judgement, key: MonitorKey) -> Iterator[tuple[str, Figure]]:
    """Skill by lead and coverage by unit of what was published, and disparity; by target."""
    if found.scores.empty:
        return
    subtitle = f"Published forecasts, up to {key.window_days} days of outcomes, as of night {key.night}."
    hourly = found.scores[found.scores["period"] == HOUR]
    for target in Target:
        scores = hourly[hourly["target"] == target]
        if scores.empty:
            continue
        title = report.MEASURE[target]
        by_lead = scores[scores["by"] == "lead_day"]
        by_lead = by_lead.assign(lead_day=by_lead["group"].astype(int))
        yield f"skill_by_lead_{target.value}", report.skill_figure(by_lead, title, subtitle, CLIMATOLOGY)
        by_unit = scores[scores["by"] == "unit"].rename(columns={"group": "series"})
        yield f"coverage_by_unit_{target.value}", report.coverage_figure(by_unit, title, subtitle)
        uneven: pd.DataFrame = found.disparities[found.disparities["target"] == target]
        if len(uneven):
            yield f"disparity_{target.value}", report.disparity_figure(uneven, title, subtitle)
