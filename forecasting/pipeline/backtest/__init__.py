"""Backtests: what each model would have said on past nights, knowing no more than was known then.

In order: open, forecast, score, tell. Each phase takes a key, and may be run again. What the forecasts were
worth as staffing plans is settled afterwards, where it is asked for.
"""

from forecasting.pipeline.backtest.opening import BacktestKey, open_backtest
from forecasting.pipeline.backtest.protocol import BacktestProtocol, read_protocol
from forecasting.pipeline.backtest.running import forecast_backtest
from forecasting.pipeline.backtest.scoring import score_backtest
from forecasting.pipeline.backtest.settling import SettledBacktest, settle_backtest
from forecasting.pipeline.backtest.telling import BacktestResult, backtest_page, tell_backtest

__all__ = [
    "BacktestKey",
    "BacktestProtocol",
    "BacktestResult",
    "SettledBacktest",
    "backtest_page",
    "forecast_backtest",
    "open_backtest",
    "read_protocol",
    "score_backtest",
    "settle_backtest",
    "tell_backtest",
]
