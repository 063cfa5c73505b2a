"""The phase that forecasts: every part of a backtest, or of one contender."""

from __future__ import annotations

from forecasting.deployment import Deployment
from forecasting.outcome import BacktestRefused
from forecasting.pipeline.backtest.flows import gather_flows
from forecasting.pipeline.backtest.opening import BacktestKey
from forecasting.pipeline.backtest.workers import Progress, forecast_parts
from forecasting.tracking import BacktestRuns


def forecast_backtest(
    place: Deployment,
    key: BacktestKey,
    jobs: int,
    contender: str | None = None,
    told: Progress | None = None,
) -> None:
    """Forecast what is not forecast yet; where this is cut off, the next time goes on.

    Args:
        place: this installation.
        key: of a backtest that is open.
        jobs: processes side by side; they change no number.
        contender: name of the only one to forecast; all if left out.
        told: what to tell whenever a part has ended.

    Raises:
        BacktestRefused: no such backtest is open, or it has no such contender.
        SourceLost: a model asks for the flow of patients, and the source does not answer.
    """
    folder = key.folder(place)
    parts = [part for part in folder.protocol.parts if contender in (None, part.contender.name)]
    if not parts:
        raise BacktestRefused(f"backtest {key.backtest_id} has no contender {contender!r}")
    try:
        gather_flows(place.source, folder, parts, told)
        forecast_parts(folder.root, parts, jobs, told)
    except BaseException:
        BacktestRuns(place.mlflow, place.artifacts).close(key.mlflow_run_id, succeeded=False)
        raise
