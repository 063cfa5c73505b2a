"""Seconds and peak memory of scoring a backtest: 100 series, 52 issue times, a week of hours, 5 models.

    python -m benchmarks.scoring --series 100 --origins 52

The forecasts are made up; what is measured is the phase that joins and scores them, in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.pipeline.backtest import BacktestKey, BacktestProtocol, read_protocol, score_backtest
from forecasting.schema import Target

CONFIG = Path(__file__).parents[1] / "hospital.toml"
FIRST = date(2025, 6, 2)
MODELS = ("climatology", "seasonal_naive", "glm", "gbm", "ensemble")
KEY = BacktestKey("made_up", "none")


def make(place: Deployment, settings: Settings, protocol: BacktestProtocol, seed: int = 0) -> None:
    """A backtest's folder as the forecasting phase leaves it, outcomes Poisson around ten."""
    random = np.random.default_rng(seed)
    folder = KEY.folder(place)
    series = [(site.site_id, unit.unit_id) for site in settings.sites for unit in site.units]
    begin = settings.issued_at(protocol.first)
    hours = pd.date_range(begin, settings.issued_at(protocol.last) + timedelta(days=8), freq="h")
    observed = [
        pd.DataFrame({"site_id": site, "unit_id": unit, "valid_at": hours, "value": came})
        for (site, unit), came in zip(series, random.poisson(10.0, (len(series), len(hours))), strict=True)
    ]
    versions = pd.concat(observed).assign(target="bed_census", known_at=pd.Timestamp(begin))
    folder.open(protocol, settings, versions.astype({"value": float}))
    for part in protocol.parts:
        nights = [_night(settings, series, part.contender.name, night, random) for night in part.nights]
        folder.write_part(part, pd.concat(nights, ignore_index=True))


def _night(
    settings: Settings, series: list[tuple[str, str]], model: str, night: date, random: np.random.Generator
) -> pd.DataFrame:
    levels = settings.horizon.quantile_levels
    issued_at = pd.Timestamp(settings.issued_at(night)).tz_convert("UTC")
    hours = pd.date_range(issued_at, periods=settings.lead_hours, freq="h")
    rows = len(hours) * len(levels)
    values = np.sort(random.poisson(10.0, (len(series), len(hours), len(levels))), axis=-1)
    return pd.DataFrame(
        {
            "issued_at": issued_at,
            "site_id": np.repeat([site for site, _ in series], rows),
            "unit_id": np.repeat([unit for _, unit in series], rows),
            "target": Target.BED_CENSUS.value,
            "period": "PT1H",
            "valid_at": np.tile(hours.repeat(len(levels)), len(series)),
            "quantile": np.tile(levels, len(series) * len(hours)),
            "value": values.ravel().astype(float),
            "model": model,
            "model_version": "1",
            "note": "",
        }
    )


def hospitals(series: int) -> Settings:
    """The demo's first site again and again, until there are so many units."""
    settings = read_settings(CONFIG)
    site = settings.sites[0]
    units = site.units[:5]
    sites = [site.model_copy(update={"site_id": f"site_{n:03}", "units": units}) for n in range(series // 5)]
    return settings.model_copy(update={"sites": tuple(sites)})


def score(var: Path) -> None:
    """Score the folder, and print seconds and peak memory as JSON."""
    began = time.perf_counter()
    rows = score_backtest(Deployment(config=CONFIG, var=var), KEY)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"scores": rows, "seconds": time.perf_counter() - began, "peak_gib": peak}))


def main() -> None:
    """Make the folder, and score it in a process of its own."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--series", type=int, default=100, help="a multiple of five")
    arguments.add_argument("--origins", type=int, default=52)
    arguments.add_argument("--score", type=Path, help="score what lies there, and make nothing")
    asked = arguments.parse_args()
    if asked.score:
        score(asked.score)
        return
    settings = hospitals(asked.series)
    protocol = read_protocol(
        settings,
        targets=["bed_census"],
        first=FIRST,
        last=FIRST + timedelta(weeks=asked.origins - 1),
        refit_days=28,
        models=MODELS,
    )
    with tempfile.TemporaryDirectory() as name:
        make(Deployment(config=CONFIG, var=Path(name)), settings, protocol)
        command = [sys.executable, "-m", "benchmarks.scoring", "--score", name]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        rows = asked.series * asked.origins * settings.lead_hours * len(settings.horizon.quantile_levels)
        print(
            f"{rows * len(MODELS):,} rows of {len(MODELS)} models scored in {found['seconds']:.0f} s, "
            f"peak {found['peak_gib']:.2f} GiB"
        )


if __name__ == "__main__":
    main()
