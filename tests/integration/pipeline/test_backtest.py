"""A small backtest end to end: what it leaves, that it goes on where it was, and what MLflow shows of it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from integration.pipeline.two_hospitals import NIGHT
from mlflow import MlflowClient
from mlflow.entities import Run

from forecasting import pipeline
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.outcome import BacktestRefused, SourceLost
from forecasting.pipeline import backtest
from forecasting.schema import BACKTEST_FORECAST

pytestmark = pytest.mark.integration

ASKED: dict[str, Any] = {
    "targets": ["ed_arrivals"],
    "first": NIGHT - timedelta(days=21),
    "last": NIGHT - timedelta(days=7),
    "refit_days": 14,
    "models": ["climatology", "tft"],
    "seeds": [1],
}


@pytest.fixture
def recorded(ingested: tuple[Deployment, pipeline.NightKey]) -> Deployment:
    """The hospitals with one night in the warehouse, and with it its whole history."""
    return ingested[0]


def opened(place: Deployment, settings: Settings, **changed: object) -> backtest.BacktestKey:
    return backtest.open_backtest(place, backtest.read_protocol(settings, **{**ASKED, **changed}), {})


def digests(folder: Path) -> dict[str, str]:
    files = [*folder.rglob("*.parquet"), folder / "scores.csv"]
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_a_backtest_goes_on_where_it_was_and_jobs_change_no_byte(
    recorded: Deployment, settings: Settings
) -> None:
    key = opened(recorded, settings)
    folder = key.folder(recorded)
    told: list[tuple[int, int]] = []

    def count(_: str, done: int, total: int) -> None:
        told.append((done, total))

    backtest.forecast_backtest(recorded, key, jobs=2, told=count)
    backtest.score_backtest(recorded, key)
    assert told == [(done, 4) for done in range(5)]
    whole = digests(folder.root)

    again = opened(recorded, settings)
    assert again == key, "the same question over the same data is the same backtest"
    for contender in ("climatology", "tft_seed_1"):
        max(folder.root.glob(f"parts/*/{contender}/*")).unlink()
    told.clear()
    backtest.forecast_backtest(recorded, again, jobs=1, told=count)
    backtest.score_backtest(recorded, again)
    assert told == [(2, 4), (3, 4), (4, 4)]
    assert digests(folder.root) == whole


def test_what_it_leaves_is_the_long_forecast_table_and_scores_of_every_kind(
    recorded: Deployment, settings: Settings
) -> None:
    key = opened(recorded, settings, targets=["ed_arrivals", "bed_census"], models=["climatology"])
    backtest.forecast_backtest(recorded, key, jobs=1)
    backtest.score_backtest(recorded, key)
    result = backtest.tell_backtest(recorded, key)
    rows = pd.read_parquet(result.folder / "forecasts.parquet")
    assert list(rows.columns) == BACKTEST_FORECAST.columns.names
    assert not rows.duplicated(list(BACKTEST_FORECAST.key)).any()
    assert rows["issued_at"].nunique() == 3
    scores = result.scores
    assert set(scores["by"]) == {"all", "site", "unit", "lead_day", "shift"}
    assert set(scores.loc[scores["by"] == "shift", "group"]) == {"day", "night"}
    assert set(scores["period"]) == {"PT1H", "PT12H", "P1D"}
    overall = _overall(scores, "target")
    assert (scores.loc[scores["by"] == "all", "skill"] == 0).all()
    assert overall["ed_arrivals"]["floor"] < overall["ed_arrivals"]["wql"]
    assert overall["bed_census"]["hours"] == 2 * overall["ed_arrivals"]["hours"], "four units, two EDs"
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in result.plots)


def test_mlflow_answers_which_is_better_where_and_by_how_much(
    recorded: Deployment, settings: Settings
) -> None:
    key = opened(recorded, settings, last=ASKED["first"] + timedelta(days=7))
    backtest.forecast_backtest(recorded, key, jobs=2)
    backtest.score_backtest(recorded, key)
    for _ in range(2):
        result = backtest.tell_backtest(recorded, key)
    client = MlflowClient(recorded.mlflow)
    parent = client.get_run(key.mlflow_run_id)
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["backtest_id"] == key.backtest_id
    assert "is best, WQL" in parent.data.tags["mlflow.note.content"]
    assert result.answers[0].startswith("ed_arrivals: ")
    children = _children(client, parent)
    assert set(children) == {"ed_arrivals climatology", "ed_arrivals tft seed 1"}
    tft = children["ed_arrivals tft seed 1"]
    assert {tft.data.params[name] for name in ("model", "seed", "target")} == {"tft", "1", "ed_arrivals"}
    assert tft.data.params["first"] == str(ASKED["first"])
    assert {
        "wql",
        "skill_percent",
        "skill_percent_low",
        "coverage_80",
        "pit_90",
        "gap_closed",
        "skill_percent_by_lead_day/1",
        "coverage_80_by_unit/north.ed",
        "skill_percent_by_shift/night",
        "by_lead_day/wql",
        "period_P1D/skill_percent",
        "period_PT12H/wql",
    } <= set(tft.data.metrics)
    curve = client.get_metric_history(tft.info.run_id, "by_lead_day/skill_percent")
    assert [point.step for point in curve] == list(range(1, 9))
    plots = {Path(item.path).name for item in client.list_artifacts(tft.info.run_id, "plots")}
    assert plots == {
        "fans_north_ed.png",
        "fans_west_ed.png",
        "skill_by_lead.png",
        "reliability.png",
        "pit_histogram.png",
        "coverage_by_unit.png",
        "variable_importance.png",
        "attention.png",
    }


def test_a_history_too_short_for_a_model_is_told_and_climatology_speaks(
    recorded: Deployment, settings: Settings
) -> None:
    """Of 140 days, the nights of the first refit period have 40."""
    first = NIGHT - timedelta(days=100)
    key = opened(recorded, settings, first=first, last=first)
    backtest.forecast_backtest(recorded, key, jobs=2)
    backtest.score_backtest(recorded, key)
    result = backtest.tell_backtest(recorded, key)
    once, remark = result.remarks
    assert f"one issue time, {first}, is too few to tell noise from skill" in once
    assert "climatology stood in for tft seed 1 in north/ed, west/ed" in remark
    assert "history too short" in remark
    overall = _overall(result.scores, "model")
    assert overall["tft seed 1"]["wql"] == overall["climatology"]["wql"]


def test_the_flow_is_what_the_source_told_before_each_issue_time(
    recorded: Deployment, settings: Settings, damage: Callable[..., None]
) -> None:
    night = NIGHT - timedelta(days=7)
    asked: dict[str, Any] = {
        "targets": ["bed_census"],
        "models": ["flow"],
        "first": night - timedelta(days=7),
        "last": night,
    }
    key = opened(recorded, settings, **asked)
    backtest.forecast_backtest(recorded, key, jobs=1)
    spoken = _of_flow(recorded, key)
    assert set(spoken["note"]) == {""}
    assert spoken["issued_at"].nunique() == 2

    shutil.rmtree(key.folder(recorded).root)
    last = f"{settings.issued_at(night):%Y-%m-%d %H:%M:%S}"
    damage("DELETE FROM bed_stay WHERE bed_from >= :last", last=last)
    damage("DELETE FROM ed_visit WHERE arrived_at >= :last", last=last)
    again = opened(recorded, settings, **asked)
    backtest.forecast_backtest(recorded, again, jobs=1)
    pd.testing.assert_frame_equal(_of_flow(recorded, again), spoken)


def test_a_source_whose_stays_cannot_be_counted_leaves_the_flow_to_climatology(
    recorded: Deployment, settings: Settings, damage: Callable[..., None]
) -> None:
    night = NIGHT - timedelta(days=7)
    damage("ALTER TABLE bed_stay RENAME COLUMN bed_to TO left_at")
    key = opened(recorded, settings, targets=["bed_census"], models=["flow"], first=night, last=night)
    backtest.forecast_backtest(recorded, key, jobs=1)
    spoken = _of_flow(recorded, key)
    assert spoken["note"].str.contains(r"the source tells no flow of patients: .*bed_to").all()
    assert set(spoken["model_version"]) == {"climatology 1"}


def test_without_a_source_a_model_of_flows_is_refused_before_anything_is_done(
    recorded: Deployment, settings: Settings
) -> None:
    asked = {"targets": ["bed_census"], "models": ["flow"]}
    key = opened(recorded, settings, **asked)
    (recorded.var / "source.db").unlink()
    with pytest.raises(BacktestRefused, match=r"model flow is made of stays .*source\.db does not exist"):
        opened(recorded, settings, **asked)
    with pytest.raises(SourceLost, match=r"source\.db does not exist"):
        backtest.forecast_backtest(recorded, key, jobs=1)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"first": date(2026, 1, 1)}, ["2026-01-01 is before it", "holds ed_arrivals from 2026-01-21"]),
        ({"last": date(2026, 7, 1)}, ["2026-07-01 is after it", "to 2026-06-10 06:00 UTC"]),
        ({"first": date(2024, 1, 1), "last": date(2024, 2, 1)}, ["2024-01-01 is before it"]),
    ],
)
def test_dates_without_observations_are_refused_in_one_line(
    recorded: Deployment, settings: Settings, changed: dict[str, object], said: list[str]
) -> None:
    with pytest.raises(BacktestRefused) as refused:
        opened(recorded, settings, **changed)
    assert "\n" not in str(refused.value)
    for part in said:
        assert part in str(refused.value)


def test_a_contender_that_takes_no_part_is_refused(recorded: Deployment, settings: Settings) -> None:
    key = opened(recorded, settings)
    with pytest.raises(BacktestRefused, match="no contender 'tft seed 9'"):
        backtest.forecast_backtest(recorded, key, jobs=1, contender="tft seed 9")
    with pytest.raises(BacktestRefused, match="there is no backtest abc"):
        backtest.forecast_backtest(recorded, backtest.BacktestKey("abc", key.mlflow_run_id), jobs=1)


def _of_flow(place: Deployment, key: backtest.BacktestKey) -> pd.DataFrame:
    parts = sorted(key.folder(place).root.glob("parts/bed_census/flow/*.parquet"))
    return pd.concat([pd.read_parquet(path) for path in parts], ignore_index=True)


def _children(client: MlflowClient, parent: Run) -> dict[str | None, Run]:
    found = client.search_runs(
        [parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    )
    return {run.info.run_name: run for run in found}


def _overall(scores: pd.DataFrame, by: str) -> dict[str, dict[str, float]]:
    """The scores of all hours."""
    hours = scores[(scores["by"] == "all") & (scores["period"] == "PT1H")]
    rows: list[dict[Any, Any]] = hours.to_dict("records")
    return {row[by]: row for row in rows}
