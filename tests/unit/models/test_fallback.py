from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.models import Climatology
from forecasting.models.fallback import IN_STEAD, Champion, speak
from forecasting.schema import Target

pytestmark = pytest.mark.unit

Build = Callable[..., pd.DataFrame]
CENSUS = Target.BED_CENSUS


class Said:
    """A champion whose forecast is known: the climatology's, changed."""

    name = "tft"
    version = "of its own"

    def __init__(
        self,
        settings: Settings,
        change: Callable[[pd.DataFrame], pd.DataFrame],
        silenced: dict[tuple[str, str], str] | None = None,
    ) -> None:
        self.silenced = silenced or {}
        self._settings = settings
        self._change = change

    def predict(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        spoken = Climatology.fit(panel, self._settings, issued_at, CENSUS).predict(panel, issued_at)
        return self._change(spoken.assign(model=self.name, model_version=self.version))


@pytest.fixture
def ask(observations: Build, panel_of: Build, settings: Settings, issued_at: datetime) -> Build:
    """The forecast of a history, with a champion or none."""

    def answer(history: pd.DataFrame, champion: Callable[[], Champion] | None) -> pd.DataFrame:
        panel = panel_of(history, CENSUS)
        return speak(panel, CENSUS, settings, issued_at, champion, "7", "no model is trained yet").forecast

    return answer


def _speakers(forecast: pd.DataFrame) -> dict[tuple[str, str], tuple[str, str, str]]:
    rows = forecast.drop_duplicates(["site_id", "unit_id", "model", "note"])
    series = zip(rows["site_id"], rows["unit_id"], strict=True)
    return dict(
        zip(series, zip(rows["model"], rows["model_version"], rows["note"], strict=True), strict=True)
    )


def test_the_champion_speaks_under_its_registered_version(
    ask: Build, observations: Build, settings: Settings
) -> None:
    forecast = ask(observations(120), lambda: Said(settings, lambda spoken: spoken))
    assert set(_speakers(forecast).values()) == {("tft", "7", "")}


def test_without_a_champion_the_baseline_speaks_and_says_why(ask: Build, observations: Build) -> None:
    assert set(_speakers(ask(observations(120), None)).values()) == {
        ("climatology", Climatology.version, IN_STEAD.format("no model is trained yet"))
    }


def test_a_champion_that_breaks_leaves_the_hospital_its_plan(
    ask: Build, observations: Build, settings: Settings
) -> None:
    def broken() -> Champion:
        raise OSError("the file is gone")

    spoken = _speakers(ask(observations(120), broken))
    assert len(spoken) == 4
    assert {note for _, _, note in spoken.values()} == {
        "The usual pattern of past weeks speaks here: the trained model failed tonight, and the log says how."
    }


def test_a_series_without_a_number_gets_the_baseline_alone(
    ask: Build, observations: Build, settings: Settings
) -> None:
    def lose_icu(spoken: pd.DataFrame) -> pd.DataFrame:
        return spoken.assign(value=spoken["value"].mask(spoken["unit_id"] == "icu", np.nan))

    spoken = _speakers(ask(observations(120), lambda: Said(settings, lose_icu)))
    assert spoken.pop(("north", "icu"))[::2] == (
        "climatology",
        IN_STEAD.format("the trained model gave no number"),
    )
    assert {model for model, _, _ in spoken.values()} == {"tft"}


def test_a_series_that_the_champion_lost_is_climatologys_and_the_note_says_why(
    ask: Build, observations: Build, settings: Settings
) -> None:
    why = "over the last 4 weeks it was closer here than the trained model"
    lost = {("north", "icu"): why, ("north", "closed long ago"): why}
    spoken = _speakers(ask(observations(120), lambda: Said(settings, lambda spoken: spoken, lost)))
    assert spoken.pop(("north", "icu"))[::2] == ("climatology", IN_STEAD.format(why))
    assert set(spoken.values()) == {("tft", "7", "")}


def test_a_young_series_gets_the_baseline_alone(
    ask: Build, observations: Build, settings: Settings, issued_at: datetime
) -> None:
    history = observations(120)
    young = (history["unit_id"] == "ward") & (history["valid_at"] < issued_at - timedelta(days=21))
    spoken = _speakers(ask(history[~young], lambda: Said(settings, lambda spoken: spoken)))
    model, _, note = spoken.pop(("west", "ward"))
    assert model == "climatology"
    assert note == IN_STEAD.format("21 days of it are known, and the trained model needs 84")
    assert {model for model, _, _ in spoken.values()} == {"tft"}


def test_a_series_that_fell_back_is_climatologys_and_the_champion_is_kept_in_shadow(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    def double_and_lose_ward(spoken: pd.DataFrame) -> pd.DataFrame:
        value = (2 * spoken["value"]).mask(spoken["unit_id"] == "ward", np.nan)
        return spoken.assign(value=value)

    panel = panel_of(observations(120), CENSUS)
    icu, ward = ("north", "icu"), ("west", "ward")
    fallen = {icu: "the usual week was closer", ward: "the usual week was closer"}
    voices = speak(
        panel,
        CENSUS,
        settings,
        issued_at,
        lambda: Said(settings, double_and_lose_ward),
        "7",
        "no model is trained yet",
        fallen,
    )
    spoken = _speakers(voices.forecast)
    assert spoken[icu][::2] == ("climatology", IN_STEAD.format(fallen[icu]))
    assert spoken[ward][::2] == ("climatology", IN_STEAD.format("the trained model gave no number"))
    assert set(_speakers(voices.shadow)) == {icu}
    published = voices.forecast[voices.forecast["unit_id"] == "icu"]
    assert (voices.shadow["value"].to_numpy() == 2 * published["value"].to_numpy()).all()
