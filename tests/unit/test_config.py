from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from forecasting.config import ConfigError, Settings, read_settings

pytestmark = pytest.mark.unit

DEMO = Path(__file__).parents[2] / "hospital.toml"
EXAMPLE = Path(__file__).parents[1] / "hospital.toml"


def test_the_demo_configuration_is_valid() -> None:
    settings = read_settings(DEMO)
    assert settings.site_ids == ("harbor", "valley")
    assert len({site.time_zone for site in settings.sites}) == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'time_zone = "America/Los_Angeles"',
            'time_zone = "Mars/Base"',
            ("sites.1.time_zone", "Mars/Base", "IANA"),
        ),
        ("issue_hour = 3", "issue_hour = 31", ("group.issue_hour", "31", "less than or equal to 23")),
        ("issue_hour = 3", "isue_hour = 3", ("group.isue_hour", "not permitted")),
        ('unit_type = "icu"', 'unit_type = "spa"', ("unit_type", "'spa'", "'ed', 'icu'")),
        ("beds = 10", "beds = -2", ("beds", "-2", "greater than or equal to 1")),
        ('subdivision = "CA"', 'subdivision = "XX"', ("sites.1", "'XX'", "allowed", "WY")),
        ('country = "US"', 'country = "QQ"', ("sites.0", "'QQ'", "ISO")),
        ('site_id = "west"', 'site_id = "north"', ("'north'", "more than once")),
        ('unit_id = "icu"', 'unit_id = "ed"', ("'ed'", "more than once")),
        (
            "minimum_heads = 2",
            "quantile_level = 0.8",
            ("registered_nurse.quantile_level = 0.8", "0.75"),
        ),
        ("attention_heads = 1", "attention_heads = 3", ("hidden_size = 8", "attention_heads = 3")),
        ("days = 7", "days = 7\nquantile_levels = [0.9, 0.5, 0.1]", ("quantile_levels", "must rise")),
        ("days = 7", "days = 7\nquantile_levels = [0.1, 0.2, 0.9]", ("quantile_levels", "median")),
        ("[horizon]", "[horizon", ("not valid TOML",)),
    ],
)
def test_a_wrong_file_names_the_key_the_value_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, said: tuple[str, ...]
) -> None:
    text = EXAMPLE.read_text()
    assert old in text
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError) as refusal:
        read_settings(wrong)
    for part in (str(wrong), *said):
        assert part in str(refusal.value)


def test_a_missing_file_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="HOSPITAL_CONFIG"):
        read_settings(tmp_path / "nowhere.toml")


def test_an_unknown_site_is_refused_with_the_known_ones(settings: Settings) -> None:
    with pytest.raises(ConfigError, match=r"'nowhere'.*north, west"):
        settings.site("nowhere")


@pytest.mark.parametrize(
    ("night", "utc"),
    [
        (date(2026, 1, 15), datetime(2026, 1, 15, 8, tzinfo=UTC)),
        (date(2026, 7, 15), datetime(2026, 7, 15, 7, tzinfo=UTC)),
        (date(2026, 3, 8), datetime(2026, 3, 8, 7, tzinfo=UTC)),  # clocks go forward at 02:00
        (date(2026, 11, 1), datetime(2026, 11, 1, 8, tzinfo=UTC)),  # clocks went back at 02:00
    ],
)
def test_the_issue_time_is_local_to_the_group(settings: Settings, night: date, utc: datetime) -> None:
    assert settings.issued_at(night) == utc


def _with(change: Callable[[dict[str, Any]], None]) -> Settings:
    content = tomllib.loads(EXAMPLE.read_text())
    change(content)
    return Settings.model_validate(content)


def test_a_site_whose_day_has_begun_is_planned_from_the_next(settings: Settings) -> None:
    def move_west_to_sydney(content: dict[str, Any]) -> None:
        content["sites"][1] |= {"time_zone": "Australia/Sydney", "country": "AU", "subdivision": "NSW"}

    changed = _with(move_west_to_sydney)
    issued_at = changed.issued_at(date(2026, 6, 10))
    assert changed.first_plan_date(changed.site("north"), issued_at) == date(2026, 6, 10)
    assert changed.first_plan_date(changed.site("west"), issued_at) == date(2026, 6, 11)


@given(
    night=st.dates(date(2024, 1, 1), date(2028, 12, 31)),
    zone=st.sampled_from(["America/New_York", "Europe/London", "Australia/Sydney", "Asia/Kolkata", "UTC"]),
    hour=st.integers(0, 23),
)
@example_settings(max_examples=60, deadline=None)
def test_the_forecast_reaches_every_planned_shift_of_every_night(night: date, zone: str, hour: int) -> None:
    def move(content: dict[str, Any]) -> None:
        content["group"] |= {"time_zone": zone, "issue_hour": hour}

    changed = _with(move)
    issued_at = changed.issued_at(night)
    for site in changed.sites:
        first = changed.first_plan_date(site, issued_at)
        for shift in changed.shifts:
            for day in range(changed.horizon.days):
                start = datetime.combine(first + timedelta(days=day), shift.start, tzinfo=site.zone)
                wall_end = start + timedelta(hours=shift.hours)
                assert start.astimezone(UTC) >= issued_at
                assert wall_end.astimezone(UTC) <= issued_at + timedelta(hours=changed.lead_hours)


def test_equal_files_have_equal_digests_and_a_changed_one_another(settings: Settings) -> None:
    def raise_beds(content: dict[str, Any]) -> None:
        content["sites"][0]["units"][0]["beds"] += 1

    assert _with(lambda _: None).digest == settings.digest
    assert _with(raise_beds).digest != settings.digest
    assert settings.shifts[0].start == time(7)


def test_the_forecast_reaches_as_far_as_the_site_of_any_zone_needs() -> None:
    def add_sites(zones: list[str]) -> Callable[[dict[str, Any]], None]:
        def add(content: dict[str, Any]) -> None:
            like = content["sites"][0]
            content["sites"] = [
                {**like, "site_id": f"site_{number}", "time_zone": zone} for number, zone in enumerate(zones)
            ]

        return add

    zones = ["America/New_York", "Pacific/Auckland", "America/New_York", "Pacific/Honolulu"]
    alone = [_with(add_sites([zone])).lead_hours for zone in zones]
    assert len(set(alone)) > 1
    assert _with(add_sites(zones)).lead_hours == max(alone)
