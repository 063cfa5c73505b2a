from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from forecasting.config import ConfigError, Settings
from forecasting.rules import NoRule, UnitRule, rule_book

pytestmark = pytest.mark.unit

CONFIG = Path(__file__).parents[2] / "hospital.toml"
DAY = date(2026, 6, 2)
NURSE = "registered_nurse"


def configured(change: Callable[[dict[str, Any]], None] = lambda _: None) -> Settings:
    content = tomllib.loads(CONFIG.read_text())
    change(content)
    return Settings.model_validate(content)


def asks(
    settings: Settings, unit_id: str, day: date = DAY, site_id: str = "north"
) -> UnitRule | NoRule | None:
    site = settings.site(site_id)
    unit = next(unit for unit in site.units if unit.unit_id == unit_id)
    return rule_book(settings).asks(site, unit, NURSE, day)


def followed(*arguments: Any) -> str:
    rule = asks(*arguments)
    assert isinstance(rule, UnitRule), rule
    return rule.rule.rule_id


def local(rule_id: str, **more: Any) -> dict[str, Any]:
    return {"rule_id": rule_id, "role": NURSE, "patients_per_head": 1, "reason": "a trial"} | more


def with_rules(*rules: dict[str, Any], ratio_set: str | None = "california") -> Settings:
    def change(content: dict[str, Any]) -> None:
        content["rules"] = list(rules)
        if ratio_set:
            content["sites"][0]["ratio_set"] = ratio_set

    return configured(change)


def test_own_rules_stand_before_published_ones_and_those_before_the_roles() -> None:
    of_type = local("of_type", unit_type="icu")
    of_site = local("of_site", site_id="north", unit_type="icu")
    of_unit = local("of_unit", site_id="north", unit_id="icu")
    assert followed(with_rules(of_type, of_site, of_unit), "icu") == "of_unit"
    assert followed(with_rules(of_type, of_site), "icu") == "of_site"
    assert followed(with_rules(of_type), "icu") == "of_type"
    assert followed(with_rules(), "icu") == "california_icu"
    assert followed(with_rules(ratio_set=None), "icu") == "registered_nurse_icu"


@pytest.mark.parametrize(
    ("day", "rule_id"),
    [
        (date(2026, 5, 31), "california_icu"),
        (date(2026, 6, 1), "trial"),
        (date(2026, 6, 30), "trial"),
        (date(2026, 7, 1), "california_icu"),
    ],
)
def test_an_own_rule_holds_on_its_first_and_last_date_and_not_beyond(day: date, rule_id: str) -> None:
    span = {"effective_from": date(2026, 6, 1), "effective_until": date(2026, 6, 30)}
    assert followed(with_rules(local("trial", unit_type="icu", **span)), "icu", day) == rule_id


def test_a_law_holds_in_its_own_span_and_its_predecessor_before() -> None:
    def ward(content: dict[str, Any]) -> None:
        content["sites"][1]["ratio_set"] = "california"

    settings = configured(ward)
    assert followed(settings, "ward", date(2005, 1, 1), "west") == "california_medical_surgical"
    assert followed(settings, "ward", date(2004, 12, 31), "west") == "california_medical_surgical_until_2004"


def test_a_law_that_has_not_begun_is_named_and_the_roles_own_rule_does_not_step_in() -> None:
    rule = asks(with_rules(ratio_set="nsw_australia"), "ed", date(2023, 4, 26))
    assert rule == NoRule(
        "no rule for Registered nurse in units of type ed on 2023-04-26: nsw_ed begins on 2023-04-27"
    )


def test_where_a_set_has_no_rule_for_a_unit_type_the_roles_own_holds() -> None:
    assert followed(with_rules(ratio_set="nsw_australia"), "icu") == "registered_nurse_icu"


def test_a_set_that_is_only_for_some_patients_needs_a_rule_for_the_others() -> None:
    def resuscitation(share: float) -> Settings:
        def change(content: dict[str, Any]) -> None:
            content["sites"][0]["ratio_set"] = "uk"
            content["sites"][0]["units"][0]["patient_shares"] = {"resuscitation_area": share}
            del content["roles"][NURSE]["patients_per_head"]["ed"]

        return configured(change)

    all_of_them = asks(resuscitation(1.0), "ed")
    assert isinstance(all_of_them, UnitRule)
    assert all_of_them.heads_per_load("day") == pytest.approx(1.0)
    some = asks(resuscitation(0.3), "ed")
    assert isinstance(some, NoRule)
    assert "the other patients of units of type ed" in some.why


def test_posts_that_the_rule_counts_are_not_added() -> None:
    def posts(content: dict[str, Any]) -> None:
        content["sites"][0]["ratio_set"] = "california"
        content["sites"][0]["units"][0]["posts"] = {"triage": 2, "charge": 1}

    rule = asks(configured(posts), "ed")
    assert isinstance(rule, UnitRule)
    assert rule.heads(7.2) == 10


def test_an_unknown_ratio_set_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'north': ratio_set 'atlantis' is unknown; allowed: california"):
        rule_book(with_rules(ratio_set="atlantis"))


def test_a_condition_that_no_rule_is_for_is_refused_with_the_known_ones() -> None:
    def misspelt(content: dict[str, Any]) -> None:
        content["sites"][0]["units"][0]["patient_shares"] = {"critical_car": 0.1}

    told = r"patient_shares of north's unit 'ed': no rule is for critical_car; allowed: .*critical_care"
    with pytest.raises(ConfigError, match=told):
        rule_book(configured(misspelt))


def test_two_own_rules_for_the_same_unit_and_date_are_refused() -> None:
    one = local("one", unit_type="icu", effective_until=date(2026, 6, 30))
    other = local("other", unit_type="icu", effective_from=date(2026, 6, 30))
    with pytest.raises(ConfigError, match="one and other hold on the same date"):
        rule_book(with_rules(one, other))
