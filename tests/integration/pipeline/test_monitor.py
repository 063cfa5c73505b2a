"""Nights published as known then, watched: scored when final, judged, and what the next night makes of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta

import pandas as pd
import pytest
import sqlalchemy as sa
from mlflow import MlflowClient
from monitored_nights import FIRST_NIGHT, LAST_NIGHT, WRONG, publish_night
from rich.console import Console

from forecasting import warehouse
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.evaluate import score
from forecasting.models.fallback import IN_STEAD
from forecasting.outcome import MonitorRefused
from forecasting.pipeline import monitor as phases
from forecasting.schema import Target
from forecasting.warehouse.tables import FORECAST_SCORE, SERIES_VERDICT, TRAINING_REQUEST

pytestmark = pytest.mark.integration

SITES = ("north", "west")
TOMORROW = LAST_NIGHT + timedelta(days=1)


@pytest.fixture
def shorter(monitored: Deployment) -> Settings:
    return read_settings(monitored.config)


def _watch(place: Deployment) -> tuple[phases.MonitorKey, phases.Judgement, list[int]]:
    key = phases.open_monitor(place, LAST_NIGHT, None, {})
    nights = [phases.score_site(place, key, site_id) for site_id in SITES]
    return key, phases.judge(place, key), nights


def _rows(place: Deployment) -> list[list[sa.Row[tuple[object, ...]]]]:
    engine = warehouse.connect(place.warehouse)
    with engine.connect() as connection:
        tables = (FORECAST_SCORE, SERIES_VERDICT, TRAINING_REQUEST)
        return [list(connection.execute(sa.select(table).order_by(*table.primary_key))) for table in tables]


def test_a_wrong_champion_falls_back_training_is_asked_for_and_a_second_run_changes_nothing(
    monitored: Deployment, shorter: Settings, observations: Callable[..., pd.DataFrame]
) -> None:
    engine = warehouse.connect(monitored.warehouse)
    key, found, nights = _watch(monitored)
    assert nights == [9, 9]

    # Scored only of hours that no later night reads again.
    scores = warehouse.scores(engine, FIRST_NIGHT, LAST_NIGHT, "PT1H")
    until = shorter.issued_at(LAST_NIGHT) - timedelta(hours=1, days=shorter.source.lookback_days)
    ends = pd.to_datetime([shorter.issued_at(night) for night in scores["night"]], utc=True)
    assert (ends + pd.to_timedelta(scores["lead_day"], unit="D") <= until).all()
    assert scores.groupby("target")["speaker"].agg(set).to_dict() == {
        "bed_census": {"champion", "climatology"},
        "ed_arrivals": {"climatology"},
    }
    assert scores.loc[scores["speaker"] == "champion", "published"].all()

    # The same figures as evaluate gives of the published rows by themselves.
    night = FIRST_NIGHT + timedelta(days=1)
    published = warehouse.forecasts(engine, night, ["north"])
    icu = published[(published["unit_id"] == "icu") & (published["period"] == "PT1H")]
    first_day = icu[icu["valid_at"] < shorter.issued_at(night) + timedelta(days=1)]
    came = warehouse.observations(
        engine, ["north"], None, shorter.issued_at(night), shorter.issued_at(LAST_NIGHT)
    )
    alone = score(first_day, came).iloc[-1]
    mine = scores[(scores["night"] == night) & (scores["unit_id"] == "icu") & (scores["lead_day"] == 1)]
    mine = mine[mine["speaker"] == "champion"]
    assert mine["hours"].sum() == alone["hours"] == 24
    assert mine["pinball"].sum() == pytest.approx(24 * alone["pinball"])
    assert mine["pit_80"].sum() == pytest.approx(24 * alone["pit_80"])

    verdicts = found.verdicts.set_index(["site_id", "unit_id"])
    fallen = verdicts[verdicts["state"] == "fallback"]
    assert set(fallen.index) == set(WRONG)
    (request,) = found.requests.to_dict("records")
    assert request["target"] == "bed_census"
    assert request["why"] == "2 of 4 series have fallen back to climatology"
    assert phases.asked_trainings(monitored, key) == {"bed_census": request["why"]}
    assert warehouse.training_asked(engine, "bed_census", LAST_NIGHT) is None
    assert warehouse.training_asked(engine, "bed_census", TOMORROW) == shorter.issued_at(LAST_NIGHT)

    standing = _rows(monitored)
    _, _, again = _watch(monitored)
    assert again == [0, 0]
    assert _rows(monitored) == standing

    said = io.StringIO()
    sentences = phases.tell_monitor(monitored, key, found, Console(file=said, width=160))
    assert sentences[0].startswith("training asked for, bed_census: 2 of 4 series")
    assert "north/icu bed_census" in said.getvalue()
    client = MlflowClient(monitored.mlflow)
    run = client.get_run(key.mlflow_run_id)
    assert run.data.metrics["series_fallback"] == 2
    assert run.data.metrics["bed_census/skill_percent_by_unit/north.icu"] < 0
    assert sentences[0] in run.data.tags["mlflow.note.content"]
    kept = {item.path for item in client.list_artifacts(key.mlflow_run_id, "plots")}
    assert {f"plots/{name}_bed_census.png" for name in ("coverage_by_unit", "disparity")} <= kept

    # The next night publishes climatology there and keeps what the champion says.
    publish_night(monitored, shorter, TOMORROW, observations(100, days_after=3))
    census = warehouse.forecasts(engine, TOMORROW)
    census = census[(census["target"] == Target.BED_CENSUS) & (census["period"] == "PT1H")]
    spoken = census.groupby(["site_id", "unit_id"])[["model", "note"]].first()
    for series in WRONG:
        assert spoken.loc[series, "model"] == "climatology"
        assert spoken["note"].loc[series] == IN_STEAD.format(fallen["why"].loc[series])
    assert spoken.drop(list(WRONG))["model"].eq("ensemble").all()
    shadow = warehouse.shadow_forecasts(engine, "north", shorter.issued_at(TOMORROW))
    assert set(shadow["unit_id"]) == {"icu"}
    assert set(shadow["model"]) == {"ensemble"}
    assert len(shadow) == (census["unit_id"] == "icu").sum()

    # A night that is run again from before the verdict has no look at it.
    publish_night(monitored, shorter, LAST_NIGHT, observations(100, days_after=3), ["north"])
    last = warehouse.forecasts(engine, LAST_NIGHT, ["north"])
    assert "ensemble" in set(last.loc[last["unit_id"] == "icu", "model"])

    with engine.connect() as connection:
        quality = pd.read_sql(
            sa.text("SELECT * FROM forecast_quality WHERE target = 'ed_arrivals'"), connection
        )
    assert len(quality)
    assert quality["skill"].abs().max() == 0


def test_a_night_that_has_not_come_is_refused(monitored: Deployment) -> None:
    with pytest.raises(MonitorRefused, match="night 2126-06-10 has not come"):
        phases.open_monitor(monitored, LAST_NIGHT.replace(year=2126), None, {})


def test_before_any_outcome_is_final_there_is_nothing_to_score(monitored: Deployment) -> None:
    key = phases.open_monitor(monitored, FIRST_NIGHT, None, {})
    assert [phases.score_site(monitored, key, site_id) for site_id in SITES] == [0, 0]
    said = io.StringIO()
    sentences = phases.tell_monitor(
        monitored, key, phases.judge(monitored, key), Console(file=said, width=160)
    )
    assert "nothing to score" in said.getvalue()
    assert not [one for one in sentences if one.startswith(("climatology speaks", "training"))]
