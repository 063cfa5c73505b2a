"""A published plan and who signs it: the configuration, a person, or nobody in time."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from integration.pipeline.two_hospitals import CONFIG, NIGHT, copied

from forecasting import pipeline, warehouse
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.outcome import AnswerRefused, NothingToDecide, PlanReplaced
from forecasting.pipeline import NightKey, Response

pytestmark = pytest.mark.integration

ASKING = 'approval = { ask = "always", on_timeout = "approve" }'


@pytest.fixture(scope="module")
def walked(hospitals: Deployment, tmp_path_factory: pytest.TempPathFactory) -> tuple[Deployment, NightKey]:
    """An installation of which the first site asks people, and a night that both sites published."""
    place = copied(hospitals, tmp_path_factory.mktemp("walked") / "var")
    written = CONFIG.read_text().replace('site_id = "north"\n', f'site_id = "north"\n{ASKING}\n')
    config = place.var / "hospital.toml"
    config.write_text(written)
    place = place.model_copy(update={"config": config})
    return place, pipeline.walk(place, NIGHT, ("north", "west"), "test__1", "never")


@pytest.fixture
def asking(walked: tuple[Deployment, NightKey], tmp_path: Path) -> Deployment:
    """A copy of it."""
    return copied(walked[0], tmp_path / "var")


@pytest.fixture
def key(walked: tuple[Deployment, NightKey]) -> NightKey:
    return walked[1]


def _audit(place: Deployment, site_id: str = "north") -> pd.DataFrame:
    return warehouse.decisions(warehouse.connect(place.warehouse), NIGHT, [site_id])


def _at(settings: Settings, minutes: int) -> datetime:
    return settings.issued_at(NIGHT) + timedelta(minutes=minutes)


def _response(question: Any, settings: Settings, user: str | None = "maria", **changes: Any) -> Response:
    values = {**{field.name: field.heads for field in question.fields}, **question.unseen, "comment": None}
    return Response(["Approve"], values | changes, user, _at(settings, 30))


def test_a_site_that_asks_nobody_is_approved_by_configuration_once(asking: Deployment, key: NightKey) -> None:
    west = _audit(asking, "west")
    assert len(west) == 28
    assert set(west["state"]) == {"approved"}
    assert set(west["decided_by"]) == {"configuration"}
    assert (west["heads"] == west["recommended"]).all()
    assert _audit(asking).empty

    assert not pipeline.publish_site(asking, key, "west")
    pd.testing.assert_frame_equal(_audit(asking, "west"), west)


def test_people_are_asked_for_what_a_plan_adds_in_wages_and_told_so(
    asking: Deployment, key: NightKey, settings: Settings
) -> None:
    def thresholds(wages: int) -> Deployment:
        written = CONFIG.read_text().replace(
            'title = "Registered nurse"\n', 'title = "Registered nurse"\nwage = 40\n'
        )
        approval = f'approval = {{ ask = "above_threshold", heads_changed = 900, wages_changed = {wages} }}'
        config = asking.var / f"above_{wages}.toml"
        config.write_text(written.replace('site_id = "north"\n', f'site_id = "north"\n{approval}\n'))
        return asking.model_copy(update={"config": config})

    question = pipeline.ask_about_site(thresholds(0), key, "north", _at(settings, 5))
    (reason,) = [line for line in question.body.splitlines() if "because" in line]
    assert re.fullmatch(
        r"You are asked because of this: [\d,]+ (more|less) in wages than rostered, above 0\.", reason
    )
    with pytest.raises(NothingToDecide, match=r"not above 900; [\d,]+ .* not above 9,000,000"):
        pipeline.ask_about_site(thresholds(9_000_000), key, "north", _at(settings, 5))


def test_only_an_approver_decides_whoever_was_let_answer(
    asking: Deployment, key: NightKey, settings: Settings
) -> None:
    config = asking.var / "approvers.toml"
    approval = 'approval = { ask = "always", approvers = ["u7"] }'
    config.write_text(CONFIG.read_text().replace('site_id = "north"\n', f'site_id = "north"\n{approval}\n'))
    place = asking.model_copy(update={"config": config})
    response = _response(pipeline.ask_about_site(place, key, "north", _at(settings, 5)), settings)
    with pytest.raises(AnswerRefused, match=r"maria may not decide .*approval.approvers are u7"):
        pipeline.decide_site(place, key, "north", replace(response, user_id="u8"))
    assert _audit(place).empty
    assert pipeline.decide_site(place, key, "north", replace(response, user_id="u7")) == 4


def test_an_answer_is_written_once_and_the_night_is_not_asked_about_again(
    asking: Deployment, key: NightKey, settings: Settings
) -> None:
    question = pipeline.ask_about_site(asking, key, "north", _at(settings, 5))
    response = _response(question, settings)
    assert pipeline.decide_site(asking, key, "north", response) == 4
    assert pipeline.decide_site(asking, key, "north", response) == 0

    audit = _audit(asking)
    assert set(audit["shift_start"].dt.tz_convert("America/New_York").dt.date) == {NIGHT + timedelta(days=1)}
    assert audit["state"].tolist() == ["approved"] * 4
    assert set(audit["decided_by"]) == {"maria"}
    assert not pipeline.publish_site(asking, key, "north")
    with pytest.raises(NothingToDecide, match="is decided on"):
        pipeline.ask_about_site(asking, key, "north", _at(settings, 60))

    page = (asking.var / "pages" / str(NIGHT) / "north.html").read_text()
    assert "Approved by maria" in page

    late = replace(response, user=None, at=_at(settings, 90))
    assert pipeline.decide_site(asking, key, "north", late) == 0
    assert len(_audit(asking)) == 4


def test_a_timeout_does_what_the_configuration_says(
    asking: Deployment, key: NightKey, settings: Settings
) -> None:
    question = pipeline.ask_about_site(asking, key, "north", _at(settings, 5))
    nobody = _response(question, settings, user=None)
    pipeline.check_response(asking, key, "north", nobody)
    assert pipeline.decide_site(asking, key, "north", nobody) == 4
    assert set(_audit(asking)["decided_by"]) == {"timeout"}
    assert set(_audit(asking)["state"]) == {"approved"}


def test_a_malformed_answer_or_one_about_another_plan_decides_nothing(
    asking: Deployment, key: NightKey, settings: Settings
) -> None:
    question = pipeline.ask_about_site(asking, key, "north", _at(settings, 5))
    for refused, changes in (
        (AnswerRefused, {"ed/barber/day": 3}),
        (AnswerRefused, {"asked_at": "yesterday"}),
        (PlanReplaced, {"plan": "0000"}),
    ):
        response = _response(question, settings, **changes)
        for take in (pipeline.check_response, pipeline.decide_site):
            with pytest.raises(refused):
                take(asking, key, "north", response)
    assert _audit(asking).empty


def test_a_site_that_has_not_published_is_not_asked_about(asking: Deployment, key: NightKey) -> None:
    for night in (NIGHT - timedelta(days=1), NIGHT + timedelta(days=1)):
        with pytest.raises(NothingToDecide, match="has not published"):
            pipeline.ask_about_site(asking, replace(key, night=night), "north")
    with pytest.raises(NothingToDecide, match="have begun"):
        pipeline.ask_about_site(asking, key, "north")


def test_what_is_taken_back_is_asked_about_anew(
    asking: Deployment, key: NightKey, settings: Settings
) -> None:
    question = pipeline.ask_about_site(asking, key, "north", _at(settings, 5))
    pipeline.decide_site(asking, key, "north", _response(question, settings))
    assert pipeline.reopen_site(asking, key, "north", "joan") == 4
    assert pipeline.reopen_site(asking, key, "north", "joan") == 0
    assert _audit(asking).query("number == 2")["state"].tolist() == ["proposed"] * 4
    again = pipeline.ask_about_site(asking, key, "north", _at(settings, 60))
    assert again.fields == question.fields
