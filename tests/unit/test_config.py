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
from pydantic import ValidationError

from forecasting.config import ConfigError, Settings, UnitType, read_settings

pytestmark = pytest.mark.unit

DEMO = Path(__file__).parents[2] / "hospital.toml"
EXAMPLE = Path(__file__).parents[1] / "hospital.toml"


def _called(name: str, wage_factor: float) -> dict[str, Any]:
    return {"name": name, "wage_factor": wage_factor, "most": 1}


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
        (
            "[training]",
            "[retention]\nscore_days = 60\n\n[training]",
            ("score_days = 60", "must be 68 or more", "35 days"),
        ),
        ("issue_hour = 3", "isue_hour = 3", ("group.isue_hour", "not permitted")),
        ('unit_type = "icu"', 'unit_type = "spa"', ("unit_type", "'spa'", "'ed', 'icu'")),
        ("beds = 10", "beds = -2", ("beds", "-2", "greater than or equal to 1")),
        ('subdivision = "CA"', 'subdivision = "XX"', ("sites.1", "'XX'", "allowed", "WY")),
        ('country = "US"', 'country = "QQ"', ("sites.0", "'QQ'", "ISO")),
        ('site_id = "west"', 'site_id = "north"', ("'north'", "more than once")),
        (
            'site_id = "west"',
            'site_id = "west"\napproval = { ask = "above_threshold" }',
            ("sites.1.approval", "'above_threshold' needs heads_changed or wages_changed"),
        ),
        (
            'site_id = "west"',
            'site_id = "west"\napproval = { ask = "always", heads_changed = 4 }',
            ("sites.1.approval", "'always' with heads_changed = 4", "only 'above_threshold'"),
        ),
        (
            'site_id = "west"',
            'site_id = "west"\napproval = { ask = "none", wages_changed = 2000 }',
            ("sites.1.approval", "'none' with wages_changed = 2000", "only 'above_threshold'"),
        ),
        (
            'site_id = "west"',
            'site_id = "west"\napproval = { ask = "above_threshold", wages_changed = -1 }',
            ("sites.1.approval.wages_changed", "-1", "greater than or equal to 0"),
        ),
        (
            'site_id = "west"',
            'site_id = "west"\napproval = { ask = "above_threshold", wages_changed = 2000 }',
            ("'west'", "wages_changed = 2000", "no wage for registered_nurse", "heads_changed"),
        ),
        (
            'site_id = "west"',
            'site_id = "west"\napproval = { approvers = ["maria"] }',
            ("sites.1.approval", "approvers = maria", "nobody is asked", "'always'"),
        ),
        (
            'site_id = "west"',
            'site_id = "west"\napproval = { ask = "always", approvers = ["maria", "joan", "maria"] }',
            ("sites.1.approval", "approvers 'maria'", "more than once"),
        ),
        (
            'site_id = "west"',
            'site_id = "west"\napproval = { ask = "always", approvers = [""] }',
            ("sites.1.approval.approvers.0", "''"),
        ),
        (
            'site_id = "west"',
            'site_id = "west"\napproval = { ask = "always", approvers = [7] }',
            ("sites.1.approval.approvers.0", "7", "valid string"),
        ),
        (
            'site_id = "west"',
            'site_id = "west"\napproval = { ask = "maybe" }',
            ("sites.1.approval.ask", "'maybe'", "'none', 'above_threshold' or 'always'"),
        ),
        ('unit_id = "icu"', 'unit_id = "ed"', ("'ed'", "more than once")),
        ("ed = 4", "ed = 0", ("roles.registered_nurse.patients_per_head.ed", "0", "greater than 0")),
        ("ed = 4", "ed = nan", ("roles.registered_nurse.patients_per_head.ed", "finite")),
        (
            'unit_type = "ed", beds = 30',
            'unit_type = "ed", beds = 30, minimum_heads = { registered_nurse = 31 }',
            ("minimum_heads.registered_nurse = 31", "'ed'", "30 beds"),
        ),
        (
            'unit_type = "icu", beds = 10',
            'unit_type = "icu", beds = 10, load = "offered"',
            ("unit 'icu' of type icu has no arrivals", "load = 'offered'", "'ed'", "'census'"),
        ),
        (
            'unit_type = "ed", beds = 30',
            'unit_type = "ed", beds = 30, load = "arrivals"',
            ("sites.0.units.0.load", "'arrivals'", "'census' or 'offered'"),
        ),
        (
            'unit_type = "icu", beds = 10',
            'unit_type = "icu", beds = 10, longest_stay_hours = 0',
            ("sites.0.units.1.longest_stay_hours", "0", "greater than or equal to 1"),
        ),
        ("[horizon]", "[waiting]\ndelay = 1.0\n\n[horizon]", ("waiting.delay", "1.0", "less than 1")),
        (
            'unit_type = "ed", beds = 30',
            'unit_type = "ed", beds = 30, minimum_heads = { nurse = 3 }',
            ("north's unit 'ed'", "'nurse'", "allowed: registered_nurse"),
        ),
        (
            'unit_type = "ed", beds = 30',
            'unit_type = "ed", beds = 30, patient_shares = { critical_care = 0.7, critical_trauma = 0.4 }',
            ("'ed' add up to 1.1",),
        ),
        (
            'title = "Registered nurse"',
            'title = "Registered nurse"\nspread_over_shifts = { day = 0.6, night = 0.5 }',
            ("spread_over_shifts adds up to 1.1",),
        ),
        (
            'title = "Registered nurse"',
            'title = "Registered nurse"\nspread_over_shifts = { day = 1.0 }',
            ("registered_nurse.spread_over_shifts", "day, night"),
        ),
        (
            'title = "Registered nurse"',
            'title = "Registered nurse"\nhours_per_patient_day = { ed = 2.0 }',
            ("rule for unit type 'ed'", "more than once"),
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


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        ("short = -1", ("costs.icu.short", "greater than 0")),
        ("short = 0", ("costs.icu.short", "greater than 0")),
        ("short = inf", ("costs.icu.short", "finite")),
        ("short = 1\nover = 2", ("short = 1 costs less than over = 2", "0.33", "allow_below_median")),
        ("short = 99", ("costs.icu", "0.990", "not forecast", "0.05 to 0.95")),
    ],
)
def test_costs_that_make_no_sense_are_refused(tmp_path: Path, cost: str, said: tuple[str, ...]) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(f"{EXAMPLE.read_text()}\n[costs.icu]\n{cost}\n")
    with pytest.raises(ConfigError) as refusal:
        read_settings(wrong)
    for part in said:
        assert part in str(refusal.value)


def test_the_level_follows_from_the_costs_of_the_unit_type() -> None:
    def price(content: dict[str, Any]) -> None:
        content["costs"] = {
            "default": {"short": 4, "over": 1},
            "icu": {"short": 1, "over": 3, "allow_below_median": True},
        }

    assert _with(lambda _: None).level(UnitType.ED) == 0.75
    priced = _with(price)
    assert (priced.level(UnitType.ED), priced.level(UnitType.ICU)) == (0.8, 0.25)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"wage": -3}, ("roles.registered_nurse.wage", "greater than 0", "-3")),
        ({"overtime_factor": 0.5}, ("overtime_factor", "0.5", "greater than or equal to 1")),
        ({"release_share": 1.5}, ("release_share", "1.5", "less than or equal to 1")),
        ({"show_up_rate": 0}, ("show_up_rate", "greater than or equal to 0.5")),
        ({"called": [_called("agency", 0.5)]}, ("called.0.wage_factor", "0.5", "greater than or equal to 1")),
        ({"called": [_called("agency", 2), _called("agency", 3)]}, ("called heads 'agency'", "unique")),
        ({"called": [_called("agency", 9)]}, ("called.agency: wage_factor = 9", "6 wages", "nobody")),
    ],
)
def test_prices_that_make_no_sense_are_refused(changes: dict[str, Any], said: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as refusal:
        _with(lambda content: content["roles"]["registered_nurse"].update(changes))
    for part in said:
        assert part in str(refusal.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"units": ["ed", "spa"]}, "'float' is for unit 'spa', which 'north' does not have"),
        ({"units": []}, "at least 1 item"),
        ({"role": "nurse"}, "float pool 'float' is for role 'nurse'; allowed: registered_nurse"),
        ({"least": 4}, "at least 4 heads on each shift and at most 3; swap them"),
        ({"pool_id": "icu"}, "unit_id or pool_id 'icu' stands more than once"),
        ({"units": ["icu", "icu"]}, "float pool of 'north' for 'registered_nurse of icu'"),
    ],
)
def test_a_float_pool_that_makes_no_sense_is_refused(changes: dict[str, Any], said: str) -> None:
    pool = {
        "pool_id": "float",
        "name": "Float",
        "role": "registered_nurse",
        "units": ["ed", "icu"],
        "most": 3,
    }
    with pytest.raises(ValidationError, match=said):
        _with(lambda content: content["sites"][0].update(float_pools=[pool | changes]))


def test_a_float_pool_serves_units_where_its_role_works() -> None:
    def confine(content: dict[str, Any]) -> None:
        content["roles"]["registered_nurse"]["unit_types"] = ["icu", "medical_surgical"]
        content["sites"][0]["float_pools"] = [
            {"pool_id": "float", "name": "Float", "role": "registered_nurse", "units": ["ed"], "most": 3}
        ]

    with pytest.raises(ValidationError, match="unit 'ed', where no registered_nurse works"):
        _with(confine)


def test_an_hour_without_a_head_is_priced_so_that_adding_one_pays_at_the_level() -> None:
    priced = _with(lambda content: content["roles"]["registered_nurse"].update(wage=40))
    added = 40 * 1.5
    missing = priced.missing_price("registered_nurse", UnitType.ED)
    assert 1 - added / missing == pytest.approx(priced.level(UnitType.ED))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"patients_per_head": None}, "exactly one of patients_per_head"),
        ({"hours_per_patient_day": 3}, "exactly one of patients_per_head"),
        ({"unit_id": "icu"}, "exactly one of unit_id, unit_type"),
        ({"unit_type": None, "unit_id": "icu"}, "give its site_id"),
        ({"unit_type": None, "unit_id": "spa", "site_id": "north"}, "unit 'spa' of 'north'"),
        ({"site_id": "south"}, "site 'south', which there is not"),
        ({"role": "nurse"}, "role 'nurse'; allowed: registered_nurse"),
        ({"patients_per_head": None, "arrivals_per_head_hour": 2}, "only 'ed' has arrivals"),
        ({"effective_from": "2026-06-02", "effective_until": "2026-06-01"}, "before it begins"),
        ({"reason": ""}, "at least 1 character"),
    ],
)
def test_a_rule_of_ones_own_that_makes_no_sense_is_refused(changes: dict[str, Any], said: str) -> None:
    rule = {"rule_id": "trial", "role": "registered_nurse", "unit_type": "icu", "reason": "a trial"}
    rule |= {"patients_per_head": 3} | changes
    with pytest.raises(ValidationError, match=said):
        _with(lambda content: content.update(rules=[rule]))


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


def test_a_site_s_own_look_back_goes_before_the_group_s() -> None:
    def lags(raw: dict[str, Any]) -> None:
        raw["source"]["lookback_days"] = 2
        raw["sites"][1]["lookback_days"] = 9

    settings = _with(lags)
    assert [settings.look_back(site).days for site in settings.sites] == [2, 9]
    assert settings.longest_look_back.days == 9


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
