"""`forecasting backtest` over what hospitals record: series that stand still, begin late or fall silent."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import structlog
from rich.console import Console
from typer.testing import CliRunner, Result

from forecasting import cli, pipeline, warehouse
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.schema import OBSERVATION

pytestmark = pytest.mark.integration

CONFIG = Path(__file__).parents[1] / "hospital.toml"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ASKED = {"--target": "bed_census", "--first": "2026-05-20", "--last": "2026-06-03", "--jobs": "1"}
Backtest = Callable[..., Result]


@pytest.fixture
def place(tmp_path: Path, mlflow_url: str, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """An installation whose warehouse and MLflow are empty."""
    monkeypatch.setenv("HOSPITAL_CONFIG", str(CONFIG))
    monkeypatch.setenv("HOSPITAL_VAR", str(tmp_path))
    made = Deployment()
    assert made.mlflow == mlflow_url
    pipeline.migrate(made)
    return made


@pytest.fixture
def backtest(place: Deployment) -> Iterator[Backtest]:
    """The command in this process; what it sets for a process of its own is put back."""
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def run(**changed: str) -> Result:
        asked = ASKED | {f"--{name}": value for name, value in changed.items()}
        words = [word for option in asked.items() for word in option]
        return CliRunner().invoke(cli.app, ["backtest", *words])

    yield run
    structlog.reset_defaults()
    for number, handler in before.items():
        signal.signal(number, handler)


def record(place: Deployment, issued_at: datetime, values: dict[tuple[str, str, str], np.ndarray]) -> None:
    """A night that read 130 days of some series, by (site, unit, target); a NaN is an hour without a row."""
    frames: dict[str, list[pd.DataFrame]] = {}
    for (site_id, unit_id, target), value in values.items():
        hours = pd.date_range(end=issued_at, periods=len(value) + 1, freq="h", inclusive="left")
        rows = pd.DataFrame({"valid_at": hours, "value": value}).dropna()
        frames.setdefault(site_id, []).append(rows.assign(site_id=site_id, unit_id=unit_id, target=target))
    engine = warehouse.connect(place.warehouse)
    for site_id, parts in frames.items():
        warehouse.record_observations(engine, site_id, issued_at, OBSERVATION.conform(pd.concat(parts)))


def test_series_that_stand_still_begin_late_or_fall_silent_are_compared_with_a_note(
    place: Deployment, backtest: Backtest, issued_at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.compare, "console", Console(width=400))
    hours = 130 * 24
    random, hour = np.random.default_rng(1).poisson(6.0, hours).astype(float), np.arange(hours)
    seven, zero = np.full(hours, 7.0), np.zeros(hours)
    late, early = random.copy(), random.copy()
    late[hour < hours - 11 * 24] = np.nan
    early[hour > hours - 20 * 24] = np.nan
    record(
        place,
        issued_at,
        {
            ("north", "ed", "bed_census"): seven,
            ("north", "icu", "bed_census"): late,
            ("west", "ed", "bed_census"): zero,
            ("west", "ward", "bed_census"): early,
        },
    )
    done = backtest(models="seasonal_naive,glm", refit="40")
    assert done.exit_code == 0, done.output
    assert "climatology stood in for glm in north/icu" in done.output
    assert "it began after glm was fitted" in done.output
    assert "forecast hours are scored, the others have no outcome" in done.output
    (scores,) = place.var.glob("backtests/*/scores.csv")
    table = pd.read_csv(scores).query("period == 'PT1H' and by == 'unit'")
    assert table["mae"].notna().all()
    of_nobody = table[table["group"] == "west/ed"]
    assert (of_nobody["mae"] == 0).all()
    assert of_nobody["wql"].isna().all(), "nobody came: a share of nothing is none"


def test_a_step_longer_than_the_span_is_one_issue_time_and_told_to_be_too_few(
    place: Deployment, backtest: Backtest, issued_at: datetime, settings: Settings
) -> None:
    level = np.random.default_rng(1).poisson(6.0, 60 * 24).astype(float)
    record(place, issued_at, {("north", "ed", "bed_census"): level})
    done = backtest(models="climatology", step="30")
    assert done.exit_code == 0, done.output
    told = " ".join(done.output.split())
    assert "one issue time, 2026-05-20, is too few to tell noise from skill" in told
    assert "--step (30 days)" in told
    silent = [f"{site.site_id}/{unit.unit_id}" for site in settings.sites for unit in site.units][1:]
    assert f"left out, never observed before: {', '.join(silent)}" in told


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seeds": ","}, "--seeds ',' names none"),
        ({"seeds": ""}, "--seeds '' names none"),
        ({"sites": ""}, "--sites '' names none"),
        ({"models": ""}, "no model is named; allowed are climatology"),
        ({"step": "0"}, "--step 0: allowed are whole days from 1 on"),
        ({"models": "flow", "target": "ed_arrivals"}, "model flow forecasts bed_census alone"),
        ({"models": "flow"}, "source.db does not exist"),
        ({"first": "2027-05-01", "last": "2027-06-01"}, "the last issue date 2027-06-01 is after it"),
        ({"first": "2020-05-01"}, "the first issue date 2020-05-01 is before it"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(
    place: Deployment, backtest: Backtest, issued_at: datetime, changed: dict[str, str], said: str
) -> None:
    record(place, issued_at, {("north", "ed", "bed_census"): np.ones(40 * 24)})
    done = backtest(**{"models": "climatology", **changed})
    assert done.exit_code == 2, done.output
    assert "BacktestRefused" in done.stderr
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
