"""Defects planted into a clean simulated year: what is told, what is set right, what a forecast loses.

Each defect is planted at several rates into a year's tables of one site and read as a first night reads them:
extracted, and judged beside the tables of the night before. The hours that come out are compared with the
true ones, and with those that one gets who trusts every row. Climatology then forecasts both targets from
each, from some issue times a week apart, and is scored on what truly came. Clean years, and a real ED's where
there are data, are judged night by night, to count what is said of them for nothing.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

import pandas as pd
import structlog
from rich.console import Console
from rich.progress import track

from benchmarks import iowa
from benchmarks.planted.case import DEFECTS, measure
from benchmarks.planted.defect import EVERYWHERE
from benchmarks.planted.quiet import quiet_nights
from benchmarks.planted.table import markdown, rows_of
from forecasting.profile import Profile

SEEDS = (7, 8)
OFTEN = 0.01
"""From this rate on a defect must be told."""
BAR_TOLD = 0.95
"""Of the defects at these rates, so many at least are told in each year."""
BAR_LOST = 0.005
"""Of the valid hours, so many at most may be taken as missing at that rate."""
BAR_NOTHING = 0.02
"""Of the clean nights, so many at most may be warned of a change that there was not."""
CLEAN_SEEDS = tuple(range(21, 33))
"""Of the clean years: one has 39 nights, too few to tell one share of them from another."""
CHANGES = [
    "level_stays",
    "hours_keep_their_clock",
    "unit_is_open",
    "unit_is_not_new",
    "census_moves",
    "hour_is_no_catch_up",
]
"""The expectations that a clean hospital does not fail; an odd day, or a ward above its beds, it has."""


def jobs(
    seeds: Sequence[int], rates: Sequence[float], only: Sequence[str]
) -> list[tuple[Profile, int, float, int]]:
    """Every case to be measured, a year's together."""
    return [
        (profile, number, rate, seed)
        for profile, defects in DEFECTS.items()
        for seed in seeds
        for number, defect in enumerate(defects)
        if not only or defect.name.startswith(tuple(only))
        for rate in defect.rates
        if not rates or rate in rates or defect.rates == EVERYWHERE
    ]


def shares_warned(nights: Sequence[tuple[int | None, pd.Series]]) -> dict[str, pd.Series]:
    """By whose nights, the share on which each expectation failed: of all simulated years, and of the ED.

    Args:
        nights: by the seed of the year, None for the ED, the same share of each.
    """
    years = dict(nights)
    real = years.pop(None, None)
    told = {} if real is None else {"Iowa's ED": real}
    if years:
        of_all = pd.DataFrame(years).fillna(0).mean(axis=1).sort_values(ascending=False)
        told[f"{len(years)} simulated years"] = of_all
    return told


def main() -> None:
    """Print the tables; exit with 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write every case there")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="of the years and of what is hit")
    parser.add_argument("--rates", type=float, nargs="+", default=(), help="some of them only")
    parser.add_argument(
        "--only", nargs="+", default=(), help="defects whose names begin so, and no clean night"
    )
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    began = perf_counter()
    with ProcessPoolExecutor(
        arguments.processes, multiprocessing.get_context("spawn"), initializer=_quiet
    ) as pool:
        clean: list[int | None] = [*CLEAN_SEEDS] + ([None] if iowa.DATA.is_file() else [])
        quiet = [(seed, pool.submit(quiet_nights, seed)) for seed in clean if not arguments.only]
        asked = [pool.submit(measure, *job) for job in jobs(arguments.seeds, arguments.rates, arguments.only)]
        cases = [each.result() for each in track(asked, "defects", console=Console(stderr=True))]
        warned = shares_warned([(seed, each.result()) for seed, each in quiet])
    rows = list(rows_of(cases))
    print(markdown(rows))
    print("\nOn clean nights, the share that is warned:\n")
    for name, shares in warned.items():
        told = ", ".join(f"{check} {share:.1%}" for check, share in shares.items())
        print(f"- {name}: {told or 'none'}")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(case) for case in cases]) + "\n")
    crashed = [case for case in cases if case.crashed]
    for case in crashed:
        print(f"crashed: {case.profile}, {case.defect}, {case.rate:.1%}: {case.crashed}")
    often = [row for row in rows if row.rate >= OFTEN]
    missed = [row for row in often if row.told < row.years]
    for row in missed:
        print(f"missed: {row.profile}, {row.defect}, {row.rate:.1%}: {row.told} of {row.years} years told")
    told_often = len(often) - len(missed)
    lost = max((row.valid_lost for row in rows if row.rate <= OFTEN), default=0.0)
    changes = [float(shares.reindex(CHANGES).fillna(0).max()) for shares in warned.values()]
    nothing = max(changes, default=0.0)
    print(
        f"corruption: {len(crashed)} of {len(cases)} crashed (0); {told_often} of {len(often)} told at 1 % "
        f"or more ({BAR_TOLD:.0%}); at most {lost:.2%} of valid hours lost there ({BAR_LOST:.1%}); at most "
        f"{nothing:.1%} of clean nights warned of a change ({BAR_NOTHING:.0%}); "
        f"{perf_counter() - began:.0f} s"
    )
    met = not crashed and told_often >= BAR_TOLD * len(often) and lost <= BAR_LOST and nothing <= BAR_NOTHING
    sys.exit(0 if met else 1)


def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


if __name__ == "__main__":
    main()
