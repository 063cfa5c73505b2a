"""What an ED's plan is worth by its forecast census and by the offered load of its arrivals.

The simulated year of :mod:`benchmarks.worth`, an ED alone: the same nights, forecasts, roster and prices. One
way reads the patients off the forecast census, the flow's; the other lets forecast arrivals stay as long as
those of the half year before did. Seeds other than the 7 of the published figures choose between them.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import pandas as pd
import structlog
from rich.console import Console

from benchmarks.worth import CONFIG, NEXT_SHIFTS, ONE_THREAD, Asked, simulated_past
from forecasting.config import Load, Site, read_settings
from forecasting.evaluate import Estimate, estimate_of
from forecasting.extract import connect
from forecasting.pipeline.backtest.decisions import PastSite, PathsTold
from forecasting.pipeline.backtest.worth import FACTORS, worth_by_week
from forecasting.pipeline.backtest.worth_figures import AS_PRICED, RESAMPLING, worth_by_group, worth_figures
from forecasting.pipeline.ed_load import past_loads
from forecasting.report import print_worth
from forecasting.staffing.worth import OURS

SEEDS = (101, 102)
BY_LOAD = "ours, by offered load"


def measure(asked: Asked) -> pd.DataFrame:
    """Worth of an ED by week: see :func:`worth_by_week`; ours is told by the census and by the load."""
    settings = read_settings(CONFIG)
    settings = settings.model_copy(update={"sites": (settings.site(asked.site_id),)})
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'source.db'}"
        past = simulated_past(settings, asked, url)
        site = _ed_alone(past.site)
        nights = [night for week in asked.weeks for night in week]
        load = past_loads(connect(url), site, settings, nights)
    alone = replace(past, site=site)
    by_load = replace(alone, paths=partial(cast("Callable[..., PathsTold]", past.paths), load=load))
    table = _worth(alone, asked)
    ours = _worth(by_load, asked).query("way == @OURS").assign(way=BY_LOAD)
    return pd.concat([table, ours]).assign(seed=asked.seed)


def _ed_alone(site: Site) -> Site:
    units = tuple(
        unit.model_copy(update={"load": Load.OFFERED}) for unit in site.units if site.ed and unit == site.ed
    )
    return site.model_copy(update={"units": units, "float_pools": ()})


def _worth(past: PastSite, asked: Asked) -> pd.DataFrame:
    return pd.concat([worth_by_week(past, nights, NEXT_SHIFTS, FACTORS) for nights in asked.weeks])


def dearer(table: pd.DataFrame, measure: str) -> Estimate:
    """How much more the offered load's plans come to in a measure, over the census's, weeks resampled."""
    priced = table[(table["price"] == AS_PRICED) & table["way"].isin([OURS, BY_LOAD])]
    weeks = priced.pivot_table(index=["seed", "week"], columns="way", values=measure, aggfunc="sum")
    return estimate_of(
        weeks[[OURS, BY_LOAD]].to_numpy(), lambda total: float(total[1] / total[0] - 1), RESAMPLING
    )


def main() -> None:
    """Print both ways' sums, and the difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", default="harbor")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=list(SEEDS), help="of the simulated hospitals"
    )
    parser.add_argument("--every", type=int, default=8, help="take the first of so many weeks")
    arguments = parser.parse_args()
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    table = pd.concat(
        [measure(Asked(arguments.site, seed, arguments.every)) for seed in arguments.seeds], ignore_index=True
    )
    console = Console(width=120, highlight=False)
    print_worth(worth_by_group(table.assign(all=""), "all"), worth_by_group(table, "role"), console)
    for name, ways in (("census", [BY_LOAD]), ("offered load", [OURS])):
        of_one = table[~table["way"].isin(ways)].replace({"way": {BY_LOAD: OURS}})
        short = worth_figures(of_one).ours.short_at_equal_cost
        console.print(f"{name}: short of the roster's at equal cost: {_said(short)}")
    for measure_of in ("cost", "short_hours", "over_hours"):
        console.print(f"offered load over census, {measure_of}: {_said(dearer(table, measure_of))}")


def _said(estimate: Estimate) -> str:
    return f"{estimate.value:+.1%} ({estimate.low:+.1%} to {estimate.high:+.1%})"


if __name__ == "__main__":
    main()
