"""Bad input and bad nights: each is told plainly, stops its own site alone, and harms nothing written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pandas as pd
import pytest
from integration.pipeline.two_hospitals import NIGHT, SITES

from forecasting import pipeline, warehouse
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.outcome import NightIncomplete, SiteNotReady
from forecasting.schema import NightState

pytestmark = pytest.mark.integration

TOMORROW = NIGHT + timedelta(days=1)
Damage = Callable[..., None]


def _walk(place: Deployment, night: date = NIGHT) -> None:
    pipeline.walk(place, night, SITES, f"test__{night}", "never")


def _state(place: Deployment, site_id: str, night: date = NIGHT) -> tuple[NightState, str]:
    found = warehouse.find_night(warehouse.connect(place.warehouse), site_id, night)
    assert found is not None
    return found.state, found.why


def _heads(place: Deployment, night: date = NIGHT) -> pd.DataFrame:
    return warehouse.recommendations(warehouse.connect(place.warehouse), night)


def _results(place: Deployment, site_id: str) -> pd.DataFrame:
    results = warehouse.validation_results(warehouse.connect(place.warehouse), NIGHT)
    return results[(results["site_id"] == site_id) & ~results["success"]]


def _quarantined(place: Deployment) -> pd.DataFrame:
    return warehouse.quarantined_rows(warehouse.connect(place.warehouse), NIGHT)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _north_stops(place: Deployment, said: list[str]) -> None:
    """The night ends incomplete; north says why; west has its whole plan."""
    with pytest.raises(NightIncomplete, match="1 of 2 sites"):
        _walk(place)
    state, why = _state(place, "north")
    assert state is NightState.BLOCKED
    for part in said:
        assert part in why
    assert _state(place, "west")[0] is NightState.PUBLISHED
    assert set(_heads(place)["site_id"]) == {"west"}


def _all_publish(place: Deployment) -> None:
    _walk(place)
    assert {_state(place, site_id)[0] for site_id in SITES} == {NightState.PUBLISHED}
    assert set(_heads(place)["site_id"]) == set(SITES)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DROP TABLE bed_stay", ["bed_stay", "source.tables"]),
        (
            "ALTER TABLE ed_visit RENAME COLUMN arrived_at TO arrival",
            ["ed_visit", "arrived_at", "source.columns"],
        ),
    ],
    ids=["missing table", "missing column"],
)
def test_a_broken_contract_names_what_is_missing_and_where_to_map_it(
    place: Deployment, damage: Damage, statement: str, said: list[str]
) -> None:
    damage(statement)
    with pytest.raises(NightIncomplete, match="2 of 2 sites"):
        _walk(place)
    state, why = _state(place, "north")
    assert state is NightState.BLOCKED
    for part in said:
        assert part in why


def test_an_empty_site_is_blocked(place: Deployment, damage: Damage) -> None:
    damage("DELETE FROM ed_visit WHERE site_id = 'north'", "DELETE FROM bed_stay WHERE site_id = 'north'")
    _north_stops(place, ["No rows for site 'north'", "ed_visit, bed_stay", "hospital.toml"])


def test_a_source_two_days_old_is_blocked_with_its_age(
    place: Deployment, damage: Damage, settings: Settings
) -> None:
    last = _text(settings.issued_at(NIGHT) - timedelta(hours=48))
    damage(
        "DELETE FROM ed_visit WHERE site_id = 'north' AND arrived_at >= :last",
        "UPDATE ed_visit SET departed_at = NULL WHERE site_id = 'north' AND departed_at >= :last",
        "DELETE FROM bed_stay WHERE site_id = 'north' AND bed_from >= :last",
        "UPDATE bed_stay SET bed_to = NULL WHERE site_id = 'north' AND bed_to >= :last",
        last=last,
    )
    _north_stops(place, ["The last row of ed_visit, 2026-06-08 06:00 UTC, is 49 h old; allowed 24"])


def test_duplicate_rows_are_counted_once_and_recorded(
    place: Deployment, damage: Damage, published: Deployment
) -> None:
    damage("INSERT INTO ed_visit SELECT * FROM ed_visit WHERE site_id = 'north' AND acuity = 2")
    _all_publish(place)
    drop = ["mlflow_run_id", "dag_run_id", "data_digest"]
    pd.testing.assert_frame_equal(_heads(place).drop(columns=drop), _heads(published).drop(columns=drop))
    assert _results(place, "north")["detail"].str.contains("repeat an id; each patient is counted once").any()
    assert _results(place, "west").empty == _results(published, "west").empty


def test_a_unit_that_is_not_configured_is_set_aside_by_name(place: Deployment, damage: Damage) -> None:
    damage("UPDATE bed_stay SET unit_id = 'x9' WHERE site_id = 'north' AND stay_id LIKE '%7'")
    _all_publish(place)
    aside = _quarantined(place)
    assert set(aside["unit_id"]) == {"x9"}
    assert aside["reason"].str.contains("x9").all()
    assert "x9" not in set(_heads(place)["unit_id"])


def test_negative_heads_are_set_aside(place: Deployment, damage: Damage, settings: Settings) -> None:
    damage(
        "UPDATE scheduled_shift SET heads = -3 "
        "WHERE site_id = 'north' AND unit_id = 'icu' AND shift_start > :now",
        now=_text(settings.issued_at(NIGHT)),
    )
    _all_publish(place)
    aside = _quarantined(place)
    assert set(aside["table_name"]) == {"scheduled_shift"}
    assert (aside["value"] == -3).all()
    assert (_heads(place)["scheduled"].dropna() >= 0).all()


def test_stays_that_end_before_they_start_count_for_nothing(place: Deployment, damage: Damage) -> None:
    damage(
        "INSERT INTO bed_stay (stay_id, site_id, unit_id, bed_from, bed_to) "
        "VALUES ('odd', 'north', 'icu', '2026-06-05 12:00:00', '2026-06-01 12:00:00')"
    )
    _all_publish(place)
    assert _results(place, "north")["detail"].str.contains("before").any()


def test_a_site_with_three_weeks_of_history_gets_the_baseline_and_is_told(
    place: Deployment, damage: Damage, settings: Settings
) -> None:
    first = _text(settings.issued_at(NIGHT) - timedelta(days=21))
    damage(
        "DELETE FROM ed_visit WHERE site_id = 'north' AND arrived_at < :first",
        "DELETE FROM bed_stay WHERE site_id = 'north' AND bed_from < :first",
        first=first,
    )
    _all_publish(place)
    said = _results(place, "north")["detail"]
    assert said.str.contains("84").any()
    assert (_heads(place).query("site_id == 'north'")["model"] == "climatology").all()


def test_a_source_that_does_not_answer_fails_the_night_and_a_rerun_mends_it(place: Deployment) -> None:
    away = place.var / "source_away.db"
    source = place.var / "source.db"
    source.rename(away)
    with pytest.raises(NightIncomplete, match="2 of 2 sites"):
        _walk(place)
    state, why = _state(place, "north")
    assert state is NightState.FAILED
    assert "source.db" in why
    away.rename(source)
    _all_publish(place)


def test_a_bad_night_leaves_the_published_night_before_it_as_it_was(
    next_day: Deployment, damage: Damage
) -> None:
    before = _heads(next_day)
    damage("DELETE FROM ed_visit WHERE site_id = 'north'", "DELETE FROM bed_stay WHERE site_id = 'north'")
    with pytest.raises(NightIncomplete, match="north"):
        _walk(next_day, TOMORROW)
    pd.testing.assert_frame_equal(_heads(next_day), before)
    assert set(_heads(next_day, TOMORROW)["site_id"]) == {"west"}


def test_a_published_night_stays_published_when_its_rerun_fails(next_day: Deployment, damage: Damage) -> None:
    before = _heads(next_day)
    damage("DROP TABLE bed_stay")
    _walk(next_day)
    pd.testing.assert_frame_equal(_heads(next_day), before)


def test_a_site_whose_hours_were_not_recorded_is_not_forecast_from_old_ones(next_day: Deployment) -> None:
    key = pipeline.open_night(next_day, TOMORROW, ("north",), "scheduled__2", {})
    pipeline.extract_site(next_day, key, "north")
    for stage in (pipeline.validate_site, pipeline.record_site):
        with pytest.raises(SiteNotReady, match="its hours were not recorded"):
            pipeline.forecast_site(next_day, key, "north")
        stage(next_day, key, "north")
    pipeline.forecast_site(next_day, key, "north")


def test_a_silent_source_leaves_hours_missing_not_zero(
    place: Deployment, damage: Damage, settings: Settings
) -> None:
    issued_at = settings.issued_at(NIGHT)
    start, end = issued_at - timedelta(days=5), issued_at - timedelta(days=4)
    damage(
        "DELETE FROM ed_visit WHERE site_id = 'north' AND arrived_at >= :start AND arrived_at < :end",
        "UPDATE ed_visit SET departed_at = :end WHERE site_id = 'north' "
        "AND departed_at >= :start AND departed_at < :end",
        "DELETE FROM bed_stay WHERE site_id = 'north' AND bed_from >= :start AND bed_from < :end",
        "UPDATE bed_stay SET bed_to = :end WHERE site_id = 'north' AND bed_to >= :start AND bed_to < :end",
        start=_text(start),
        end=_text(end),
    )
    _all_publish(place)
    engine = warehouse.connect(place.warehouse)
    known = warehouse.observations(engine, SITES, "ed_arrivals", start, issued_at)
    silent = known[(known["site_id"] == "north") & (known["valid_at"] < end)]
    assert len(silent) == 24
    assert silent["value"].isna().all()
    assert known.loc[known["site_id"] == "west", "value"].notna().all()


def test_a_column_renamed_between_two_nights_is_told_once(next_day: Deployment, damage: Damage) -> None:
    damage("ALTER TABLE ed_visit RENAME COLUMN acuity TO esi")

    def told(night: date) -> str:
        key = pipeline.open_night(next_day, night, ("north",), f"scheduled__{night}", {})
        for stage in (pipeline.extract_site, pipeline.validate_site, pipeline.record_site):
            stage(next_day, key, "north")
        results = warehouse.validation_results(warehouse.connect(next_day.warehouse), night, ["north"])
        (detail,) = results.query("expectation == 'column_is_still_there'")["detail"]
        return str(detail)

    assert "Column 'acuity' of ed_visit is gone and 'esi' is new: renamed?" in told(TOMORROW)
    assert told(TOMORROW + timedelta(days=1)) == ""
