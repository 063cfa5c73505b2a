from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from forecasting.config import Settings
from forecasting.features import build_panel
from forecasting.models import Climatology, backcast
from forecasting.models.flow import Flow, Flows
from forecasting.schema import FORECAST, Target

pytestmark = pytest.mark.unit

Build = Callable[..., pd.DataFrame]
Wards = Callable[..., tuple[pd.DataFrame, Callable[[datetime], Flows]]]
CENSUS = Target.BED_CENSUS
SERIES = ["site_id", "unit_id"]


def spoken(panel: pd.DataFrame, flows: Flows, settings: Settings, issued_at: datetime) -> pd.DataFrame:
    return Flow.fit(panel, flows, settings, issued_at, CENSUS).predict(panel, issued_at)


@pytest.fixture(scope="module")
def drawn(wards: Wards, panel_of: Build, issued_at: datetime) -> tuple[pd.DataFrame, Flows]:
    observed, flows = wards(70)
    return panel_of(observed, CENSUS), flows(issued_at)


def test_it_forecasts_every_unit_in_the_forecast_table(
    drawn: tuple[pd.DataFrame, Flows], settings: Settings, issued_at: datetime
) -> None:
    forecast = spoken(*drawn, settings, issued_at)
    pd.testing.assert_frame_equal(FORECAST.conform(forecast), forecast)
    assert len(forecast) == 4 * settings.lead_hours * len(settings.horizon.quantile_levels)
    assert forecast["valid_at"].min() == issued_at
    assert set(forecast["model"]) == {"flow"}
    wide = forecast.pivot_table(index=[*SERIES, "valid_at"], columns="quantile", values="value")
    assert (wide.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert (forecast["value"] >= 0).all()
    assert (wide[0.5] == wide[0.5].round()).all()


def test_who_is_there_at_the_issue_time_is_known(
    drawn: tuple[pd.DataFrame, Flows], settings: Settings, issued_at: datetime
) -> None:
    panel, flows = drawn
    forecast = spoken(panel, flows, settings, issued_at)
    first = forecast[forecast["valid_at"] == issued_at].groupby(SERIES)["value"].agg(["min", "max"])
    there = flows.present[flows.present["valid_at"] == issued_at].groupby(SERIES)["patients"].sum()
    np.testing.assert_array_equal(first["min"], there)
    np.testing.assert_array_equal(first["max"], there)


def test_its_error_and_its_spread_are_those_of_the_law(
    wards: Wards, settings: Settings, issued_at: datetime
) -> None:
    observed, flows = wards(182, seed=5)
    origins = [issued_at - timedelta(days=9 * number) for number in range(1, 10)]
    later = issued_at + timedelta(days=1)
    panel = build_panel(observed, CENSUS, settings, later, settings.sites)
    ours = pd.concat(
        backcast(lambda rows, at: spoken(rows, flows(at), settings, at), panel, [at]) for at in origins
    )
    climate = backcast(
        lambda rows, at: Climatology.fit(rows, settings, at, CENSUS).predict(rows, at), panel, origins
    )
    outcome = observed.set_index([*SERIES, "valid_at"])["value"]

    def hours(forecast: pd.DataFrame) -> pd.DataFrame:
        near = forecast[forecast["valid_at"] - forecast["issued_at"] <= pd.Timedelta(hours=72)]
        wide = near.pivot_table(index=[*SERIES, "issued_at", "valid_at"], columns="quantile", values="value")
        return wide.reset_index("issued_at").join(outcome.rename("outcome"))

    near = hours(ours)
    error = (near["outcome"] - near[0.5]).abs().mean()
    inside = ((near["outcome"] >= near[0.1]) & (near["outcome"] <= near[0.9])).mean()
    reference = hours(climate)
    assert error < 1.05 * (reference["outcome"] - reference[0.5]).abs().mean()
    assert 0.72 < inside < 0.9


@pytest.fixture(scope="module")
def before(drawn: tuple[pd.DataFrame, Flows], settings: Settings, issued_at: datetime) -> pd.DataFrame:
    return spoken(*drawn, settings, issued_at)


@given(value=st.one_of(st.just(np.nan), st.floats(0, 500)))
@hypothesis_settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_values_at_or_after_the_issue_time_change_nothing(
    drawn: tuple[pd.DataFrame, Flows],
    before: pd.DataFrame,
    settings: Settings,
    issued_at: datetime,
    value: float,
) -> None:
    panel, flows = drawn
    told = panel.assign(value=panel["value"].mask(panel["valid_at"] >= issued_at, value))
    pd.testing.assert_frame_equal(spoken(told, flows, settings, issued_at), before)


def test_flows_of_another_issue_time_are_not_read(
    drawn: tuple[pd.DataFrame, Flows], settings: Settings, issued_at: datetime
) -> None:
    panel, flows = drawn
    assert spoken(panel, flows, settings, issued_at - timedelta(days=1)).empty
    fitted = Flow.fit(panel, flows, settings, issued_at, CENSUS)
    assert fitted.predict(panel, issued_at - timedelta(days=1)).empty


def test_without_flows_and_for_arrivals_it_is_silent(
    drawn: tuple[pd.DataFrame, Flows], settings: Settings, issued_at: datetime
) -> None:
    panel, flows = drawn
    assert spoken(panel, Flows.none(), settings, issued_at).empty
    fitted = Flow.fit(panel, flows, settings, issued_at, Target.ED_ARRIVALS)
    assert fitted.predict(panel, issued_at).empty


def test_a_unit_without_flows_is_left_out_and_the_others_speak(
    drawn: tuple[pd.DataFrame, Flows], settings: Settings, issued_at: datetime
) -> None:
    panel, flows = drawn
    without = replace(flows, departure=flows.departure[flows.departure["unit_id"] != "icu"])
    assert set(spoken(panel, without, settings, issued_at)["unit_id"]) == {"ed", "ward"}


def test_a_unit_silent_at_the_issue_time_is_left_out(
    drawn: tuple[pd.DataFrame, Flows], settings: Settings, issued_at: datetime
) -> None:
    panel, flows = drawn
    silent = (panel["unit_id"] == "icu") & (panel["valid_at"] >= issued_at - timedelta(hours=12))
    told = panel.assign(value=panel["value"].mask(silent))
    assert set(spoken(told, flows, settings, issued_at)["unit_id"]) == {"ed", "ward"}


@pytest.mark.parametrize("days", [3, 20])
def test_a_short_history_with_gaps_and_an_empty_unit_do_no_harm(
    wards: Wards, panel_of: Build, settings: Settings, issued_at: datetime, days: int
) -> None:
    observed, flows = wards(days, factor=0.05)
    gap = observed["valid_at"].between(issued_at - timedelta(hours=60), issued_at - timedelta(hours=20))
    panel = panel_of(observed[~gap], CENSUS)
    forecast = spoken(panel, flows(issued_at), settings, issued_at)
    assert len(forecast)
    assert np.isfinite(forecast["value"]).all()


def test_a_unit_that_began_lately_is_forecast_beside_older_ones(
    wards: Wards, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    observed, flows = wards(60)
    early = (observed["unit_id"] == "ed") & (observed["valid_at"] < issued_at - timedelta(days=10))
    forecast = spoken(panel_of(observed[~early], CENSUS), flows(issued_at), settings, issued_at)
    assert set(forecast["unit_id"]) == {"ed", "icu", "ward"}
    assert np.isfinite(forecast["value"]).all()


def test_no_more_patients_than_beds_unless_there_ever_were(
    wards: Wards, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    observed, flows = wards(60, factor=1.2)
    forecast = spoken(panel_of(observed, CENSUS), flows(issued_at), settings, issued_at)
    highest = forecast.groupby(SERIES)["value"].max()
    past = observed[observed["valid_at"] < issued_at].groupby(SERIES)["value"].max()
    beds = {(site.site_id, unit.unit_id): unit.beds for site in settings.sites for unit in site.units}
    kept = [key for key in beds if past[key] <= beds[key]]
    assert all(highest[key] <= beds[key] for key in kept)
