"""The phase that scores: forecasts and outcomes to tables, one issue time's forecasts in memory."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from forecasting.blocks import HOUR
from forecasting.deployment import Deployment
from forecasting.evaluate import period_outcomes
from forecasting.pipeline.backtest.folder import BacktestFolder, Scores
from forecasting.pipeline.backtest.history import outcomes
from forecasting.pipeline.backtest.opening import BacktestKey
from forecasting.pipeline.backtest.periods import block_periods
from forecasting.pipeline.backtest.tally import Tally, calibration_of, scores_of, tally, together
from forecasting.schema import Target


def score_backtest(place: Deployment, key: BacktestKey) -> int:
    """Join the parts, and score them; returns how many rows of scores were written."""
    folder = key.folder(place)
    folder.join_parts()
    scores = [_scores(folder, target) for target in folder.protocol.targets]
    names = ("table", "calibration", "voices")
    every = Scores(**{name: _joined([getattr(one, name) for one in scores]) for name in names})
    folder.write_scores(every)
    return len(every.table)


def _scores(folder: BacktestFolder, target: Target) -> Scores:
    came = _outcomes(folder, target)
    counted = together([_tally(folder, came, target, night) for night in folder.protocol.nights])
    names = [contender.name for contender in folder.protocol.contenders_of(target)]
    tables = (scores_of(counted, names), calibration_of(counted, names), counted.voices)
    return Scores(*(_of_target(table, target) for table in tables))


def _tally(folder: BacktestFolder, came: pd.DataFrame, target: Target, night: date) -> Tally:
    settings = folder.settings
    begin = settings.issued_at(night)
    within = came["valid_at"].between(begin, begin + timedelta(hours=settings.lead_hours), inclusive="left")
    return tally(folder.read_night(target, night), came[within], target, settings)


def _outcomes(folder: BacktestFolder, target: Target) -> pd.DataFrame:
    """What came, hour by hour and block by block, since the first issue time."""
    settings, versions = folder.settings, folder.versions
    ahead = versions["valid_at"] >= settings.issued_at(folder.protocol.first)
    came = outcomes(versions[ahead & (versions["target"] == target)])
    blocks = period_outcomes(came, settings, block_periods(settings))
    return pd.concat([came.assign(period=HOUR), blocks], ignore_index=True)


def _of_target(table: pd.DataFrame, target: Target) -> pd.DataFrame:
    table.insert(0, "target", target.value)
    return table


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True)
