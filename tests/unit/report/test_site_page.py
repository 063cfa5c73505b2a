"""The page of a night: what a nurse manager finds on it, whatever the night was like."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st
from unit.report.conftest import MakeNight

from forecasting.config import FloatPool, Settings, Weather
from forecasting.report import SiteNight, site_page
from forecasting.schema import FORECAST, OBSERVATION, STAFFING_RECOMMENDATION
from forecasting.wording import TO

pytestmark = pytest.mark.unit

APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
VOID = {"meta", "path", "rect", "line", "br"}
TOMORROW = date(2026, 6, 2)


class Outline(HTMLParser):
    """The elements of a page, each closed where it should be, and its words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words += f" {data}"


def words(page: str) -> str:
    return " ".join(Outline(page).words.split())


def with_tomorrow(told: SiteNight, unit_id: str = "ed", shift: str = "day", **changes: Any) -> pd.DataFrame:
    """The night's recommendations, one post of tomorrow changed."""
    heads = told.recommendations.copy()
    post = (heads["shift_date"] == TOMORROW) & (heads["unit_id"] == unit_id) & (heads["shift"] == shift)
    for name, value in changes.items():
        heads.loc[post, name] = value
    return heads


def changed(make_night: MakeNight, unit_id: str = "ed", **changes: Any) -> str:
    return site_page(make_night(recommendations=with_tomorrow(make_night(), unit_id, **changes)))


def row(page: str, unit: str) -> str:
    """The words of a unit's first row in tomorrow's table."""
    rows = re.findall(r'<tr role="row" class="post.*?</tr>', page, re.DOTALL)
    return next(words(each) for each in rows if f">{unit}<" in each)


def test_tomorrow_stands_first_and_the_rest_in_order(make_night: MakeNight) -> None:
    page = site_page(make_night())
    headings = [words(heading) for heading in re.findall(r"<h2.*?</h2>", page, re.DOTALL)]
    assert headings == [
        "Tomorrow, Tuesday 2 June 2026",
        "Each unit, the last days and the next",
        f"What changed since last night{APOSTROPHE}s plan",
        "Why",
        "The other days",
        "How it was made",
    ]
    assert "issued Monday 1 June 2026, 03:00, times in America/New_York" in words(page)


def test_a_shortage_is_counted_marked_with_words_and_led_with(make_night: MakeNight) -> None:
    page = changed(make_night, "icu", scheduled=5, gap=3, action="add 3", probability_short=0.71)
    assert "▲ 3 heads short, in 1 of 4 posts" in words(page)
    assert "3 short Intensive care, Registered nurse, day" in words(page)
    assert row(page, "Intensive care") == (
        f"Intensive care Registered nurse 28 (24{TO}33) 8 5 8 ▲ 3 short add 3 71 %"
    )
    assert row(page, "Emergency").endswith("= even keep 18 %")


def test_where_no_rule_holds_it_says_decide_by_hand_and_why(make_night: MakeNight) -> None:
    page = changed(
        make_night,
        required=None,
        recommended=None,
        gap=None,
        rule_id=None,
        action="decide by hand",
        probability_short=None,
        reason="No rule for registered_nurse: waiver ended on 2026-06-01.",
    )
    assert row(page, "Emergency").count("decide by hand") == 4
    assert "Emergency, Registered nurse: No rule for registered_nurse: waiver ended" in words(page)
    assert "nothing short; no rule for 1 of 4" in words(page).lower()


def test_no_number_stands_where_nothing_is_known(make_night: MakeNight) -> None:
    lost: dict[str, Any] = {
        "patients_p10": None,
        "patients_p50": None,
        "patients_p90": None,
        "probability_short": None,
    }
    page = changed(make_night, scheduled=None, gap=None, model=None, **lost)
    assert row(page, "Emergency") == "Emergency Registered nurse unknown 8 unknown 8 ? no roster keep"
    for missing in ("nan", "None", "NaT", "<NA>"):
        assert not re.search(rf"\b{re.escape(missing)}\b", words(page))
    assert "Emergency: no roster known of Registered nurse." in words(page)
    assert "Emergency: No forecast: the plan holds the minimum." in words(page)


def with_pool(make_night: MakeNight, settings: Settings, **changes: Any) -> str:
    """The page of a night with a float pool, whose rows have these values."""
    pool = FloatPool(pool_id="float", name="Float pool", role="registered_nurse", units=("icu",), most=3)
    site = settings.sites[0].model_copy(update={"float_pools": (pool,)})
    heads = make_night().recommendations
    nothing = dict.fromkeys(("required", "gap", "patients_p10", "patients_p50", "patients_p90"))
    nothing |= dict.fromkeys(("probability_short", "rule_id", "quantile_level", "model", "model_version"))
    helping = heads[heads["unit_id"] == "ed"].assign(unit_id="float", **nothing | changes)
    both = STAFFING_RECOMMENDATION.conform(pd.concat([heads, helping], ignore_index=True))
    return site_page(make_night(site=site, recommendations=both))


def test_a_float_pool_is_not_taken_for_a_missing_rule(make_night: MakeNight, settings: Settings) -> None:
    page = with_pool(make_night, settings, recommended=2, action="release 6")
    assert row(page, "Float pool") == "Float pool Registered nurse 8 2 release 6"
    assert "nothing short" in words(page).lower()
    assert "no rule" not in words(page)
    assert "No forecast" not in words(page)


def test_a_float_pool_that_was_not_planned_is_decided_by_hand(
    make_night: MakeNight, settings: Settings
) -> None:
    why = "Not planned: no unit of it is planned."
    page = with_pool(make_night, settings, recommended=None, action="decide by hand", reason=why)
    assert f"Float pool, Registered nurse: {why}" in words(page)
    assert "no rule" not in words(page)
    assert "No forecast" not in words(page)


def test_what_the_system_does_not_know_is_said(make_night: MakeNight) -> None:
    told = make_night()
    silent = told.history["valid_at"] >= told.issued_at - timedelta(hours=5)
    icu = told.history["unit_id"] == "icu"
    note = "The usual pattern of past weeks speaks here: no model is trained yet. Waiting times are unknown."
    page = words(
        site_page(
            make_night(
                history=told.history[~(silent & icu)],
                recommendations=told.recommendations.assign(note=note),
                warning="No rows for unit 'icu' (bed_census). 6 of 72 values of ed_arrivals are negative.",
                quarantined=pd.DataFrame(
                    [
                        ("observation", "ed", "bed_census", "negative count", 3),
                        ("source_defect", "ed", "bed_census", "duplicate_id", 1),
                        ("scheduled_shift", "icu", "registered_nurse", "no heads", 2),
                    ],
                    columns=["table_name", "unit_id", "target", "reason", "source_rows"],
                ),
            )
        )
    )
    for said in (
        "Intensive care: no count of patients present in 5 of the last 24 hours.",
        "All units: The usual pattern of past weeks speaks here: no model is trained yet.",
        "All units: Waiting times are unknown.",
        "The source: No rows for Intensive care (patients present). 6 of 72 values of arrivals are negative.",
        "Emergency: 3 rows of patients present set aside: negative count.",
        "Emergency: 1 row of the source set aside: duplicate id.",
        "Intensive care: 2 rows of the roster, Registered nurse, set aside: no heads.",
        "Never in the forecast: weather",
    ):
        assert said in page


def test_weather_is_not_called_unknown_where_it_is_told(make_night: MakeNight, settings: Settings) -> None:
    with_weather = settings.model_copy(update={"weather": Weather(temperature="celsius")})
    assert "Never in the forecast: events in town" in words(site_page(make_night(configured=with_weather)))


def _small(make_night: MakeNight, **texts: str) -> list[str]:
    """The elements of a page of one day with nothing to draw, its posts saying these texts."""
    heads = make_night().recommendations
    tomorrow = heads[heads["shift_date"] == TOMORROW].assign(**texts)
    nothing = {"forecast": FORECAST.empty(), "history": OBSERVATION.empty()}
    page = site_page(make_night(recommendations=tomorrow, night_before=tomorrow.iloc[:0], **nothing))
    return [tag for tag, _ in Outline(page).elements]


@trials(max_examples=15, deadline=None)
@given(text=st.text(min_size=1, max_size=60))
def test_any_text_of_a_row_is_text_on_the_page(make_night: MakeNight, text: str) -> None:
    assert _small(make_night, reason=text, note=text, action=text) == _small(
        make_night, reason="Plain.", note="Plain.", action="plain"
    )


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x>', "{{ 7 * 7 }}", "</style>&amp;"]
)
def test_markup_in_a_row_is_shown_as_it_is(make_night: MakeNight, text: str) -> None:
    assert (
        _small(make_night, reason=text, note=text, relief=text, state=text, decided_by=text).count("script")
        == 0
    )
    assert text in Outline(changed(make_night, reason=text)).words


def test_it_needs_no_script_and_nothing_from_elsewhere(make_night: MakeNight) -> None:
    told = make_night(instruments={"registered_nurse_ed": ("22 CCR 70217", "https://example.org/rule")})
    elements = Outline(site_page(told)).elements
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in elements}
    fetched = [
        value
        for tag, attributes in elements
        for name, value in attributes.items()
        if name in ("src", "srcset", "data") or (name == "href" and tag != "a")
    ]
    assert fetched == []
    assert "url(http" not in site_page(told)
    assert "22 CCR 70217" in words(site_page(told))


def test_it_can_be_read_without_seeing_it(make_night: MakeNight) -> None:
    elements = Outline(site_page(make_night())).elements
    assert next(attributes for tag, attributes in elements if tag == "html")["lang"] == "en"
    levels = [int(tag[1]) for tag, _ in elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert all(attributes.get("scope") for tag, attributes in elements if tag == "th")
    named = {attributes["id"] for _, attributes in elements if attributes.get("id")}
    pictures = [attributes for tag, attributes in elements if attributes.get("role") == "img"]
    assert len(pictures) == 2
    assert all(set(str(picture["aria-labelledby"]).split()) <= named for picture in pictures)


def test_the_days_after_are_told_with_their_gaps(make_night: MakeNight) -> None:
    heads = make_night().recommendations
    later = (heads["shift_date"] == date(2026, 6, 3)) & (heads["unit_id"] == "icu")
    heads = heads.assign(
        required=heads["required"].where(~later, 9),
        recommended=heads["recommended"].where(~later, 9),
        gap=heads["gap"].where(~later, 1),
    )
    page = site_page(make_night(recommendations=heads))
    table = words(page[page.index('<table class="dense days">') :].split("</table>")[0] + "</table>")
    assert table.startswith(
        "Unit Role Mon 1 Jun Wed 3 Jun Day Night Day Night Emergency Registered nurse 8 8 8 8"
    )
    assert table.endswith("Intensive care Registered nurse 8 8 9 ▲1 9 ▲1")


def test_what_changed_since_the_night_before_is_shown_as_was_and_is(make_night: MakeNight) -> None:
    page = words(changed(make_night, "icu", required=9, recommended=9, scheduled=7, gap=2))
    assert "1 of 4 posts changed. On the other days 0 of 4 did." in page
    assert f"Intensive care Registered nurse Day 07:00{TO}19:00 28 8 → 9 8 → 7 8 → 9" in page
    assert "0 of 4 posts changed." in words(site_page(make_night()))


def test_a_rule_that_ended_is_a_change_and_one_that_never_was_is_none(make_night: MakeNight) -> None:
    lost: dict[str, Any] = {"required": None, "recommended": None, "gap": None}
    before = make_night().night_before
    icu = before["unit_id"] == "icu"
    before = before.assign(required=before["required"].mask(icu), recommended=before["recommended"].mask(icu))
    told = make_night(recommendations=with_tomorrow(make_night(), "icu", **lost), night_before=before)
    assert "1 of 4 posts changed" in words(site_page(told)), "the night shift has a rule now"
    ended = words(changed(make_night, "icu", **lost))
    assert "8 → decide by hand" in ended


def test_a_first_night_has_nothing_to_compare_with(make_night: MakeNight) -> None:
    page = words(site_page(make_night(night_before=STAFFING_RECOMMENDATION.empty())))
    assert "There is no plan from the night before to compare with." in page


def test_cost_waiting_and_relief_are_told_where_the_plan_has_them(make_night: MakeNight) -> None:
    heads = make_night().recommendations.assign(
        expected_cost=1200.0, expected_cost_scheduled=1500.4, relief="", wait_minutes=None
    )
    ed = (heads["unit_id"] == "ed") & (heads["shift"] == "day")
    heads = heads.assign(
        relief=heads["relief"].mask(ed, "call 1 from the agency"),
        wait_minutes=heads["wait_minutes"].astype(float).mask(ed, 24.4),
        left_unseen=pd.Series(float("nan"), heads.index).mask(ed, 0.031),
        short_hours=float("nan"),
    )
    page = words(site_page(make_night(recommendations=heads)))
    assert "Together 6,002 4,800" in page
    assert "Day 1,500 1,200 24 min 3.1 %" in page
    assert "Enough for Emergency. call 1 from the agency" in page
    assert "Head-hours short" not in page, "a column without any value says nothing"
    assert "Cost and waiting" not in words(site_page(make_night()))


def test_the_state_of_approval_stands_in_the_header_and_beside_what_was_changed(
    make_night: MakeNight,
) -> None:
    proposed = make_night().recommendations.assign(state="proposed")
    assert "Proposed: nobody has decided on it yet." in words(site_page(make_night(recommendations=proposed)))
    at = datetime(2026, 6, 1, 10, 12, tzinfo=UTC)
    approved = proposed.assign(
        state="approved", decided_by="jdoe", decided_at=at, decided_heads=8, comment=None
    )
    page = words(site_page(make_night(recommendations=approved)))
    assert "Approved by jdoe, 1 Jun 06:12." in page
    assert page.count("jdoe") == 1, "what is true of all posts is said once"
    other: dict[str, Any] = {"state": "changed", "decided_heads": 9, "comment": "flu ward"}
    page = words(
        site_page(make_night(recommendations=with_tomorrow(make_night(recommendations=approved), **other)))
    )
    assert "Of 4 posts: 3 approved, 1 changed." in page
    assert "keep changed to 9 by jdoe, 1 Jun 06:12: flu ward" in page


@pytest.mark.parametrize(
    ("night", "title"),
    [
        (date(2026, 10, 31), f"Night 19:00{TO}07:00"),
        (date(2026, 10, 30), f"Night 19:00{TO}07:00, 13 hours: the clocks change"),
        (date(2027, 3, 12), f"Night 19:00{TO}07:00, 11 hours: the clocks change"),
    ],
)
def test_a_shift_that_the_clock_makes_longer_says_so(make_night: MakeNight, night: date, title: str) -> None:
    page = site_page(make_night(night))
    assert f">{title}</th>" in page


def test_an_hour_that_comes_twice_has_a_row_of_its_own(make_night: MakeNight) -> None:
    page = site_page(make_night(date(2026, 10, 31)))
    assert page.count(">01:00</th>") == page.count(">01:00 again</th>") == 3
    assert "again" not in words(site_page(make_night()))


def test_a_night_without_forecast_or_counts_still_has_its_page(make_night: MakeNight) -> None:
    page = words(site_page(make_night(forecast=FORECAST.empty(), history=OBSERVATION.empty())))
    assert page.count("There is no forecast for this unit.") == 2
    assert "no count of arrivals in 24 of the last 24 hours" in page


def test_a_night_without_plan_has_none(make_night: MakeNight) -> None:
    with pytest.raises(ValueError, match="night 2026-06-01 of north has no recommendations"):
        site_page(make_night(recommendations=STAFFING_RECOMMENDATION.empty()))


def test_twenty_units_with_long_names_and_a_unit_that_is_configured_no_more(
    make_night: MakeNight, settings: Settings
) -> None:
    (ed, icu) = settings.sites[0].units
    many = [
        icu.model_copy(update={"unit_id": f"icu_{number}", "name": f"Cardiothoracic intensive care {number}"})
        for number in range(19)
    ]
    site = settings.sites[0].model_copy(update={"units": (ed, *many)})
    whole = make_night(configured=settings.model_copy(update={"sites": (site,)}))
    page = site_page(whole)
    assert page.count('<tr role="row" class="post') == 40
    assert page.count('<svg class="chart"') == 20
    fewer = site.model_copy(update={"units": (ed, *many[:-1])})
    gone = make_night(
        site=fewer, recommendations=whole.recommendations, forecast=whole.forecast, history=whole.history
    )
    assert "icu_18 Registered nurse" in words(site_page(gone))
