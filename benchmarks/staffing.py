"""How fast heads are found for many units over a week, and how that grows with the units.

Sites of ten units that share a float pool: shifts of 12 and 8 hours that overlap, a roster, heads who may not
come, on-call and agency. Each site's need is drawn, planned and thrown away, one site after the other in a
process for each core; the drawing counts too. The need is invented: the figures speak of speed, not of
savings.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from forecasting.staffing.cover import Pool, Posts, SiteCase, Slot, Surge, UnitCase, Wages, cover

UNITS = (100, 300, 1_000)
UNITS_A_SITE = 10
DAYS = 7
PATHS = 500
LIMIT_SECONDS = 60.0
SHIFTS = (("day", 7, 12), ("middle", 11, 8), ("night", 19, 12))
HOURS = (DAYS + 1) * 24
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Planned:
    """One site."""

    processor_seconds: float
    gap: float
    refused: int


@dataclass(frozen=True)
class Measured:
    """As many units as there are."""

    units: int
    seconds: float
    processor_seconds: float
    worst_gap: float
    peak_gib: float
    """Of the largest process."""


def a_site(number: int, paths: int) -> SiteCase:
    """A site whose units' need rises by day, and on some paths all week."""
    random = np.random.default_rng(number)
    slots = tuple(
        Slot(name, 24 * day + start, 24 * day + start + hours)
        for day in range(DAYS)
        for name, start, hours in SHIFTS
    )
    day_shape = 1 + 0.3 * np.sin((np.arange(HOURS) - 9) / 24 * 2 * np.pi)
    units = tuple(
        UnitCase(
            f"unit{unit}",
            random.poisson((3 + unit / 2) * day_shape * random.gamma(20, 1 / 20, size=(paths, 1))),
            Posts((0,) * len(slots), (12,) * len(slots)),
            Wages(rostered=50, added=60, released=20),
            short=200,
            minimum=2,
            surges=(Surge("on_call", 80, 2), Surge("agency", 110, 3)),
            show_up=0.95,
        )
        for unit in range(UNITS_A_SITE)
    )
    pool = Pool(
        "float",
        tuple(unit.unit_id for unit in units),
        Posts((0,) * len(slots), (6,) * len(slots)),
        Wages(rostered=55, added=65, released=20),
    )
    roster = {unit.unit_id: (3, 1, 3) * DAYS for unit in units} | {"float": (2, 0, 2) * DAYS}
    return SiteCase(slots, units, (pool,), roster)


def plan(number: int, paths: int) -> Planned:
    """Draw a site's need and plan it."""
    began = time.process_time()
    told = cover(a_site(number, paths))
    return Planned(time.process_time() - began, told.gap, len(told.refused))


def measure(units: int, paths: int, processes: int) -> Measured:
    """Plan all sites of so many units.

    Raises:
        RuntimeError: a unit was refused.
    """
    sites = range(units // UNITS_A_SITE)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as workers:
        list(workers.map(plan, range(processes), [1] * processes))  # imports are no part of planning
        began = time.perf_counter()
        planned = list(workers.map(plan, sites, [paths] * len(sites)))
        seconds = time.perf_counter() - began
    if any(one.refused for one in planned):
        raise RuntimeError("a unit could not be planned; see SiteCover.refused of benchmarks.staffing.a_site")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return Measured(
        units,
        seconds,
        sum(one.processor_seconds for one in planned),
        max(one.gap for one in planned),
        peak / 2**20,
    )


def growth(measured: Sequence[Measured]) -> float:
    """Slope of log processor seconds on log units, from the fewest to the most; 1 is in proportion."""
    first, last = measured[0], measured[-1]
    return math.log(last.processor_seconds / first.processor_seconds) / math.log(last.units / first.units)


def table_of(measured: Sequence[Measured], paths: int) -> Table:
    """One row a number of units."""
    table = Table(
        title=f"{os.cpu_count()} cores of {platform.machine()}: {DAYS} days of {len(SHIFTS)} shifts, "
        f"{paths} paths"
    )
    for heading in ("units", "seconds", "processor s", "ms a unit", "worst gap", "peak GiB"):
        table.add_column(heading, justify="right")
    for one in measured:
        table.add_row(
            f"{one.units:,}",
            f"{one.seconds:.1f}",
            f"{one.processor_seconds:.1f}",
            f"{one.processor_seconds / one.units * 1000:.0f}",
            f"{one.worst_gap:.2%}",
            f"{one.peak_gib:.2f}",
        )
    return table


def verdict(measured: Sequence[Measured]) -> int:
    """Say the figure beside its bar; 1 where it is missed."""
    last = measured[-1]
    print(f"growth from {measured[0].units:,} units to {last.units:,}: exponent {growth(measured):.2f}")
    print(f"staffing: {last.units:,} units in {last.seconds:.1f} s (≤ {LIMIT_SECONDS:g})")
    return 0 if last.seconds <= LIMIT_SECONDS else 1


def main() -> None:
    """Print a table, and exit with 1 above the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paths", type=int, default=PATHS)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    measured = [measure(units, arguments.paths, arguments.processes) for units in UNITS]
    Console(width=140).print(table_of(measured, arguments.paths))
    if arguments.json:
        record = {"cores": os.cpu_count(), "measured": [asdict(one) for one in measured]}
        arguments.json.write_text(json.dumps(record) + "\n")
    sys.exit(verdict(measured))


if __name__ == "__main__":
    main()
