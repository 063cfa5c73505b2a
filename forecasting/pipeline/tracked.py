"""What MLflow is told of a night; where it does not answer, the night goes on and is told of later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import pandas as pd
import structlog

from forecasting import warehouse
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.schema import NightState
from forecasting.staging import Stage, nights_that_left
from forecasting.tracking import Runs

log = structlog.get_logger()

UNTOLD = "untold"
NO_RUN = ""
"""The run id of a night that MLflow does not know yet."""


def begin_run(
    place: Deployment,
    settings: Settings,
    night: date,
    site_ids: Sequence[str],
    dag_run_id: str,
    tags: Mapping[str, str],
) -> str:
    """Begin the night's run, or find it again. Returns its id, or :data:`NO_RUN`."""
    begun = {"dag_run_id": dag_run_id, "site_ids": list(site_ids), "tags": dict(tags)}
    Stage(place.staging, night).write_record("run", begun)
    run_id = NO_RUN
    with told_or_kept(place, night):
        run_id = _begin(Runs(place.mlflow, place.artifacts), settings, night, begun)
    return run_id  # noqa: RET504 - the context may end the assignment


@contextmanager
def told_or_kept(place: Deployment, night: date) -> Iterator[None]:
    """Tell MLflow; if that fails, keep in mind that the night is yet to be told of.

    Whatever is wrong with MLflow must not cost a hospital its plan.
    """
    try:
        yield
    except Exception:
        log.exception("MLflow could not be told; the night goes on", night=str(night))
        stage = Stage(place.staging, night)
        stage.write_record(UNTOLD, stage.read_record("run"))


def tell_plan(place: Deployment, night: date, run_id: str, site_id: str, heads: pd.DataFrame) -> None:
    """Write a site's published heads to the night's run, unless MLflow does not know the night yet."""
    if run_id != NO_RUN:
        with told_or_kept(place, night):
            _tell_plan(Runs(place.mlflow, place.artifacts), run_id, site_id, heads)


def tell_end(place: Deployment, night: date, run_id: str, published: int, unpublished: int) -> None:
    """End the night's run, and tell of what was kept when MLflow did not answer."""
    if run_id != NO_RUN:
        with told_or_kept(place, night):
            _tell_end(Runs(place.mlflow, place.artifacts), run_id, published, unpublished)
    record_untold(place)


def record_untold(place: Deployment) -> list[date]:
    """Tell MLflow of every night that it was not told of; ends at the first that it still does not take.

    Returns:
        The nights that it knows now.
    """
    told = []
    for night in nights_that_left(place.staging, f"{UNTOLD}.json"):
        try:
            _record(place, night)
        except Exception:
            log.exception("MLflow still can't be told", night=str(night))
            break
        told.append(night)
    return told


def _record(place: Deployment, night: date) -> None:
    """Tell of one night what the warehouse knows, and name the run in the rows that lack it."""
    stage = Stage(place.staging, night)
    begun = stage.read_record(UNTOLD)
    engine = warehouse.connect(place.warehouse)
    runs = Runs(place.mlflow, place.artifacts)
    run_id = _begin(runs, read_settings(place.config), night, begun)
    nights = warehouse.nights(engine, night)
    published = set(nights.loc[nights["state"] == NightState.PUBLISHED, "site_id"]) & set(begun["site_ids"])
    warehouse.name_run(engine, night, begun["dag_run_id"], run_id)
    heads = warehouse.recommendations(engine, night)
    for site_id in sorted(published):
        _tell_plan(runs, run_id, site_id, heads[heads["site_id"] == site_id])
    _tell_end(runs, run_id, len(published), len(begun["site_ids"]) - len(published))
    stage.remove(f"{UNTOLD}.json")
    log.info("MLflow told", night=str(night), run=run_id)


def _begin(runs: Runs, settings: Settings, night: date, begun: Mapping[str, Any]) -> str:
    run_id = runs.open_night(night, begun["dag_run_id"], begun["tags"])
    runs.log_params(
        run_id,
        {
            "issued_at": settings.issued_at(night).isoformat(),
            "sites": ", ".join(begun["site_ids"]),
            "config_digest": settings.digest,
            "lead_hours": settings.lead_hours,
        },
    )
    return run_id


def _tell_plan(runs: Runs, run_id: str, site_id: str, heads: pd.DataFrame) -> None:
    runs.log_table(run_id, heads, f"recommendation/{site_id}.csv")
    runs.log_metrics(
        run_id,
        {
            f"{site_id}/heads_recommended": float(heads["recommended"].sum()),
            f"{site_id}/heads_short": float(heads["gap"].clip(lower=0).sum()),
            f"{site_id}/share_from_baseline": float(heads["model"].eq("climatology").mean()),
        }
        | {
            f"{site_id}/{name}": float(heads[name].sum())
            for name in ("expected_cost", "expected_cost_scheduled")
            if heads[name].notna().any()
        },
    )


def _tell_end(runs: Runs, run_id: str, published: int, unpublished: int) -> None:
    runs.log_metrics(run_id, {"sites_published": published, "sites_unpublished": unpublished})
    runs.close(run_id, succeeded=not unpublished)
