"""A whole night over simulated hospitals: what it publishes, and that running it again changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from integration.pipeline.two_hospitals import NIGHT, SITES, copied
from mlflow import MlflowClient

from forecasting import pipeline, warehouse
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.schema import Target

pytestmark = pytest.mark.integration

TOMORROW = NIGHT + timedelta(days=1)


def _walk(place: Deployment, night: date, run_id: str) -> None:
    pipeline.walk(place, night, SITES, run_id, "never")


def _published(place: Deployment, night: date = NIGHT) -> tuple[pd.DataFrame, pd.DataFrame]:
    engine = warehouse.connect(place.warehouse)
    return warehouse.forecasts(engine, night), warehouse.recommendations(engine, night)


def _rows(place: Deployment) -> dict[str, int]:
    engine = warehouse.connect(place.warehouse)
    with engine.connect() as connection:
        names = [name for name in sa.inspect(engine).get_table_names() if name != "alembic_version"]
        return {name: connection.scalar(sa.text(f"SELECT count(*) FROM {name}")) for name in names}  # noqa: S608


def test_all_units_roles_and_shifts_of_seven_days_are_planned(
    published: Deployment, settings: Settings
) -> None:
    _, heads = _published(published)
    expected = {
        (site.site_id, unit.unit_id, role, shift.name, day)
        for site in settings.sites
        for unit, role, shift, ahead in product(site.units, settings.roles, settings.shifts, range(7))
        for day in [settings.first_plan_date(site, settings.issued_at(NIGHT)) + timedelta(days=ahead)]
    }
    found = heads[["site_id", "unit_id", "role", "shift", "shift_date"]].itertuples(index=False, name=None)
    assert sorted(expected) == sorted(found)
    assert heads["recommended"].ge(settings.roles["registered_nurse"].minimum_heads).all()
    assert heads["scheduled"].notna().all()
    # Of the highest hour of each sample path: quantiles would name the hour.
    assert heads["reason"].str.contains("in any hour").all()
    assert heads["probability_short"].between(0, 1).all()


def test_the_second_night_is_judged_beside_all_that_is_known(next_day: Deployment) -> None:
    """It reads three days of the source: the months before must not be taken for missing."""
    _walk(next_day, TOMORROW, "test__2")
    engine = warehouse.connect(next_day.warehouse)
    for site_id in SITES:
        night = warehouse.find_night(engine, site_id, TOMORROW)
        assert night is not None
        assert "days of history" not in night.why


def test_every_recommendation_leads_back_to_what_made_it(published: Deployment, settings: Settings) -> None:
    _, heads = _published(published)
    assert (heads["dag_run_id"] == "test__1").all()
    (mlflow_run_id,) = set(heads["mlflow_run_id"])
    assert (heads["issued_at"] == settings.issued_at(NIGHT)).all()
    night = warehouse.find_night(warehouse.connect(published.warehouse), "north", NIGHT)
    assert night is not None
    assert night.mlflow_run_id == mlflow_run_id
    assert set(heads.loc[heads["site_id"] == "north", "data_digest"]) == {night.data_digest}
    assert set(night.timings) >= {"extract", "validate", "record", "forecast", "staff"}
    client = MlflowClient(published.mlflow)
    run = client.get_run(mlflow_run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["airflow.dag_run_id"] == "test__1"
    assert run.data.metrics["sites_published"] == 2
    pages = client.list_artifacts(mlflow_run_id, "page")
    assert {item.path for item in pages} == {"page/north.html", "page/west.html"}


def test_where_no_model_is_trained_the_baseline_speaks_and_says_so(published: Deployment) -> None:
    forecast, heads = _published(published)
    assert set(forecast["model"]) == {"climatology"}
    assert set(forecast["note"]) == {"The usual pattern of past weeks speaks here: no model is trained yet."}
    assert heads["note"].str.contains("no model is trained yet").all()


def test_forecasts_are_distributions_over_every_hour(published: Deployment, settings: Settings) -> None:
    forecast, _ = _published(published)
    hourly = forecast[forecast["period"] == "PT1H"]
    hours = hourly.groupby(["site_id", "unit_id", "target"])["valid_at"].agg(["min", "nunique"])
    assert len(hours) == 6
    assert (hours["min"] == settings.issued_at(NIGHT)).all()
    assert (hours["nunique"] == settings.lead_hours).all()
    wide = forecast.pivot_table(
        index=["site_id", "unit_id", "target", "period", "valid_at"], columns="quantile", values="value"
    )
    assert (wide.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert (wide >= 0).all(axis=None)


def test_shifts_and_days_are_published_beside_the_hours_they_sum(
    published: Deployment, settings: Settings
) -> None:
    forecast, _ = _published(published)
    medians = forecast[forecast["quantile"] == 0.5]
    days = medians[medians["period"] == "P1D"].groupby(["site_id", "unit_id", "target"]).size()
    assert set(medians["period"]) == {"PT1H", "PT8H", "PT12H", "P1D"}
    assert len(days) == 6
    assert days.ge(settings.horizon.days - 1).all()
    arrivals = medians[(medians["target"] == Target.ED_ARRIVALS) & (medians["site_id"] == "north")]
    hourly, daily = arrivals[arrivals["period"] == "PT1H"], arrivals[arrivals["period"] == "P1D"]
    for midnight, day in zip(daily["valid_at"], daily["value"], strict=True):
        within = hourly["valid_at"].between(midnight, midnight + timedelta(days=1), inclusive="left")
        assert day == pytest.approx(hourly.loc[within, "value"].sum(), rel=0.2)


def test_running_a_night_again_leaves_the_same_rows(next_day: Deployment) -> None:
    before, rows = _published(next_day), _rows(next_day)
    _walk(next_day, NIGHT, "manual__2")
    for first, again in zip(before, _published(next_day), strict=True):
        pd.testing.assert_frame_equal(first, again)
    assert _rows(next_day) == rows


def test_rows_after_the_issue_time_or_come_late_change_nothing(
    next_day: Deployment, damage: Callable[..., None], settings: Settings
) -> None:
    before = _published(next_day)
    issued_at = settings.issued_at(NIGHT)
    late = issued_at - timedelta(hours=5)
    future = issued_at + timedelta(hours=5)
    for number, moment in enumerate((late, late, late, future, future)):
        damage(
            "INSERT INTO ed_visit (visit_id, site_id, arrived_at, departed_at, acuity, disposition) "
            "VALUES (:id, 'north', :moment, NULL, 3, NULL)",
            id=f"late-{number}",
            moment=moment.strftime("%Y-%m-%d %H:%M:%S.000000"),
        )
    _walk(next_day, NIGHT, "manual__2")
    for first, again in zip(before, _published(next_day), strict=True):
        pd.testing.assert_frame_equal(first, again)


def test_the_next_night_takes_up_late_rows_and_past_nights_keep_what_they_knew(
    next_day: Deployment, damage: Callable[..., None], settings: Settings
) -> None:
    engine = warehouse.connect(next_day.warehouse)
    first, second = (settings.issued_at(night) for night in (NIGHT, TOMORROW))
    moment = first - timedelta(hours=5)

    def arrivals(known_at: object) -> float:
        known = warehouse.observations(engine, ["north"], "ed_arrivals", moment, known_at)  # type: ignore[arg-type]
        return float(known.set_index("valid_at")["value"].loc[moment])

    before = arrivals(first)
    damage(
        "INSERT INTO ed_visit (visit_id, site_id, arrived_at, departed_at, acuity, disposition) "
        "VALUES ('late', 'north', :moment, NULL, 3, NULL)",
        moment=(moment + timedelta(minutes=10)).strftime("%Y-%m-%d %H:%M:%S.000000"),
    )
    _walk(next_day, TOMORROW, "scheduled__2")
    assert arrivals(second) == before + 1
    assert arrivals(first) == before


def test_a_night_that_was_cut_off_ends_as_if_undisturbed(next_day: Deployment, tmp_path: Path) -> None:
    """Every stage is run twice, and the night is opened anew in the middle."""
    undisturbed = copied(next_day, tmp_path / "undisturbed")
    _walk(undisturbed, TOMORROW, "undisturbed__2")
    for half in (
        [pipeline.extract_site, pipeline.validate_site, pipeline.record_site],
        [pipeline.forecast_site, pipeline.staff_site, pipeline.publish_site],
    ):
        key = pipeline.open_night(next_day, TOMORROW, SITES, "scheduled__2", {})
        for site_id, stage in product(SITES, half):
            stage(next_day, key, site_id)
            stage(next_day, key, site_id)
    for one, other in zip(_published(next_day, TOMORROW), _published(undisturbed, TOMORROW), strict=True):
        pd.testing.assert_frame_equal(_without_run_ids(one), _without_run_ids(other))


def test_the_same_night_on_postgresql(published: Deployment, place: Deployment, postgres_url: str) -> None:
    """The source and the warehouse on PostgreSQL give the rows that they give on SQLite."""
    there = place.model_copy(update={"source_url": postgres_url, "warehouse_url": postgres_url})
    start, until = pipeline.simulated_span(published) or (None, None)
    assert start
    assert until
    pipeline.simulate_source(there, start, until, seed=5)
    pipeline.migrate(there)
    _walk(there, NIGHT, "test__1")
    for one, other in zip(_published(published), _published(there), strict=True):
        pd.testing.assert_frame_equal(_without_run_ids(one), _without_run_ids(other))


def _without_run_ids(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=["mlflow_run_id", "dag_run_id"], errors="ignore")
