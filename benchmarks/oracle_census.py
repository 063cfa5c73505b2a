"""The forecaster who knows a simulated hospital's law: it plays on from what is seen, many times over.

At an issue time it knows who is in which bed and for how long, who waits, and who is in the ED, how sick and
since when; and the law of who comes, of stays, moves, waiting and shocks. It does not know what chance will
bring. Unlike in the bound of :mod:`benchmarks.ideal_census` its patients wait for beds that are taken, and
whole days are busier than others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Self, TypeVar

import numpy as np

from forecasting.config import Site, UnitType
from forecasting.simulate.admissions import Admissions
from forecasting.simulate.arrivals import shocks
from forecasting.simulate.beds import Beds
from forecasting.simulate.clock import HOUR, Wholes
from forecasting.simulate.emergency import ADMITTED, EdVisits
from forecasting.simulate.hospital import Law, Patients, draw_patients, site_law
from forecasting.simulate.streams import Streams

FUTURES = 50
"""How often it plays on; the median of so few errs by 1.6 % more than that of many."""
POOLED = 10
"""Futures whose stays are those that a patient's may turn out to be."""
CANDIDATES = 200
"""Courses that are tried for each patient in a bed."""
COURSE = ("los", "leaves_at", "weekend", "turnover")
HOURS_PER_DAY = 24

Drawn = TypeVar("Drawn", Admissions, EdVisits)


@dataclass(frozen=True)
class Scene:
    """A site's beds at an issue time."""

    beds: Beds
    now: int
    """Seconds since the clock's origin."""
    active: tuple[int, ...]
    """The requests in a bed or waiting for one."""


@dataclass(frozen=True)
class OracleCensus:
    """One site's law, what came to pass there, and what might have."""

    law: Law
    patients: Patients
    others: tuple[Patients, ...]
    """Drawn from the same law by other streams."""
    courses: Admissions
    """Of some of the others."""
    visits: EdVisits
    """Of some of the others."""
    lengths: dict[tuple[int, int], Wholes]
    """By acuity and local hour of arrival, rows of ``visits``, the shortest first."""

    @classmethod
    def of(
        cls, site: Site, span: tuple[datetime, datetime], seed: int, begin: datetime, futures: int = FUTURES
    ) -> Self:
        """The oracle of a site of :func:`forecasting.simulate.simulate_sites`.

        Args:
            site: the site.
            span: start and end of the simulation.
            seed: of the simulation.
            begin: issue times come later.
            futures: how often it plays on.
        """
        law = site_law(site, *span, seed)
        asked = np.arange(len(law.clock.offset)) * HOUR >= law.clock.seconds(begin)
        others = []
        for number in range(futures):
            streams = Streams(seed, f"{site.site_id}/future {number}")
            shock = shocks(law.clock, law.level.visits_per_day / HOURS_PER_DAY, streams)
            drawn = law.rates.expected * shock * asked
            others.append(draw_patients(replace(law, rates=replace(law.rates, drawn=drawn)), streams))
        visits = _joined([other.visits for other in others[:POOLED]])
        length = visits.ready - visits.arrived
        hour = law.clock.local_hour[visits.arrived // HOUR]
        order = np.argsort(length, kind="stable")
        lengths = {
            (acuity, local): order[(visits.acuity[order] == acuity) & (hour[order] == local)]
            for acuity in range(1, 6)
            for local in range(HOURS_PER_DAY)
        }
        courses = _joined([other.admissions for other in others[:POOLED]])
        patients = draw_patients(law, Streams(seed, site.site_id))
        return cls(law, patients, tuple(others), courses, visits, lengths)

    def futures(self, issue_times: Sequence[datetime], leads: Sequence[int]) -> Iterator[np.ndarray]:
        """Of each issue time the census as it may become (futures, units, leads).

        Args:
            issue_times: rising.
            leads: whole hours from the issue time on, rising.
        """
        beds = Beds(self.patients.admissions, self.law.site.units, self.law.need.types, self.law.clock)
        random = np.random.default_rng(0)
        for issued_at in issue_times:
            now = self.law.clock.seconds(issued_at)
            beds.run(now)
            asked = now + HOUR * np.asarray(leads)
            scene = Scene(beds, now, tuple(beds.active()))
            possible = self._possible_courses(scene, random)
            yield np.stack([self._play_on(scene, asked, possible, other, random) for other in self.others])

    def arrivals(self, issued_at: datetime, leads: Sequence[int]) -> Wholes:
        """The patients who come to the ED in each hour of the same futures (futures, leads)."""
        begins = self.law.clock.seconds(issued_at) + HOUR * np.asarray(leads)
        return np.stack(
            [
                np.searchsorted(other.visits.arrived, begins + HOUR)
                - np.searchsorted(other.visits.arrived, begins)
                for other in self.others
            ]
        )

    def _possible_courses(self, scene: Scene, random: np.random.Generator) -> list[Wholes]:
        """For each active request, the rows of ``courses`` that agree with what was seen of it."""
        beds = scene.beds
        kinds = self.courses.unit_type
        of_kind = [
            {kind: np.flatnonzero(kinds[:, step] == kind) for kind in range(len(self.law.need.types))}
            for step in (0, 1)
        ]
        possible = []
        for request in scene.active:
            step = beds.step(request)
            kind = int(self.patients.admissions.unit_type[request, step])
            rows = random.choice(of_kind[step][kind], CANDIDATES)
            if beds.lies(request):
                los, leaves_at, weekend = (
                    getattr(self.courses, name)[rows, step].tolist() for name in COURSE[:3]
                )
                ends = [
                    beds.course_ends(request, *course) for course in zip(los, leaves_at, weekend, strict=True)
                ]
                rows = rows[np.array(ends) > scene.now]
            possible.append(rows)
        return possible

    def _play_on(
        self,
        scene: Scene,
        asked: Wholes,
        possible: Sequence[Wholes],
        other: Patients,
        random: np.random.Generator,
    ) -> np.ndarray:
        """The census at the instants asked for, in one future (units, instants)."""
        here = self._here(scene, possible, random)
        in_ed = self._in_ed(scene.now, random)
        later = _until(other, scene.now, int(asked[-1]))
        visits = _joined([in_ed, later.visits])
        moved = replace(later.admissions, visit=_shifted(later.admissions.visit, len(in_ed.arrived)))
        coming = _joined([self._admitted(in_ed, random), moved])
        played = scene.beds.continued(scene.active, _joined([here, coming]))
        played.run(int(asked[-1]) + 1)
        stays = played.stays()
        leaves_ed = np.minimum(stays.first_bed, stays.gave_up)
        lies = np.array([scene.beds.lies(request) for request in scene.active], dtype=bool)
        boards = (here.visit >= 0) & ~lies
        ready = visits.ready.copy()
        from_ed = coming.visit >= 0
        ready[coming.visit[from_ed]] = leaves_ed[len(here) :][from_ed]
        arrived = np.concatenate([visits.arrived, np.full(boards.sum(), scene.now)])
        departed = np.concatenate([ready, leaves_ed[: len(here)][boards]])
        return np.stack(
            [
                _present(arrived, departed, asked)
                if unit.unit_type is UnitType.ED
                else _present(stays.bed_from[stays.unit == number], stays.bed_to[stays.unit == number], asked)
                for number, unit in enumerate(self.law.site.units)
            ]
        )

    def _here(self, scene: Scene, possible: Sequence[Wholes], random: np.random.Generator) -> Admissions:
        """Who is in a bed or waits for one, with a course that may be theirs."""
        own = self.patients.admissions.taken(np.array(scene.active, dtype=np.int64))
        known = np.array([len(rows) > 0 for rows in possible])
        drawn = np.array([random.choice(rows) if len(rows) else 0 for rows in possible])
        second = np.array([scene.beds.step(request) for request in scene.active]) == 1
        course = self.courses.taken(drawn)
        # A second stay's unit type is known, and so is the course that led there.
        kind = np.where((known & ~second)[:, None], course.unit_type, own.unit_type)
        return replace(
            own,
            unit_type=kind,
            **{name: np.where(known[:, None], getattr(course, name), getattr(own, name)) for name in COURSE},
        )

    def _in_ed(self, now: int, random: np.random.Generator) -> EdVisits:
        """Who is in the ED and not asking for a bed yet, with an end that may be theirs."""
        visits = self.patients.visits
        there = np.flatnonzero((visits.arrived < now) & (visits.ready > now))
        hours = self.law.clock.local_hour[visits.arrived[there] // HOUR]
        chosen = []
        for visit, hour in zip(there.tolist(), hours.tolist(), strict=True):
            rows = self.lengths[int(visits.acuity[visit]), hour]
            lengths = self.visits.ready[rows] - self.visits.arrived[rows]
            first = int(np.searchsorted(lengths, now - visits.arrived[visit], side="right"))
            chosen.append(rows[random.integers(min(first, len(rows) - 1), len(rows))])
        like = np.array(chosen, dtype=np.int64)
        length = self.visits.ready[like] - self.visits.arrived[like]
        return EdVisits(
            arrived=visits.arrived[there],
            acuity=visits.acuity[there],
            # Who is there for longer than any other ever was leaves at once, but is there.
            ready=np.maximum(visits.arrived[there] + length, now + 1),
            disposition=self.visits.disposition[like],
            unit_type=self.visits.unit_type[like],
        )

    def _admitted(self, visits: EdVisits, random: np.random.Generator) -> Admissions:
        """The requests that visits will end in, with any course of their unit type."""
        admitted = np.flatnonzero(visits.disposition == ADMITTED)
        from_ed = self.courses.visit >= 0
        rows = [
            random.choice(np.flatnonzero(from_ed & (self.courses.unit_type[:, 0] == kind)))
            for kind in visits.unit_type[admitted]
        ]
        course = self.courses.taken(np.array(rows, dtype=np.int64))
        return replace(course, requested=visits.ready[admitted], visit=admitted)


def _until(patients: Patients, now: int, last: int) -> Patients:
    """Who arrives, or asks for a bed without having been in the ED, between two instants."""
    visits, admissions = patients.visits, patients.admissions
    first, end = np.searchsorted(visits.arrived, [now, last + 1])
    part = EdVisits(**{field.name: getattr(visits, field.name)[first:end] for field in fields(EdVisits)})
    visit = admissions.visit
    comes = np.where(visit >= 0, visits.arrived[visit], admissions.requested)
    kept = admissions.taken(np.flatnonzero((comes >= now) & (comes <= last)))
    return Patients(part, replace(kept, visit=_shifted(kept.visit, -int(first))))


def _shifted(visit: Wholes, by: int) -> Wholes:
    return np.where(visit >= 0, visit + by, visit)


def _joined(parts: Sequence[Drawn]) -> Drawn:
    return type(parts[0])(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(parts[0])
        }
    )


def _present(arrived: Wholes, departed: Wholes, asked: Wholes) -> Wholes:
    """How many are there at each instant."""
    came = np.searchsorted(np.sort(arrived), asked, side="right")
    return np.asarray(came - np.searchsorted(np.sort(departed), asked, side="right"))
