"""Beds under capacity: who lies where and when, and who waits.

One pass over events in order of time. A patient takes a free bed of the asked unit type, else one of a type
that takes its overflow and has beds to spare, else waits. A freed bed is cleaned, then goes to the first who
waits for it: patients moving on from a more intensive unit and surgical patients before ED boarders.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from forecasting.config import Unit, UnitType
from forecasting.simulate.admissions import Admissions
from forecasting.simulate.care import CARE
from forecasting.simulate.clock import DAY, HOUR, Clock, Wholes

NEVER = np.iinfo(np.int64).max
SPARE_SHARE = 0.1  # of a unit's beds that overflow never takes
WEEKEND_HELD = 0.35  # of Saturday's discharges brought forward to Friday, of Sunday's put off until Monday
SATURDAY, SUNDAY = 5, 6
LEAST_STAY = 3 * HOUR


class Event(IntEnum):
    """What can happen; at one instant, in this order."""

    LEAVES = 0
    BED_CLEAN = 1
    MOVES_ON = 2
    ASKS = 3
    GIVES_UP = 4


@dataclass(frozen=True)
class BedStays:
    """Stays in order of their start, and how each request ended; ``NEVER`` where it has not yet.

    ``patient`` counts requests in the order of ``Admissions``; ``unit`` is an index into the site's units.
    """

    patient: Wholes
    unit: Wholes
    bed_from: Wholes
    bed_to: Wholes
    first_bed: Wholes  # per request: when the first bed was taken
    gave_up: Wholes  # per request: when the patient went elsewhere for want of a bed


def assign_beds(
    admissions: Admissions, units: Sequence[Unit], types: Sequence[UnitType], clock: Clock, until: int
) -> BedStays:
    """Lay every request into beds, up to ``until``; no unit ever holds more patients than it has beds."""
    beds = Beds(admissions, units, types, clock)
    beds.run(until)
    return beds.stays()


class Beds:
    """The state of a site's beds as time goes on."""

    def __init__(
        self, admissions: Admissions, units: Sequence[Unit], types: Sequence[UnitType], clock: Clock
    ) -> None:
        self._clock = _Discharge(clock)
        self._read(admissions)
        self._type_of = [types.index(u.unit_type) if u.unit_type in types else -1 for u in units]
        self._free = [unit.beds for unit in units]
        self._spare = [max(1, round(SPARE_SHARE * unit.beds)) for unit in units]
        self._units = [[u for u, t in enumerate(self._type_of) if t == kind] for kind in range(len(types))]
        overflow = [[types.index(o) for o in CARE[kind].overflow if o in types] for kind in types]
        self._overflow = [[u for other in others for u in self._units[other]] for others in overflow]
        self._takes_from = [
            [k for k, others in enumerate(overflow) if kind in others] for kind in range(len(types))
        ]
        self._queue: list[list[tuple[int, int, int]]] = [[] for _ in types]

        size = len(admissions)
        self._unit = [-1] * size
        self._since = [0] * size
        self._course = [0] * size  # when the step's course began
        self._waits = [False] * size
        self._step = [0] * size
        self._first_bed = [NEVER] * size
        self._gave_up = [NEVER] * size
        self._ended: list[tuple[int, int, int, int]] = []
        self._events = [(t, int(Event.ASKS), i) for i, t in enumerate(admissions.requested.tolist())]
        heapq.heapify(self._events)

    def _read(self, admissions: Admissions) -> None:
        # Plain lists: element access in the event loop is several times faster than on arrays.
        self._type = admissions.unit_type.tolist()
        self._los = admissions.los.tolist()
        self._leaves_at = admissions.leaves_at.tolist()
        self._weekend = admissions.weekend.tolist()
        self._turnover = admissions.turnover.tolist()
        self._patience = admissions.patience.tolist()
        self._from_ed = (admissions.visit >= 0).tolist()

    def run(self, until: int) -> None:
        """Let everything happen that happens before ``until``."""
        # in the order of Event
        react = (self._leaves, self._bed_clean, self._moves_on, self._asks, self._gives_up)
        events = self._events
        while events and events[0][0] < until:
            now, event, subject = heapq.heappop(events)
            react[event](now, subject)

    def active(self) -> list[int]:
        """The requests that are in a bed or wait for one."""
        state = enumerate(zip(self._unit, self._waits, strict=True))
        return [one for one, (unit, waits) in state if unit >= 0 or waits]

    def lies(self, request: int) -> bool:
        """Whether the patient is in a bed."""
        return self._unit[request] >= 0

    def step(self, request: int) -> int:
        """0 in the first stay; 1 once its course is over and another unit type is due."""
        return self._step[request]

    def course_ends(self, request: int, los: int, leaves_at: int, weekend: float) -> int:
        """When the course that a patient in a bed is on would end, if it were this one."""
        return self._clock.instant(self._course[request], los, leaves_at, weekend)

    def continued(self, active: Sequence[int], admissions: Admissions) -> Beds:
        """The beds at this moment, from which on other patients come and those in a bed take other courses.

        Args:
            active: what :meth:`active` gives.
            admissions: of these, in that order, with the courses to come; then who asks from this moment on.
        """
        place = {request: number for number, request in enumerate(active)}
        other = copy(self)
        other._read(admissions)
        for name, untouched in (
            ("_unit", -1), ("_since", 0), ("_course", 0), ("_waits", False), ("_step", 0),
            ("_first_bed", NEVER), ("_gave_up", NEVER),
        ):  # fmt: skip
            mine = getattr(self, name)
            fresh = [untouched] * (len(admissions) - len(active))
            setattr(other, name, [mine[request] for request in active] + fresh)
        other._free = self._free.copy()
        other._ended = []
        other._queue = [
            sorted((rank, since, place[one]) for rank, since, one in queue if self._waits[one])
            for queue in self._queue
        ]
        other._events = other._events_from(self._events, place, admissions)
        return other

    def _events_from(
        self, events: list[tuple[int, int, int]], place: dict[int, int], admissions: Admissions
    ) -> list[tuple[int, int, int]]:
        """What is to come: beds that are being cleaned, patience that ends, courses and requests anew."""
        kept = [event for event in events if event[1] == Event.BED_CLEAN]
        kept += [
            (time, event, place[one])
            for time, event, one in events
            if event == Event.GIVES_UP and one in place
        ]
        kept += [
            self._course_end(self._course[one], one) for one in range(len(place)) if self._unit[one] >= 0
        ]
        asks = enumerate(admissions.requested.tolist())
        kept += [(time, int(Event.ASKS), one) for one, time in asks if one >= len(place)]
        heapq.heapify(kept)
        return kept

    def stays(self) -> BedStays:
        """The stays up to now, the open ones included."""
        present = [(i, u, self._since[i], NEVER) for i, u in enumerate(self._unit) if u >= 0]
        rows = np.array(self._ended + present, dtype=np.int64).reshape(-1, 4)
        rows = rows[np.lexsort((rows[:, 1], rows[:, 0], rows[:, 2]))]
        return BedStays(
            patient=rows[:, 0],
            unit=rows[:, 1],
            bed_from=rows[:, 2],
            bed_to=rows[:, 3],
            first_bed=np.array(self._first_bed, dtype=np.int64),
            gave_up=np.array(self._gave_up, dtype=np.int64),
        )

    def _asks(self, now: int, patient: int) -> None:
        kind = self._type[patient][0]
        unit = self._free_unit(kind)
        if unit < 0:
            unit = self._spare_unit(kind)
        if unit >= 0:
            self._lie_down(now, patient, unit)
        else:
            self._wait(now, patient, kind, 1 if self._from_ed[patient] else 0)
            heapq.heappush(self._events, (now + self._patience[patient], Event.GIVES_UP, patient))

    def _gives_up(self, now: int, patient: int) -> None:
        if self._waits[patient] and self._unit[patient] < 0:
            self._waits[patient] = False
            self._gave_up[patient] = now

    def _moves_on(self, now: int, patient: int) -> None:
        """The first stay's course is over: move now, or stay until a bed is free or the discharge comes."""
        self._step[patient] = 1
        self._begin_course(now, patient)
        kind = self._type[patient][1]
        if self._type_of[self._unit[patient]] == kind:
            return
        unit = self._free_unit(kind)
        if unit >= 0:
            self._change_bed(now, patient, unit)
        else:
            self._wait(now, patient, kind, 0)

    def _leaves(self, now: int, patient: int) -> None:
        self._waits[patient] = False
        self._leave_bed(now, patient)
        self._unit[patient] = -1

    def _bed_clean(self, now: int, unit: int) -> None:
        self._free[unit] += 1
        patient = self._next_for(unit)
        if patient < 0:
            return
        self._waits[patient] = False
        if self._unit[patient] >= 0:
            self._change_bed(now, patient, unit)
        else:
            self._lie_down(now, patient, unit)

    def _lie_down(self, now: int, patient: int, unit: int) -> None:
        self._take_bed(now, patient, unit)
        self._first_bed[patient] = now
        self._begin_course(now, patient)

    def _begin_course(self, now: int, patient: int) -> None:
        self._course[patient] = now
        heapq.heappush(self._events, self._course_end(now, patient))

    def _course_end(self, began: int, patient: int) -> tuple[int, int, int]:
        """The event that ends a course: a move where one is due, else the patient leaves."""
        step = self._step[patient]
        over = self._clock.instant(
            began, self._los[patient][step], self._leaves_at[patient][step], self._weekend[patient][step]
        )
        moves = step == 0 and self._type[patient][1] >= 0
        return over, int(Event.MOVES_ON if moves else Event.LEAVES), patient

    def _change_bed(self, now: int, patient: int, unit: int) -> None:
        self._leave_bed(now, patient)
        self._take_bed(now, patient, unit)

    def _take_bed(self, now: int, patient: int, unit: int) -> None:
        self._free[unit] -= 1
        self._unit[patient] = unit
        self._since[patient] = now

    def _leave_bed(self, now: int, patient: int) -> None:
        unit = self._unit[patient]
        self._ended.append((patient, unit, self._since[patient], now))
        clean = now + self._turnover[patient][self._step[patient]]
        heapq.heappush(self._events, (clean, Event.BED_CLEAN, unit))

    def _wait(self, now: int, patient: int, kind: int, rank: int) -> None:
        self._waits[patient] = True
        heapq.heappush(self._queue[kind], (rank, now, patient))

    def _free_unit(self, kind: int) -> int:
        """The unit of that type with the most free beds, or -1 when all are full."""
        best = max(self._units[kind], key=self._free.__getitem__)
        return best if self._free[best] > 0 else -1

    def _spare_unit(self, kind: int) -> int:
        return next((u for u in self._overflow[kind] if self._free[u] > self._spare[u]), -1)

    def _next_for(self, unit: int) -> int:
        kind = self._type_of[unit]
        patient = self._pop(kind)
        if patient < 0 and self._free[unit] > self._spare[unit]:
            patient = next((p for k in self._takes_from[kind] if (p := self._pop_boarder(k)) >= 0), -1)
        return patient

    def _pop(self, kind: int) -> int:
        queue = self._queue[kind]
        while queue:
            patient = heapq.heappop(queue)[2]
            if self._waits[patient]:
                return patient
        return -1

    def _pop_boarder(self, kind: int) -> int:
        """The first without any bed yet; who waits to move on has one and can stay there."""
        queue = self._queue[kind]
        waiting = [entry for entry in queue if self._waits[entry[2]]]
        boarders = [entry for entry in waiting if self._unit[entry[2]] < 0]
        if not boarders:
            return -1
        chosen = min(boarders)
        queue[:] = [entry for entry in waiting if entry is not chosen]
        heapq.heapify(queue)
        return chosen[2]


class _Discharge:
    """When a stay ends on the wall clock."""

    def __init__(self, clock: Clock) -> None:
        self._offset = clock.offset.tolist()
        origin = clock.origin.tz_localize(None)
        self._epoch = int((origin - origin.normalize()).total_seconds())
        self._first_weekday = origin.dayofweek

    def instant(self, start: int, los: int, leaves_at: int, weekend: float) -> int:
        """The instant a patient leaves: on the day the stay is over, at the hour patients are let go.

        All in seconds since the clock's origin; ``leaves_at`` in the local day, -1 for when ``los`` is over.
        """
        over = start + los
        if leaves_at < 0 or over // HOUR >= len(self._offset):
            return over
        local = self._local(over)
        day = local // DAY
        weekday = (day + self._first_weekday) % 7
        if weekday == SATURDAY and weekend < WEEKEND_HELD:
            day -= 1
        elif weekday == SUNDAY and weekend < WEEKEND_HELD:
            day += 1
        while day * DAY + leaves_at < self._local(start) + LEAST_STAY:
            day += 1
        wall = day * DAY + leaves_at
        guess = wall - (local - over)
        return wall - (self._local(guess) - guess)

    def _local(self, instant: int) -> int:
        """Seconds on the wall clock since the midnight before the origin."""
        hour = min(max(instant // HOUR, 0), len(self._offset) - 1)
        return instant + self._epoch + int(self._offset[hour])
