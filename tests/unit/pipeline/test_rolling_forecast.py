"""A part of a backtest: no look past an issue time, and someone speaks for every series that was observed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from forecasting.config import Settings
from forecasting.models import Climatology, Flows, Forecaster
from forecasting.models.catalogue import CATALOGUE, CataloguedModel
from forecasting.outcome import TrainingFailed
from forecasting.pipeline.backtest import rolling
from forecasting.pipeline.backtest.protocol import Contender, Part
from forecasting.pipeline.backtest.rolling import rolling_forecast
from forecasting.schema import FORECAST, OBSERVATION_VERSION, Target

pytestmark = pytest.mark.unit

NIGHTS = (date(2026, 6, 3), date(2026, 6, 8))
CENSUS = Part(Target.BED_CENSUS, Contender("climatology"), NIGHTS)
Roll = Callable[[pd.DataFrame, Part], pd.DataFrame]


def no_flows(night: date) -> Flows:
    raise AssertionError(f"no model here is made of flows, yet those of {night} were asked for")


@pytest.fixture(scope="module")
def recorded(observations: Callable[..., pd.DataFrame], issued_at: datetime) -> pd.DataFrame:
    """Sixty days that a later night read all at once."""
    return as_versions(observations(60, days_after=7), issued_at + timedelta(days=7))


@pytest.fixture
def roll(settings: Settings, tmp_path: Path) -> Roll:
    def forecast(versions: pd.DataFrame, part: Part) -> pd.DataFrame:
        rolled = rolling_forecast(versions, part, settings, settings.sites, tmp_path / "fit", no_flows)
        return rolled.forecast

    return forecast


def as_versions(observations: pd.DataFrame, known_at: datetime) -> pd.DataFrame:
    return OBSERVATION_VERSION.conform(observations.assign(known_at=pd.Timestamp(known_at)))


def speaking(monkeypatch: pytest.MonkeyPatch, model: CataloguedModel) -> Part:
    """A part of the census by a model of the test's own."""
    monkeypatch.setattr(rolling, "CATALOGUE", {**CATALOGUE, "own": model})
    return Part(Target.BED_CENSUS, Contender("own"), NIGHTS)


def test_each_night_speaks_of_every_unit_for_the_whole_horizon(
    recorded: pd.DataFrame, roll: Roll, settings: Settings
) -> None:
    rows = roll(recorded, CENSUS)
    assert set(rows["issued_at"]) == {pd.Timestamp(settings.issued_at(night)) for night in NIGHTS}
    hours = rows.groupby(["issued_at", "site_id", "unit_id"])["valid_at"].nunique()
    assert len(hours) == 2 * 4
    assert (hours == settings.lead_hours).all()
    assert set(rows["note"]) == {""}


@given(night=st.sampled_from(NIGHTS), factor=st.floats(0, 3), seed=st.integers(0, 5))
@hypothesis_settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.parametrize("target", list(Target))
def test_hours_at_or_after_an_issue_time_change_no_forecast_issued_then(
    recorded: pd.DataFrame,
    roll: Roll,
    settings: Settings,
    target: Target,
    night: date,
    factor: float,
    seed: int,
) -> None:
    issued_at = settings.issued_at(night)
    noise = np.random.default_rng(seed).integers(0, 40, len(recorded))
    later = recorded["valid_at"] >= issued_at
    changed = recorded.assign(value=recorded["value"].mask(later, recorded["value"] * factor + noise))
    part = Part(target, Contender("climatology"), NIGHTS)
    one, other = (
        rows[rows["issued_at"] <= issued_at] for rows in (roll(recorded, part), roll(changed, part))
    )
    assert len(one)
    pd.testing.assert_frame_equal(one.reset_index(drop=True), other.reset_index(drop=True))


def test_a_model_is_fitted_once_and_on_nothing_later(
    recorded: pd.DataFrame, roll: Roll, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[datetime, pd.Timestamp]] = []

    def fit(
        panel: pd.DataFrame, own: Settings, issued_at: datetime, target: Target, *_: object
    ) -> Forecaster:
        seen.append((issued_at, panel.loc[panel["observed"] == 1, "valid_at"].max()))
        return Climatology.fit(panel, own, issued_at, target)

    roll(recorded, speaking(monkeypatch, CataloguedModel(fit)))
    first = settings.issued_at(NIGHTS[0])
    assert seen == [(first, pd.Timestamp(first - timedelta(hours=1)))]


def test_a_model_of_flows_is_fitted_at_every_issue_time_on_those_known_then(
    recorded: pd.DataFrame, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[tuple[datetime, Flows]] = []
    known = {night: Flows.none() for night in NIGHTS}

    def fit(
        panel: pd.DataFrame, own: Settings, issued_at: datetime, target: Target, _: Path, flows: Flows
    ) -> Forecaster:
        seen.append((issued_at, flows))
        return Climatology.fit(panel, own, issued_at, target)

    part = speaking(monkeypatch, CataloguedModel(fit, of_flows=True))
    rolling_forecast(recorded, part, settings, settings.sites, tmp_path, known.__getitem__)
    assert [issued_at for issued_at, _ in seen] == [settings.issued_at(night) for night in NIGHTS]
    assert all(flows is known[night] for (_, flows), night in zip(seen, NIGHTS, strict=True))


def test_where_the_source_tells_no_flow_climatology_speaks_and_the_rows_say_why(
    recorded: pd.DataFrame, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(night: date) -> Flows:
        raise TrainingFailed(f"the source tells no flow of patients: no table bed_stay on {night}")

    part = Part(Target.BED_CENSUS, Contender("flow"), NIGHTS)
    rows = rolling_forecast(recorded, part, settings, settings.sites, tmp_path, refuse).forecast
    assert rows["note"].str.contains("no table bed_stay").all()
    assert set(rows["model_version"]) == {"climatology 1"}


def test_the_seed_reaches_the_model(
    recorded: pd.DataFrame, roll: Roll, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = []

    def fit(
        panel: pd.DataFrame, own: Settings, issued_at: datetime, target: Target, *_: object
    ) -> Forecaster:
        seeds.append(own.training.seed)
        return Climatology.fit(panel, own, issued_at, target)

    speaking(monkeypatch, CataloguedModel(fit, seeded=True))
    rows = roll(recorded, Part(Target.BED_CENSUS, Contender("own", 41), NIGHTS[:1]))
    assert seeds == [41]
    assert set(rows["model"]) == {"own seed 41"}


@pytest.mark.parametrize(
    ("error", "said"),
    [(TrainingFailed("history too short: 20 days"), "history too short"), (KeyError("beds"), "KeyError")],
)
def test_where_a_model_cannot_be_fitted_climatology_speaks_and_the_rows_say_why(
    recorded: pd.DataFrame,
    roll: Roll,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    said: str,
) -> None:
    def fit(*_: object) -> Forecaster:
        raise error

    rows = roll(recorded, speaking(monkeypatch, CataloguedModel(fit)))
    reference = roll(recorded, CENSUS)
    assert rows["note"].str.contains(said).all()
    assert set(rows["model"]) == {"own"}
    assert set(rows["model_version"]) == {"climatology 1"}
    pd.testing.assert_series_equal(rows["value"], reference["value"])


class _Shy:
    """Silent of one series, and without a number for an hour of another."""

    name, version = "shy", "1"

    def __init__(self, baseline: Climatology) -> None:
        self._baseline = baseline

    def predict(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        rows = self._baseline.predict(panel, issued_at)
        rows = rows[~((rows["site_id"] == "north") & (rows["unit_id"] == "ed"))].reset_index(drop=True)
        first = rows.index[(rows["site_id"] == "west") & (rows["unit_id"] == "ward")][0]
        rows.loc[first, "value"] = np.nan
        return FORECAST.conform(rows)


def test_a_series_of_which_a_model_gives_no_number_is_spoken_for_by_climatology_alone(
    recorded: pd.DataFrame, roll: Roll, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = speaking(
        monkeypatch,
        CataloguedModel(lambda panel, own, at, target, *_: _Shy(Climatology.fit(panel, own, at, target))),
    )
    rows = roll(recorded, part)
    stood_in = rows[rows["note"] != ""]
    assert set(zip(stood_in["site_id"], stood_in["unit_id"], strict=True)) == {
        ("north", "ed"),
        ("west", "ward"),
    }
    assert rows["value"].notna().all()
    assert len(rows) == len(roll(recorded, CENSUS))


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_a_constant_series_is_forecast(recorded: pd.DataFrame, roll: Roll, value: float) -> None:
    flat = recorded.assign(value=recorded["value"].where(recorded["unit_id"] != "icu", value))
    rows = roll(flat, CENSUS)
    icu = rows[(rows["unit_id"] == "icu") & (rows["quantile"] == 0.5)]
    assert icu["value"].eq(value).all()


def test_series_that_begin_midway_end_early_or_were_never_seen_stop_nothing(
    recorded: pd.DataFrame, roll: Roll, settings: Settings
) -> None:
    first, second = (settings.issued_at(night) for night in NIGHTS)
    hour, unit = recorded["valid_at"], recorded["unit_id"]
    begins = (unit == "icu") & (hour < first + timedelta(days=1))
    ends = (unit == "ward") & (hour >= first - timedelta(days=30))
    never = (recorded["site_id"] == "west") & (unit == "ed")
    rows = roll(recorded[~(begins | ends | never)], CENSUS)
    assert set(rows.loc[rows["unit_id"] == "icu", "note"]) == {"it began after climatology was fitted"}
    spoken = rows.groupby("issued_at")["unit_id"].agg(set)
    assert spoken.loc[pd.Timestamp(first)] == {"ed", "ward"}
    assert spoken.loc[pd.Timestamp(second)] == {"ed", "icu", "ward"}
    assert not ((rows["site_id"] == "west") & (rows["unit_id"] == "ed")).any()


def test_nothing_observed_gives_no_rows(recorded: pd.DataFrame, roll: Roll) -> None:
    assert roll(recorded.iloc[:0], CENSUS).empty
