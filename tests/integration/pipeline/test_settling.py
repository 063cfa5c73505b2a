"""What a finished backtest was worth: its command, its files, and what MLflow shows of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pandas as pd
import pytest
import structlog
from mlflow import MlflowClient
from typer.testing import CliRunner, Result

from forecasting import cli, pipeline
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.pipeline import backtest
from forecasting.staffing.worth import PERFECT, WAYS

pytestmark = pytest.mark.integration

NIGHT = date(2026, 6, 10)


@pytest.fixture
def finished(
    place: Deployment, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[backtest.BacktestKey]:
    """Three weekly nights forecast by climatology, of which the last one's week has not come whole."""
    monkeypatch.setenv("HOSPITAL_CONFIG", str(place.config))
    monkeypatch.setenv("HOSPITAL_VAR", str(place.var))
    key = pipeline.open_night(place, NIGHT, ("north", "west"), "test__1", {})
    for site_id in ("north", "west"):
        pipeline.extract_site(place, key, site_id)
        pipeline.validate_site(place, key, site_id)
        pipeline.record_site(place, key, site_id)
    protocol = backtest.read_protocol(
        settings,
        targets=["ed_arrivals", "bed_census"],
        first=NIGHT - timedelta(days=16),
        last=NIGHT - timedelta(days=2),
        models=["climatology"],
    )
    opened = backtest.open_backtest(place, protocol, {})
    backtest.forecast_backtest(place, opened, jobs=1)
    yield opened
    structlog.reset_defaults()


def worth(*words: str) -> Result:
    return CliRunner().invoke(cli.app, ["worth", *words])


def test_a_backtests_worth_is_printed_kept_and_told_and_what_cannot_be_settled_refused(
    place: Deployment, finished: backtest.BacktestKey
) -> None:
    done = worth(finished.backtest_id)
    assert done.exit_code == 0, done.output
    assert all(way in done.output for way in WAYS)
    assert "closed of the way from climatology's cost to perfect knowledge's" in done.output
    folder = finished.folder(place)
    table = pd.read_csv(folder.root / "worth_climatology_0.csv")
    assert set(table["week"]) == {"2026-05-25", "2026-06-01"}, "the third week has not come whole"
    assert table.groupby("site_id")["unit_id"].nunique().to_dict() == {"north": 2, "west": 2}
    cost = table[table["price"] == 1].groupby("way")["cost"].sum()
    assert cost.min() == pytest.approx(cost[PERFECT])
    assert (folder.plots / "worth_climatology_0.png").read_bytes().startswith(b"\x89PNG")
    client = MlflowClient(place.mlflow)
    metrics = client.get_run(finished.mlflow_run_id).data.metrics
    assert metrics["worth_0/climatology/perfect_knowledge/cost"] == pytest.approx(cost[PERFECT])
    assert metrics["worth_0/climatology/fixed_roster/short_hours"] > 0
    kept = {file.path for file in client.list_artifacts(finished.mlflow_run_id, "worth")}
    assert "worth/worth_climatology_0.csv" in kept

    for words, said in (
        (("nothing",), "there is no backtest nothing"),
        ((finished.backtest_id, "--model", "tft"), "no contender 'tft'; allowed are climatology"),
        ((finished.backtest_id, "--lead", "1"), "allowed are leads from 0 to 0"),
    ):
        refused = worth(*words)
        assert refused.exit_code == 2, refused.output
        assert said in refused.stderr
    (place.var / "source.db").unlink()
    lost = worth(finished.backtest_id)
    assert lost.exit_code == 1
    assert "SourceLost" in lost.stderr
