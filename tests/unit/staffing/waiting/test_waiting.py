from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from staffing_waiting_simulation import simulate

from forecasting.staffing.waiting import WaitingError, WaitingRoom, expected_waits

pytestmark = pytest.mark.unit


def a_day(places: int = 10, patience: float = 2.0, hours: int = 24) -> WaitingRoom:
    """An ED that is overrun in the afternoon, and whose places grow and shrink."""
    hour = np.arange(hours)
    arrivals = 6 + 5 * np.sin((hour - 8) / 24 * 2 * np.pi)
    staffed = np.where((hour % 24 >= 7) & (hour % 24 < 19), places, places - 3)
    return WaitingRoom(arrivals, staffed, care_hours=1.5, patience_hours=patience)


def test_waits_agree_with_a_simulation_patient_by_patient() -> None:
    room = a_day()
    waits, seen = expected_waits(room), simulate(room, runs=1500, seed=3)
    share_left = 1 - seen.seen.sum() / seen.arrived.sum()
    assert waits.share_left_unseen == pytest.approx(share_left, abs=0.005)
    assert waits.mean_until_seen == pytest.approx(seen.waited.sum() / seen.seen.sum(), rel=0.02)
    assert waits.left_unseen == pytest.approx(seen.left_unseen, abs=0.025)
    assert waits.until_seen == pytest.approx(seen.until_seen, abs=0.04)
    assert waits.until_seen.max() > 1


def test_waits_agree_with_a_simulation_where_nobody_leaves_and_a_crowd_waits_at_first() -> None:
    room = replace(a_day(places=13, patience=math.inf), present=18)
    waits, seen = expected_waits(room), simulate(room, runs=1000, seed=4)
    assert waits.mean_until_seen == pytest.approx(seen.waited.sum() / seen.seen.sum(), rel=0.04)


def test_a_steady_queue_waits_as_erlang_said() -> None:
    # Erlang C: 10 patients an hour, an hour each, 12 places: 0.4494 wait, for 1 / (12 - 10) hours.
    room = WaitingRoom(np.full(200, 10.0), np.full(200, 12), care_hours=1.0, present=10)
    waits = expected_waits(room)
    assert waits.until_seen[120] == pytest.approx(0.4494 / 2, rel=2e-3)
    assert (waits.left_unseen == 0).all()


@pytest.mark.parametrize(("places", "patience"), [(8, 0.5), (10, 1.0), (12, 4.0)])
def test_a_steady_queue_is_left_as_in_erlang_a(places: int, patience: float) -> None:
    room = WaitingRoom(np.full(48, 10.0), np.full(48, places), care_hours=1.0, patience_hours=patience)
    many = 300
    there = np.arange(1, many)
    out = np.minimum(there, places) + np.maximum(there - places, 0) / patience
    law = np.concatenate([[1.0], np.cumprod(10.0 / out)])
    law /= law.sum()
    queue = law @ np.maximum(np.arange(many) - places, 0)
    waits = expected_waits(room)
    assert waits.waiting[-1] == pytest.approx(queue, rel=1e-4)
    assert waits.left_unseen[-1] == pytest.approx(queue / patience / 10, rel=1e-4)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 7), st.sampled_from([1.0, 2.0, 8.0]))
def test_one_place_more_never_makes_anyone_wait_longer(seed: int, hour: int, patience: float) -> None:
    # Where patience is shorter than care, a place more keeps patients who would have gone, for later hours.
    random = np.random.default_rng(seed)
    room = WaitingRoom(random.uniform(0, 6, 8), random.integers(1, 6, 8), 1.0, patience)
    more = room.places.copy()
    more[hour] += 1
    fewer, extra = expected_waits(room), expected_waits(replace(room, places=more))
    assert (extra.left_unseen <= fewer.left_unseen + 1e-6).all()
    assert (extra.waiting <= fewer.waiting + 1e-6).all()


def test_nobody_waits_where_places_abound_and_nobody_is_seen_without_any() -> None:
    quiet = expected_waits(WaitingRoom(np.full(5, 1.0), np.full(5, 40), 1.0, 1.0))
    assert (quiet.share_left_unseen, quiet.mean_until_seen) == pytest.approx((0, 0), abs=1e-9)
    closed = expected_waits(WaitingRoom(np.full(5, 3.0), np.zeros(5, dtype=np.int64), 1.0, 1.0))
    assert closed.share_left_unseen == pytest.approx(1)


def test_an_hour_without_arrivals_is_told_too() -> None:
    room = WaitingRoom(np.array([0.0, 2.0]), np.array([2, 2]), 1.0, 1.0)
    assert np.isfinite(expected_waits(room).until_seen).all()
    nobody = expected_waits(replace(room, arrivals=np.zeros(2)))
    assert math.isnan(nobody.share_left_unseen)


def test_a_week_is_reckoned_while_one_looks() -> None:
    room = a_day(places=16, hours=168)
    began = time.process_time()
    expected_waits(room)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"places": np.array([1])}, "give as many"),
        ({"arrivals": np.array([1.0, np.nan])}, "must be known and not negative"),
        ({"care_hours": 0.0}, "must be more than 0"),
        ({"places": np.array([1, 0]), "patience_hours": math.inf}, "waits have no end"),
    ],
)
def test_a_room_that_makes_no_sense_is_refused(changed: dict[str, object], says: str) -> None:
    room = WaitingRoom(np.array([1.0, 1.0]), np.array([1, 1]), 1.0, 2.0)
    with pytest.raises(WaitingError, match=says):
        replace(room, **changed)  # type: ignore[arg-type]


def test_a_queue_without_end_is_refused() -> None:
    room = WaitingRoom(np.full(200, 100.0), np.full(200, 1), 1.0)
    with pytest.raises(WaitingError, match="give more places or a finite patience"):
        expected_waits(room)
