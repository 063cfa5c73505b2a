"""What a what-if may ask, and how it is told that it can't."""

from __future__ import annotations

import json
import math
from datetime import date
from typing import Any

import pytest

from forecasting.config import Settings, Unit, UnitType
from forecasting.outcome import WhatIfRefused
from forecasting.pipeline.what_if import LIMITS, WhatIf, read_what_if
from forecasting.staffing.scenario import Scenario

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"site_ids": ["south"]}, ["site 'south' is unknown", "north, west"]),
        ({"site_ids": ["west", "west"]}, ["site west is named more than once"]),
        ({"arrivals": -101}, ["arrivals -101 %", "-100 to 300 %"]),
        ({"census": 1000}, ["census 1000 %", "-100 to 300 %"]),
        ({"stay": -95.5}, ["stay -95.5 %", "-90 to 300 %"]),
        ({"absence": 120}, ["absence 120 %", "0 to 100 %"]),
        ({"absence": -1}, ["absence -1 %", "0 to 100 %"]),
        ({"arrivals": math.nan}, ["arrivals nan %"]),
        ({"ratio_set": "texas"}, ["ratio set 'texas' is unknown", "california, nsw_australia, uk, none"]),
        ({"title": "x" * 201}, ["a title of 201 letters", "200"]),
        ({"closed": ["icu"]}, ["closed beds 'icu'", "unit=beds", "north/icu=2"]),
        ({"closed": ["icu=-1"]}, ["closed beds 'icu=-1'"]),
        ({"closed": ["icu=0"]}, ["north/icu 0", "1 to 10"]),
        ({"closed": ["icu=11"]}, ["north/icu 11", "1 to 10"]),
        ({"closed": ["icu=1", "north/icu=2"]}, ["north/icu", "more than once"]),
        ({"closed": ["nicu=1"]}, ["unit 'nicu'", "unknown", "north/ed, north/icu, west/ed, west/ward"]),
        ({"closed": ["ed=1"]}, ["unit 'ed'", "north/ed or west/ed"]),
        ({"closed": ["north/ed=1"]}, ["north/ed", "waits in the ED"]),
        ({"closed": ["south/icu=1"]}, ["site 'south'", "north, west"]),
        ({"site_ids": ["west"], "closed": ["north/icu=1"]}, ["site 'north'", "asked of west"]),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    settings: Settings, asked: dict[str, Any], said: list[str]
) -> None:
    with pytest.raises(WhatIfRefused) as refused:
        read_what_if(settings, **asked)
    assert "\n" not in str(refused.value)
    for part in said:
        assert part in str(refused.value)


def test_a_site_without_an_ed_has_nowhere_to_wait(settings: Settings) -> None:
    ward = Unit(unit_id="ward", name="Ward", unit_type=UnitType.MEDICAL_SURGICAL, beds=10)
    site = settings.site("west").model_copy(update={"units": (ward,)})
    with pytest.raises(WhatIfRefused, match="the site has no ED"):
        read_what_if(settings.model_copy(update={"sites": (site,)}), closed=["ward=1"])


def test_what_is_left_out_stays_as_it_is(settings: Settings) -> None:
    asked = read_what_if(settings)
    assert asked == WhatIf(None, settings.site_ids, Scenario())


def test_the_ends_of_what_is_allowed_are(settings: Settings) -> None:
    for what, ends in LIMITS.items():
        for end in ends:
            read_what_if(settings, **{what: end})  # type: ignore[arg-type]


def test_what_is_asked_passes_between_tasks(settings: Settings) -> None:
    asked = read_what_if(
        settings,
        night=date(2026, 6, 10),
        arrivals=20,
        stay=-12.5,
        absence=8,
        closed=["icu=4", "west/ward = 24"],
        ratio_set="none",
        title="Heat wave",
    )
    assert asked.scenario.closed_beds == {"north": {"icu": 4}, "west": {"ward": 24}}
    assert (asked.scenario.arrivals, asked.scenario.stay, asked.scenario.absence) == (0.2, -0.125, 0.08)
    assert WhatIf.from_json(json.loads(json.dumps(asked.as_json()))) == asked
