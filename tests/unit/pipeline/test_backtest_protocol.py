from __future__ import annotations

from datetime import date, timedelta
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.config import Settings
from forecasting.outcome import BacktestRefused
from forecasting.pipeline.backtest.protocol import BacktestProtocol, read_protocol

pytestmark = pytest.mark.unit

MONDAY = date(2026, 5, 4)
ASKED: dict[str, Any] = {
    "targets": ["ed_arrivals"],
    "first": MONDAY,
    "last": MONDAY + timedelta(days=28),
    "models": ["climatology", "tft"],
    "seeds": [1, 2],
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"last": MONDAY - timedelta(days=1)}, ["2026-05-03", "before the first", "2026-05-04"]),
        ({"step_days": 0}, ["--step 0", "from 1 on"]),
        ({"refit_days": -7}, ["--refit -7", "from 1 on"]),
        ({"targets": ["discharges"]}, ["target 'discharges' is unknown", "ed_arrivals, bed_census"]),
        ({"targets": []}, ["no target is named", "ed_arrivals, bed_census"]),
        ({"models": ["prophet"]}, ["model 'prophet' is unknown", "climatology"]),
        ({"models": ["glm", "flow"]}, ["model flow forecasts bed_census alone", "leave it out"]),
        ({"models": ["tft", "tft"]}, ["model tft is named more than once"]),
        ({"seeds": [1, 1]}, ["seed 1 is named more than once"]),
        ({"site_ids": ["south"]}, ["site 'south' is unknown", "north, west"]),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    settings: Settings, changed: dict[str, Any], said: list[str]
) -> None:
    with pytest.raises(BacktestRefused) as refused:
        read_protocol(settings, **{**ASKED, **changed})
    assert "\n" not in str(refused.value)
    for part in said:
        assert part in str(refused.value)


def test_what_is_left_out_is_as_the_nights_have_it(settings: Settings) -> None:
    protocol = read_protocol(settings, targets=["bed_census"], first=MONDAY, last=MONDAY, models=["tft"])
    assert protocol.refit_days == settings.training.retrain_after_days
    assert protocol.site_ids == settings.site_ids
    assert [contender.name for contender in protocol.contenders] == ["climatology", "tft seed 7"]
    assert protocol.nights == (MONDAY,)


def test_a_seeded_model_takes_part_once_per_seed_and_others_once(settings: Settings) -> None:
    protocol = read_protocol(settings, **ASKED)
    names = [contender.name for contender in protocol.contenders]
    assert names == ["climatology", "tft seed 1", "tft seed 2"]


def test_a_model_takes_part_only_where_it_can_forecast(settings: Settings) -> None:
    asked = {"targets": ["ed_arrivals", "bed_census"], "models": ["flow"]}
    protocol = read_protocol(settings, **{**ASKED, **asked})
    told = {(part.target.value, part.contender.name) for part in protocol.parts}
    assert told == {
        ("ed_arrivals", "climatology"),
        ("bed_census", "climatology"),
        ("bed_census", "flow"),
    }


def test_a_protocol_passes_between_tasks_as_plain_values(settings: Settings) -> None:
    protocol = read_protocol(settings, **ASKED)
    assert BacktestProtocol.from_json(protocol.as_json()) == protocol


@given(step=st.integers(1, 40), refit=st.integers(1, 60), span=st.integers(0, 120))
def test_every_night_is_forecast_once_by_a_model_fitted_in_its_refit_period(
    settings: Settings, step: int, refit: int, span: int
) -> None:
    protocol = read_protocol(
        settings,
        targets=["ed_arrivals"],
        first=MONDAY,
        last=MONDAY + timedelta(days=span),
        step_days=step,
        refit_days=refit,
    )
    assert list(chain.from_iterable(part.nights for part in protocol.parts)) == list(protocol.nights)
    assert protocol.nights[-1] <= protocol.last
    for part in protocol.parts:
        periods = {(night - MONDAY).days // refit for night in part.nights}
        assert len(periods) == 1
