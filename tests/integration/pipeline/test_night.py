"""A whole night over simulated hospitals: what it publishes, and that running it again changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import product

import pandas as pd
import pytest
import sqlalchemy as sa
from mlflow import MlflowClient

from forecasting import pipeline, warehouse
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.schema import Target

pytestmark = pytest.mark.integration

NIGHT = date(2026, 6, 10)


def _walk(place: Deployment, night: date = NIGHT, run_id: str = "test__1") -> pipeline.NightKey:
    return pipeline.walk(place, night, ("north", "west"), run_id, "never")


def _published(place: Deployment, night: date = NIGHT) -> tuple[pd.DataFrame, pd.DataFrame]:
    engine = warehouse.connect(place.warehouse)
    return warehouse.forecasts(engine, night), warehouse.recommendations(engine, night)


def _rows(place: Deployment) -> dict[str, int]:
    engine = warehouse.connect(place.warehouse)
    with engine.connect() as connection:
        names = [name for name in sa.inspect(engine).get_table_names() if name != "alembic_version"]
        return {name: connection.scalar(sa.text(f"SELECT count(*) FROM {name}")) for name in names}  # noqa: S608


def test_all_units_roles_and_shifts_of_seven_days_are_planned(place: Deployment, settings: Settings) -> None:
    _walk(place)
    _, heads = _published(place)
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


def test_the_second_night_is_judged_beside_all_that_is_known(place: Deployment) -> None:
    """It reads three days of the source: the months before must not be taken for missing."""
    for ahead in range(2):
        _walk(place, NIGHT + timedelta(days=ahead), f"test__{ahead}")
    engine = warehouse.connect(place.warehouse)
    for site_id in ("north", "west"):
        night = warehouse.find_night(engine, site_id, NIGHT + timedelta(days=1))
        assert night is not None
        assert "days of history" not in night.why


def test_every_recommendation_leads_back_to_what_made_it(place: Deployment, settings: Settings) -> None:
    key = _walk(place, run_id="manual__7")
    _, heads = _published(place)
    assert (heads["dag_run_id"] == "manual__7").all()
    assert (heads["mlflow_run_id"] == key.mlflow_run_id).all()
    assert (heads["issued_at"] == settings.issued_at(NIGHT)).all()
    night = warehouse.find_night(warehouse.connect(place.warehouse), "north", NIGHT)
    assert night is not None
    assert set(heads.loc[heads["site_id"] == "north", "data_digest"]) == {night.data_digest}
    assert set(night.timings) >= {"extract", "validate", "record", "forecast", "staff"}
    run = MlflowClient(place.mlflow).get_run(key.mlflow_run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["airflow.dag_run_id"] == "manual__7"
    assert run.data.metrics["sites_published"] == 2
    pages = MlflowClient(place.mlflow).list_artifacts(key.mlflow_run_id, "page")
    assert {item.path for item in pages} == {"page/north.html", "page/west.html"}


def test_where_no_model_is_trained_the_baseline_speaks_and_says_so(place: Deployment) -> None:
    _walk(place)
    forecast, heads = _published(place)
    assert set(forecast["model"]) == {"climatology"}
    assert set(forecast["note"]) == {"no model is trained yet"}
    assert heads["note"].str.contains("no model is trained yet").all()


def test_forecasts_are_distributions_over_every_hour(place: Deployment, settings: Settings) -> None:
    _walk(place)
    forecast, _ = _published(place)
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
    place: Deployment, settings: Settings
) -> None:
    _walk(place)
    forecast, _ = _published(place)
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


def test_running_a_night_again_leaves_the_same_rows(place: Deployment) -> None:
    _walk(place, run_id="scheduled__1")
    before, rows = _published(place), _rows(place)
    _walk(place, run_id="manual__2")
    for first, again in zip(before, _published(place), strict=True):
        pd.testing.assert_frame_equal(first, again)
    assert _rows(place) == rows


def test_rows_after_the_issue_time_or_come_late_change_nothing(
    place: Deployment, damage: Callable[..., None], settings: Settings
) -> None:
    _walk(place)
    before = _published(place)
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
    _walk(place, run_id="manual__2")
    for first, again in zip(before, _published(place), strict=True):
        pd.testing.assert_frame_equal(first, again)


def test_the_next_night_takes_up_late_rows_and_past_nights_keep_what_they_knew(
    place: Deployment, damage: Callable[..., None], settings: Settings
) -> None:
    engine = warehouse.connect(place.warehouse)
    first, second = (settings.issued_at(NIGHT + timedelta(days=day)) for day in (0, 1))
    _walk(place)
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
    _walk(place, NIGHT + timedelta(days=1), "scheduled__2")
    assert arrivals(second) == before + 1
    assert arrivals(first) == before


def test_a_night_that_was_cut_off_ends_as_if_undisturbed(place: Deployment) -> None:
    """Every stage is run twice, and the night is opened anew in the middle."""
    night = NIGHT + timedelta(days=1)
    undisturbed = place.model_copy(update={"warehouse_url": f"sqlite:///{place.var / 'undisturbed.db'}"})
    pipeline.migrate(undisturbed)
    for each in (NIGHT, night):
        _walk(undisturbed, each, f"undisturbed__{each}")

    _walk(place)
    for half in (
        [pipeline.extract_site, pipeline.validate_site, pipeline.record_site],
        [pipeline.forecast_site, pipeline.staff_site, pipeline.publish_site],
    ):
        key = pipeline.open_night(place, night, ("north", "west"), "scheduled__2", {})
        for site_id, stage in product(("north", "west"), half):
            stage(place, key, site_id)
            stage(place, key, site_id)
    for one, other in zip(_published(place, night), _published(undisturbed, night), strict=True):
        pd.testing.assert_frame_equal(_without_run_ids(one), _without_run_ids(other))


def test_the_same_night_on_postgresql(place: Deployment, postgres_url: str, settings: Settings) -> None:
    """The source and the warehouse on PostgreSQL give the rows that they give on SQLite."""
    there = Deployment(
        config=place.config, var=place.var / "there", source_url=postgres_url, warehouse_url=postgres_url
    )
    start, until = pipeline.simulated_span(place) or (None, None)
    assert start
    assert until
    pipeline.simulate_source(there, start, until, seed=5)
    pipeline.migrate(there)
    for each in (place, there):
        _walk(each)
    for one, other in zip(_published(place), _published(there), strict=True):
        pd.testing.assert_frame_equal(_without_run_ids(one), _without_run_ids(other))


def _without_run_ids(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=["mlflow_run_id", "dag_run_id"], errors="ignore")
