"""The phase that scores: published forecasts beside their outcomes, once these are final."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import sqlalchemy as sa
import structlog

from forecasting import evaluate, warehouse
from forecasting.blocks import BLOCK_HOURS, HOUR, shift_names
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.features import build_panel
from forecasting.models import Climatology
from forecasting.pipeline.ingest import recorded
from forecasting.pipeline.monitor.opening import MonitorKey
from forecasting.pipeline.plan import with_shifts_and_days
from forecasting.schema import FORECAST_SCORE, Speaker, Target
from forecasting.warehouse import Night

log = structlog.get_logger()

SERIES = ["site_id", "unit_id"]
BY = [*SERIES, "target", "period", "lead_day", "shift"]
SUMS = ["outcome", "pinball", "mae", "bias", "coverage_80", "coverage_90", "pit_80", "pit_90"]
DAY = timedelta(days=1)
HOURS_PER_DAY = 24
OVERHANG = {HOUR: 0, **BLOCK_HOURS}
"""Hours after its lead day at which the last block that begins in it has ended, though clocks go back."""


def score_site(place: Deployment, key: MonitorKey, site_id: str) -> int:
    """Score what a site's nights published of hours whose outcome is final by now.

    An outcome is final where no night will read its hour again: beyond the look-back from the last hour that
    is recorded. A night whose forecasts are scored to the end is left alone.

    Returns:
        How many nights were scored, for the first time or further.
    """
    settings = read_settings(place.config)
    engine = warehouse.connect(place.warehouse)
    issued_at = settings.issued_at(key.night)
    final = _final_before(engine, settings, site_id, issued_at)
    if final is None:
        return 0
    first = key.night - timedelta(days=key.window_days + settings.monitoring.recent_days) - _reach(settings)
    known = warehouse.scored_until(engine, site_id, first)
    due = []
    for night in warehouse.published_nights(engine, site_id, first, key.night):
        until = min(final, night.issued_at + _reach(settings))
        if until >= night.issued_at + DAY and known.get(night.night) != (night.output_digest, until):
            due.append((night, until))
    if not due:
        return 0
    since = min(night.issued_at for night, _ in due)
    outcomes = warehouse.observations(engine, [site_id], None, since, issued_at)
    for night, until in due:
        rows = _night_scores(place, settings, night, until, outcomes)
        warehouse.record_scores(engine, site_id, night.night, rows)
    log.info("scored", site=site_id, night=str(key.night), stage="monitor", nights=len(due))
    return len(due)


def _final_before(
    engine: sa.Engine, settings: Settings, site_id: str, issued_at: datetime
) -> datetime | None:
    """The first hour that the next night will read again; None where nothing was recorded."""
    just_after = issued_at + timedelta(microseconds=1)
    last = warehouse.last_observed(engine, site_id, just_after)
    return None if last is None else last - settings.look_back(settings.site(site_id))


def _reach(settings: Settings) -> timedelta:
    """How long after its issue time a night's last block has surely ended."""
    lead_days = -(-timedelta(hours=settings.lead_hours) // DAY)
    return (lead_days + 1) * DAY


def _night_scores(
    place: Deployment, settings: Settings, night: Night, until: datetime, outcomes: pd.DataFrame
) -> pd.DataFrame:
    """FORECAST_SCORE rows of a site's night, from outcomes before ``until`` alone."""
    final = outcomes[(outcomes["valid_at"] >= night.issued_at) & (outcomes["valid_at"] < until)]
    came = pd.concat(
        [
            final.assign(period=HOUR),
            evaluate.period_outcomes(final, settings, tuple(BLOCK_HOURS)),
        ]
    )
    engine = warehouse.connect(place.warehouse)
    published = warehouse.forecasts(engine, night.night, [night.site_id])
    shadow = warehouse.shadow_forecasts(engine, night.site_id, night.issued_at)
    parts = [FORECAST_SCORE.empty()]
    for target in Target:
        of_target = published[published["target"] == target]
        if of_target.empty:
            continue
        said = _said(place, settings, night, target, of_target, shadow[shadow["target"] == target])
        parts += [
            _scores(spoken, came, settings, night, until) for spoken in _on_same_ground(said) if len(spoken)
        ]
    rows = pd.concat(parts, ignore_index=True)
    return FORECAST_SCORE.conform(
        rows.assign(night=night.night, outcomes_until=until, output_digest=night.output_digest)
    )


def _said(
    place: Deployment,
    settings: Settings,
    night: Night,
    target: Target,
    published: pd.DataFrame,
    shadow: pd.DataFrame,
) -> pd.DataFrame:
    """What champion and climatology said, each of the series it could: rows of FORECAST, and ``speaker``.

    What was published is taken as it was. Climatology of the series for which the champion spoke is made
    again from what the night knew; shifts and days of the champion in shadow from its hours.
    """
    usual = published["model"] == Climatology.name
    history = recorded(place, settings, [night.site_id], target, night.issued_at)
    parts = [published.assign(speaker=np.where(usual, Speaker.CLIMATOLOGY, Speaker.CHAMPION), published=True)]
    if len(shadow):
        told = with_shifts_and_days(shadow, history, settings)
        parts.append(told.assign(speaker=Speaker.CHAMPION.value, published=False))
    if not usual.all():
        site = settings.site(night.site_id)
        panel = build_panel(history, target, settings, night.issued_at, [site])
        hourly = Climatology.fit(panel, settings, night.issued_at, target).predict(panel, night.issued_at)
        spoken_for = pd.MultiIndex.from_frame(published.loc[~usual, SERIES])
        hourly = hourly[pd.MultiIndex.from_frame(hourly[SERIES]).isin(spoken_for)]
        told = with_shifts_and_days(hourly, history, settings)
        parts.append(told.assign(speaker=Speaker.CLIMATOLOGY.value, published=False))
    return pd.concat(parts, ignore_index=True)


def _on_same_ground(said: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The series of which both spoke, and those that have climatology alone."""
    champion = said.loc[said["speaker"] == Speaker.CHAMPION, SERIES]
    both = pd.MultiIndex.from_frame(said[SERIES]).isin(pd.MultiIndex.from_frame(champion))
    yield said[both]
    yield said[~both]


def _scores(
    said: pd.DataFrame, came: pd.DataFrame, settings: Settings, night: Night, until: datetime
) -> pd.DataFrame:
    """Sums of the measures over hours and blocks of lead days that are over by ``until``."""
    who = said.drop_duplicates([*SERIES, "target", "speaker"])
    hours = evaluate.scored_hours(said.assign(model=said["speaker"].astype(str)), came)
    over = hours["lead_day"] * HOURS_PER_DAY + hours["period"].map(OVERHANG)
    hours = hours[over <= (until - night.issued_at) / timedelta(hours=1)]
    shift = shift_names(hours["valid_at"], hours["site_id"], settings)
    sums = evaluate.add_up(hours.assign(shift=np.where(hours["period"] == "P1D", "", shift)), BY)
    for name in SUMS:
        sums[name] = sums[name].where(sums[f"{name}_known"] > 0)
    names = ["model", "model_version", "published"]
    return sums.rename(columns={"model": "speaker"}).merge(
        who[[*SERIES, "target", "speaker", *names]], on=[*SERIES, "target", "speaker"]
    )
