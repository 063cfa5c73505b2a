"""Where a backtest begins: what it is asked of, under which id, in which MLflow run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import pandas as pd
import structlog

import forecasting
from forecasting import extract, warehouse
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.models.catalogue import CATALOGUE
from forecasting.outcome import BacktestRefused
from forecasting.pipeline.backtest.folder import BacktestFolder
from forecasting.pipeline.backtest.protocol import BacktestProtocol
from forecasting.schema import OBSERVATION_VERSION, WEATHER
from forecasting.staging import digest
from forecasting.tracking import BacktestRuns
from forecasting.validate import plausible_weather

log = structlog.get_logger()

CODE = (
    "blocks.py",
    "extract/flows.py",
    "extract/weather.py",
    "features",
    "models",
    "pipeline/backtest/flows.py",
    "pipeline/backtest/history.py",
    "pipeline/backtest/rolling.py",
)
"""What decides what a part holds."""


@dataclass(frozen=True)
class BacktestKey:
    """What every phase of a backtest is told; small enough to pass between tasks."""

    backtest_id: str
    mlflow_run_id: str

    def as_json(self) -> dict[str, str]:
        """The key as plain text values."""
        return asdict(self)

    def folder(self, place: Deployment) -> BacktestFolder:
        """Where its files lie."""
        return BacktestFolder(place.var.absolute() / "backtests" / self.backtest_id)


def open_backtest(place: Deployment, protocol: BacktestProtocol, tags: Mapping[str, str]) -> BacktestKey:
    """Take the observations that a backtest needs out of the warehouse, and open its run in MLflow.

    The id is a digest of what is asked, of the configuration, of the observations and of the code that
    forecasts: the same backtest is found again, and goes on where it was.

    Raises:
        BacktestRefused: the warehouse holds nothing to begin from, or nothing to compare with.
    """
    settings = read_settings(place.config)
    _refuse_without_flows(place, settings, protocol)
    versions = _versions(place, settings, protocol)
    _refuse_unobserved(place, versions, settings, protocol)
    weather = _weather(place, settings, protocol)
    data = digest({"versions": versions} if weather is None else {"versions": versions, "weather": weather})
    backtest_id = _id(protocol, settings, data)
    runs = BacktestRuns(place.mlflow, place.artifacts)
    run_id = runs.open_backtest(backtest_id, _title(protocol), tags)
    key = BacktestKey(backtest_id, run_id)
    key.folder(place).open(protocol, settings, versions, weather)
    said = {name: _plain(value) for name, value in protocol.as_json().items()}
    held = {"lead_hours": settings.lead_hours, "holdout_days": settings.training.holdout_days}
    runs.log_params(run_id, {**said, **held, "config_digest": settings.digest})
    runs.log_dataset(run_id, versions, "observations", data, "evaluation")
    log.info("backtest opened", backtest=backtest_id, issue_times=len(protocol.nights))
    return key


def _versions(place: Deployment, settings: Settings, protocol: BacktestProtocol) -> pd.DataFrame:
    since = settings.issued_at(protocol.first) - timedelta(days=settings.source.history_days)
    until = settings.issued_at(protocol.last) + timedelta(hours=settings.lead_hours)
    engine = warehouse.connect(place.warehouse)
    frames = [
        warehouse.observation_versions(engine, protocol.site_ids, target.value, since, until)
        for target in protocol.targets
    ]
    return OBSERVATION_VERSION.conform(pd.concat(frames, ignore_index=True))


def _weather(place: Deployment, settings: Settings, protocol: BacktestProtocol) -> pd.DataFrame | None:
    """What was told of the weather by the last issue time, as the source has it today; None without any."""
    if not settings.weather.given:
        return None
    since = settings.issued_at(protocol.first) - timedelta(days=settings.source.history_days)
    until = settings.issued_at(protocol.last)
    try:
        engine = extract.connect(place.source)
        frames = [
            extract.extract_weather(engine, settings.site(site_id), settings, since, until)
            for site_id in protocol.site_ids
        ]
    except extract.SourceError as error:
        raise BacktestRefused(
            f'hospital.toml says that the source tells the weather, and {error}; or set temperature = "none" '
            "under [weather]"
        ) from None
    return plausible_weather(WEATHER.conform(pd.concat(frames, ignore_index=True)))


def _refuse_without_flows(place: Deployment, settings: Settings, protocol: BacktestProtocol) -> None:
    asking = [name for name in protocol.models if CATALOGUE[name].of_flows]
    if not asking:
        return
    profile = settings.source.profile
    if not profile.has_flows:
        raise BacktestRefused(
            f"model {asking[0]} is made of stays, and a source of profile {profile} has none; leave it out"
        )
    try:
        extract.connect(place.source)
    except extract.SourceError as error:
        raise BacktestRefused(f"model {asking[0]} is made of stays in the source, and {error}") from None


def _refuse_unobserved(
    place: Deployment, versions: pd.DataFrame, settings: Settings, protocol: BacktestProtocol
) -> None:
    first, last = (settings.issued_at(night) for night in (protocol.first, protocol.last))
    for target in protocol.targets:
        hours = versions.loc[(versions["target"] == target) & versions["value"].notna(), "valid_at"]
        if len(hours) and hours.min() < first and hours.max() >= last:
            continue
        engine, name = warehouse.connect(place.warehouse), target.value
        span = warehouse.observed_span(engine, protocol.site_ids, name)
        if span is None:
            raise BacktestRefused(
                f"the warehouse holds no {name} of {', '.join(protocol.site_ids)}; "
                "walk a night first (`forecasting night`)"
            )
        held = f"the warehouse holds {name} from {span[0]:%Y-%m-%d %H:%M} to {span[1]:%Y-%m-%d %H:%M} UTC"
        if span[0] >= first:
            why = f"the first issue date {protocol.first} is before it; choose a later one"
        elif span[1] < last:
            why = f"the last issue date {protocol.last} is after it; choose an earlier one"
        else:
            why = f"but nothing from {settings.source.history_days} days before {protocol.first} to the end"
        raise BacktestRefused(f"{held}, {why}")


def _id(protocol: BacktestProtocol, settings: Settings, data: str) -> str:
    question = json.dumps([protocol.as_json(), settings.digest, data, _code()])
    return hashlib.sha256(question.encode()).hexdigest()[:12]


def _code() -> str:
    """A fingerprint of the code that makes forecasts: what older code wrote is not taken for today's."""
    house = Path(forecasting.__file__).parent
    places = [house / name for name in CODE]
    files = sorted(file for place in places for file in (place.rglob("*.py") if place.is_dir() else [place]))
    total = hashlib.sha256()
    for file in files:
        total.update(str(file.relative_to(house)).encode())
        total.update(file.read_bytes())
    return total.hexdigest()


def _title(protocol: BacktestProtocol) -> str:
    targets = " and ".join(target.value for target in protocol.targets)
    return f"{targets} {protocol.first} to {protocol.last}"


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
