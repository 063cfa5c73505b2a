"""An ED patient by patient: what the queue's equations say on average, seen happening."""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from forecasting.staffing.waiting import WaitingRoom


@dataclass
class Patient:
    arrived: float
    patient_until: float
    hour: int
    seen_before: bool = False


@dataclass(frozen=True)
class Simulated:
    """By hour of arrival, over all runs (hours,)."""

    arrived: np.ndarray
    seen: np.ndarray
    waited: np.ndarray
    """Hours, of those who were seen."""

    @property
    def until_seen(self) -> np.ndarray:
        return np.asarray(self.waited / self.seen)

    @property
    def left_unseen(self) -> np.ndarray:
        return np.asarray(1 - self.seen / self.arrived)


def simulate(room: WaitingRoom, runs: int, seed: int) -> Simulated:
    hours = len(room.arrivals)
    arrived, seen, waited = np.zeros(hours), np.zeros(hours), np.zeros(hours)
    random = np.random.default_rng(seed)
    for _ in range(runs):
        for patient, wait in one_run(room, random):
            arrived[patient.hour] += 1
            if wait is not None:
                seen[patient.hour] += 1
                waited[patient.hour] += wait
    return Simulated(arrived, seen, waited)


def one_run(room: WaitingRoom, random: np.random.Generator) -> list[tuple[Patient, float | None]]:
    """Every patient who arrives, with the wait of those who are seen."""
    arrivals = [
        (hour + share, hour)
        for hour, rate in enumerate(room.arrivals)
        for share in np.sort(random.random(random.poisson(rate))).tolist()
    ]
    changes = [(float(hour), int(places)) for hour, places in enumerate(room.places)]
    queue: deque[Patient] = deque()
    in_care: list[float] = []
    outcome: list[tuple[Patient, float | None]] = []
    places, next_arrival, next_change = 0, 0, 0

    def take_in(now: float) -> None:
        while queue and len(in_care) < places:
            patient = queue.popleft()
            if patient.patient_until < now:
                if not patient.seen_before:
                    outcome.append((patient, None))
                continue
            if not patient.seen_before:
                outcome.append((patient, now - patient.arrived))
            heapq.heappush(in_care, now + random.exponential(room.care_hours))

    def patience(now: float) -> float:
        if math.isinf(room.patience_hours):
            return math.inf
        return now + float(random.exponential(room.patience_hours))

    for _ in range(room.present):
        queue.append(Patient(0.0, patience(0.0), 0, seen_before=True))
    while True:
        moments = (
            arrivals[next_arrival][0] if next_arrival < len(arrivals) else math.inf,
            in_care[0] if in_care else math.inf,
            changes[next_change][0] if next_change < len(changes) else math.inf,
        )
        now = min(moments)
        if math.isinf(now):
            break
        if now == moments[2]:
            places = changes[next_change][1]
            next_change += 1
            while len(in_care) > places:
                in_care.pop(int(random.integers(len(in_care))))
                heapq.heapify(in_care)
                queue.appendleft(Patient(now, patience(now), 0, seen_before=True))
        elif now == moments[1]:
            heapq.heappop(in_care)
        else:
            queue.append(Patient(now, patience(now), arrivals[next_arrival][1]))
            next_arrival += 1
        take_in(now)
    outcome += [(patient, None) for patient in queue if not patient.seen_before]
    return outcome
