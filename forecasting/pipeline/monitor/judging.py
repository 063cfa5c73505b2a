"""The phase that judges: who may speak for which series, what has drifted, who is forecast worse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd
import sqlalchemy as sa
import structlog

from forecasting import evaluate, warehouse
from forecasting.blocks import HOUR
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.evaluate import Resampling, SeriesVerdict
from forecasting.level_change import LEVEL_MOVED
from forecasting.pipeline.backtest.periods import block_periods
from forecasting.pipeline.monitor.asking import reasons_to_train
from forecasting.pipeline.monitor.inputs import site_inputs
from forecasting.pipeline.monitor.losses import beside_climatology, by_outcome_day, score_tables
from forecasting.pipeline.monitor.opening import MonitorKey
from forecasting.schema import SERIES_VERDICT, TRAINING_REQUEST, SeriesState, Speaker, Target

log = structlog.get_logger()

SERIES = ["site_id", "unit_id", "target"]
SURE = Resampling(level=0.98, draws=1000)
ALL_TOGETHER = Resampling(level=0.9, draws=1000)
HIGHEST_LEAD_DAY = 16


@dataclass(frozen=True)
class Judgement:
    """What a monitoring found."""

    scores: pd.DataFrame
    """As :func:`forecasting.report.print_scores` takes them."""
    verdicts: pd.DataFrame
    """SERIES_VERDICT rows."""
    before: pd.DataFrame
    """The last verdicts before: SERIES_VERDICT rows."""
    drifts: pd.DataFrame
    """what, target, site_id, unit_id (both "" of all together), recent, reference, change, low, high,
    drifted."""
    disparities: pd.DataFrame
    """target, by, and the columns of :func:`forecasting.evaluate.disparity`."""
    requests: pd.DataFrame
    """TRAINING_REQUEST rows."""


def judge(place: Deployment, key: MonitorKey) -> Judgement:
    """Judge every series as known at the night's issue time, and store what comes of it.

    Judging a night again stores the same rows.
    """
    settings, engine = read_settings(place.config), warehouse.connect(place.warehouse)
    issued_at = settings.issued_at(key.night)
    recent_days = settings.monitoring.recent_days
    scores = by_outcome_day(_read(engine, settings, key), key.window_days + recent_days)
    hourly = scores[scores["period"] == HOUR]
    champion = hourly[hourly["speaker"] == Speaker.CHAMPION]
    paired = beside_climatology(champion, hourly).rename(columns={"pinball": "champion_pinball"})
    published = beside_climatology(hourly[hourly["published"]], hourly)
    before = warehouse.verdicts(engine, key.night - timedelta(days=key.window_days), key.night)
    missing, levels = _inputs(place, settings, issued_at, key.window_days + recent_days)

    judged = evaluate.judge_series(paired, _standing(before), key.night, key.window_days, recent_days)
    drifts = _drifts(paired, published, missing, recent_days, key.window_days)
    verdicts = _verdicts(judged, levels, drifts, key)
    requests = _requests(engine, settings, verdicts, drifts, key, issued_at)
    warehouse.record_verdicts(engine, key.night, verdicts, requests)
    log.info("judged", night=str(key.night), stage="monitor", series=len(verdicts), asked=len(requests))
    window = by_outcome_day(scores, key.window_days)
    uneven = _disparities(by_outcome_day(published, key.window_days), settings)
    return Judgement(score_tables(window), verdicts, before, drifts, uneven, requests)


def _read(engine: sa.Engine, settings: Settings, key: MonitorKey) -> pd.DataFrame:
    days = key.window_days + settings.monitoring.recent_days + settings.longest_look_back.days
    first = key.night - timedelta(days=days + HIGHEST_LEAD_DAY)
    periods = (HOUR, *block_periods(settings))
    return pd.concat([warehouse.scores(engine, first, key.night, period) for period in periods])


def _inputs(
    place: Deployment, settings: Settings, issued_at: datetime, days: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    found = [
        site_inputs(place, settings, site, target, issued_at, days)
        for site in settings.sites
        for target in Target
    ]
    missing, levels = zip(*found, strict=True)
    return pd.concat(missing, ignore_index=True), pd.concat(levels, ignore_index=True)


def _standing(verdicts: pd.DataFrame) -> dict[tuple[str, str, str], SeriesVerdict]:
    return {
        (row["site_id"], row["unit_id"], row["target"]): SeriesVerdict(
            SeriesState(row["state"]),
            row["why"],
            row["judged_from"] if pd.notna(row["judged_from"]) else None,
        )
        for row in verdicts.to_dict("records")
    }


def _drifts(
    paired: pd.DataFrame, published: pd.DataFrame, missing: pd.DataFrame, recent: int, window: int
) -> pd.DataFrame:
    """What of the last days is another than before: losses, and the share of hours that are missing."""
    asked = {
        "loss": (published, "pinball", "outcome"),
        "loss over climatology's": (paired, "champion_pinball", "climatology_pinball"),
        "missing hours": (missing, "missing", "hours"),
    }
    parts = []
    for what, (table, over, under) in asked.items():
        for keys in (["target"], SERIES):
            found = evaluate.drift(table, over, under, keys, recent, window, SURE)
            parts.append(found.assign(what=what))
    table = pd.concat(parts, ignore_index=True)
    named = table.assign(**{name: table[name].fillna("") for name in ("site_id", "unit_id")})
    columns = ["what", "target", "site_id", "unit_id", "recent", "reference", "change", "low", "high"]
    return named[columns].assign(drifted=named["low"] > 0)


def _verdicts(
    judged: pd.DataFrame, levels: pd.DataFrame, drifts: pd.DataFrame, key: MonitorKey
) -> pd.DataFrame:
    """The verdicts with what is known of the inputs; a series whose level has moved is watched."""
    missing = drifts.loc[(drifts["what"] == "missing hours") & (drifts["unit_id"] != "")]
    missing = missing[[*SERIES, "recent"]].rename(columns={"recent": "missing_share"})
    table = judged.merge(levels, on=SERIES, how="left").merge(missing, on=SERIES, how="left")
    moved = (table["level_change"].abs() >= LEVEL_MOVED) & (table["state"] == SeriesState.OK)
    why = [f"its level has just changed by {change:+.0%}" for change in table["level_change"].fillna(0.0)]
    return SERIES_VERDICT.conform(
        table.assign(
            night=key.night,
            mlflow_run_id=key.mlflow_run_id,
            state=table["state"].mask(moved, SeriesState.WATCH.value),
            why=table["why"].mask(moved, pd.Series(why, index=table.index, dtype=object)),
            days=table["days"].astype("int64"),
        )
    )


def _disparities(published: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """By target, sites against each other, and types of units."""
    types = {
        (site.site_id, unit.unit_id): unit.unit_type.value for site in settings.sites for unit in site.units
    }
    series = zip(published["site_id"], published["unit_id"], strict=True)
    typed = published.assign(site=published["site_id"], unit_type=[types.get(one, "") for one in series])

    def found() -> Iterator[pd.DataFrame]:
        for target, rows in typed.groupby("target"):
            for by in ("site", "unit_type"):
                yield evaluate.disparity(rows, by, ALL_TOGETHER).assign(target=target, by=by)

    parts = [part for part in found() if len(part)]
    columns = ["target", "by", "group", "figure", "value", "others", "difference", "low", "high", "differs"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _requests(
    engine: sa.Engine,
    settings: Settings,
    verdicts: pd.DataFrame,
    drifts: pd.DataFrame,
    key: MonitorKey,
    issued_at: datetime,
) -> pd.DataFrame:
    """A row for each target that should be trained from nothing; none soon after it was asked for."""
    soonest = timedelta(days=settings.training.retrain_after_days)
    rows = []
    for target in Target:
        of_target = verdicts[verdicts["target"] == target]
        loss = drifts[(drifts["what"] == "loss over climatology's") & (drifts["target"] == target)]
        why = reasons_to_train(of_target, loss[loss["unit_id"] == ""], settings.monitoring.retrain_share)
        asked = warehouse.training_asked(engine, target, key.night)
        if why and (asked is None or issued_at - asked >= soonest):
            of = {"target": target.value, "night": key.night, "issued_at": issued_at}
            rows.append({**of, "why": "; ".join(why), "mlflow_run_id": key.mlflow_run_id})
    return TRAINING_REQUEST.conform(pd.DataFrame(rows, columns=TRAINING_REQUEST.columns.names))
