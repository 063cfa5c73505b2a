"""What the forecasts are worth as staffing plans, over a simulated year.

The demo's hospitals are simulated for two years into a database with their fixed rosters; the second year's
shifts are decided once each, by the night before them (03:00), from what a night then knew. Five ways decide
at the same prices: the roster as it stands, the same weekday's average and climatology (both of the 26 weeks
before), ours, and perfect knowledge. All are settled by the census and the arrivals that came.

A sixth knows what the hospitals' patients come and stay by, and the weather, but not what chance will bring:
the ceiling of any forecast (``oracle_census``). That the day so far was busy it does not use.

The census is forecast by the flow, fitted each night, and arrivals by the GLM, fitted each week: members of
the night's ensemble, whose others take hours over a year. The flow was chosen on other hospitals, those of
seed 101.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Self

import pandas as pd
import sqlalchemy as sa
import structlog
from rich.console import Console

from benchmarks.law_paths import law_paths
from benchmarks.oracle_census import OracleCensus
from forecasting.config import Settings, Site, read_settings
from forecasting.evaluate import Estimate
from forecasting.extract import connect, extract, extract_flow_record, extract_roster, flows_at
from forecasting.features import build_panel
from forecasting.models import Flow, Flows, Glm
from forecasting.pipeline.backtest.decisions import DAYS_PER_WEEK, PastSite, PathsTold, forecast_paths
from forecasting.pipeline.backtest.worth import FACTORS, worth_by_week
from forecasting.pipeline.backtest.worth_figures import WorthFigures, closed, worth_by_group, worth_figures
from forecasting.pipeline.ed_load import past_loads
from forecasting.report import print_worth, worth_figure
from forecasting.rules import rule_book
from forecasting.schema import OBSERVATION_VERSION, Target
from forecasting.simulate import simulate_sites
from forecasting.simulate.source import write_source
from forecasting.staffing import turnover
from forecasting.staffing.worth import OURS, PERFECT

CONFIG = Path(__file__).parent.parent / "hospital.toml"
START = datetime(2024, 10, 1, tzinfo=UTC)
UNTIL = datetime(2026, 10, 8, tzinfo=UTC)
FIRST_NIGHT = date(2025, 9, 29)
WEEKS = 52
SEED = 7
NEXT_SHIFTS, DAY_AFTER = 0, 1
"""Days from the first date that a night plans: the shifts from four hours after it on, or a day later."""
REACH = timedelta(hours=58)
"""As far ahead as forecasts are looked at."""

LAW = "knows the law"
LAW_LEADS = range(34)
"""From the issue time to the end of the last shift that it decides, where clocks go back too."""

SHORT_BAR = 0.50
SAVED_BAR = 0.12
CLOSED_BAR = 0.60
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Hourly = dict[tuple[date, Target], pd.DataFrame]


@dataclass(frozen=True)
class Asked:
    """One site's part of the measurement."""

    site_id: str
    seed: int
    every: int
    """Of so many weeks the first is taken."""

    @property
    def weeks(self) -> list[list[date]]:
        """The nights of each week that is taken."""
        firsts = [FIRST_NIGHT + timedelta(weeks=number) for number in range(0, WEEKS, self.every)]
        return [[first + timedelta(days=day) for day in range(DAYS_PER_WEEK)] for first in firsts]


def measure(asked: Asked) -> dict[int, pd.DataFrame]:
    """A site's worth by lead: see :func:`worth_by_week`; a day ahead at the configured price alone."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    settings = read_settings(CONFIG)
    # One site's hospital does not depend on the others.
    settings = settings.model_copy(update={"sites": (settings.site(asked.site_id),)})
    with tempfile.TemporaryDirectory() as folder:
        past = simulated_past(settings, asked, f"sqlite:///{Path(folder) / 'source.db'}")
    prices = {NEXT_SHIFTS: FACTORS, DAY_AFTER: ()}
    tables = {
        lead: pd.concat([worth_by_week(past, nights, lead, factors) for nights in asked.weeks])
        for lead, factors in prices.items()
    }
    return tables | {NEXT_SHIFTS: pd.concat([tables[NEXT_SHIFTS], worth_of_law(past, asked)])}


def worth_of_law(past: PastSite, asked: Asked) -> pd.DataFrame:
    """What the plans of who knows the law are worth, of the next shifts, at the configured price."""
    nights = [night for week in asked.weeks for night in week]
    times = [past.settings.issued_at(night) for night in nights]
    oracle = OracleCensus.of(past.site, (START, UNTIL), asked.seed, times[0])
    told = dict(zip(nights, law_paths(oracle, times, LAW_LEADS), strict=True))

    def paths(night: date, hours: pd.DatetimeIndex) -> PathsTold:
        return {key: futures.loc[hours] for key, futures in told[night].items()}

    knowing = replace(past, paths=paths)
    worth = pd.concat([worth_by_week(knowing, week, NEXT_SHIFTS, ()) for week in asked.weeks])
    return worth[worth["way"] == OURS].assign(way=LAW)


def simulated_past(settings: Settings, asked: Asked, url: str) -> PastSite:
    """A simulated site's past, through a database, and what was forecast in it."""
    (site,) = settings.sites
    engine = sa.create_engine(url)
    write_source(simulate_sites(settings, START, UNTIL, asked.seed), engine)
    engine.dispose()
    source = connect(url)
    observed = extract(source, site, settings, START, UNTIL)["observation"]
    begin = settings.issued_at(FIRST_NIGHT)
    flows = extract_flow_record(source, site, settings, [begin])
    known = flows_at(flows, begin)
    hourly = forecasts(settings, site, source, observed, asked.weeks)
    versions = OBSERVATION_VERSION.conform(
        observed.assign(known_at=observed["valid_at"] + pd.Timedelta(hours=1))
    )
    return PastSite(
        settings=settings,
        site=site,
        rules=rule_book(settings),
        versions=versions,
        roster=extract_roster(source, site, settings, begin, UNTIL),
        turnover=turnover(known["inflow"], known["departure"], begin, site.zone),
        paths=partial(
            forecast_paths,
            settings,
            versions,
            lambda night, target: hourly[night, target],
            load=past_loads(source, site, settings, [night for nights in asked.weeks for night in nights]),
        ),
    )


def forecasts(
    settings: Settings, site: Site, source: sa.Engine, observed: pd.DataFrame, weeks: Sequence[Sequence[date]]
) -> Hourly:
    """FORECAST rows of each night and target, from what was known then."""
    told: Hourly = {}
    for nights in weeks:
        times = [settings.issued_at(night) for night in nights]
        record = extract_flow_record(source, site, settings, times)
        glm: Glm | None = None
        for night, issued_at in zip(nights, times, strict=True):
            known = observed[observed["valid_at"] < issued_at]
            panels = {
                target: build_panel(known[known["target"] == target], target, settings, issued_at, [site])
                for target in Target
            }
            arrivals, census = panels[Target.ED_ARRIVALS], panels[Target.BED_CENSUS]
            flows = Flows(**flows_at(record, issued_at))
            glm = glm or Glm.fit(arrivals, settings, issued_at, Target.ED_ARRIVALS)
            flow = Flow.fit(census, flows, settings, issued_at, Target.BED_CENSUS)
            said = {
                Target.ED_ARRIVALS: glm.predict(arrivals, issued_at),
                Target.BED_CENSUS: flow.predict(census, issued_at),
            }
            told |= {
                (night, target): rows[rows["valid_at"] < issued_at + REACH] for target, rows in said.items()
            }
    return told


@dataclass(frozen=True)
class Ceiling:
    """Shares of the way from climatology's cost."""

    law: Estimate
    """To perfect knowledge's, closed by who knows the law."""
    ours: Estimate
    """To the cost of who knows the law, closed by ours: of what can be known."""

    @classmethod
    def of(cls, table: pd.DataFrame) -> Self:
        """Of a table with the rows of :func:`worth_of_law`."""
        return cls(law=closed(table, LAW), ours=closed(table, end=LAW))


def within(figures: WorthFigures) -> bool:
    """Whether the bars are reached: one of the two against the roster, and the one against climatology."""
    ours = figures.ours
    better = ours.short_at_equal_cost.value <= SHORT_BAR or ours.saved_at_equal_short.value >= SAVED_BAR
    return better and figures.closed.value >= CLOSED_BAR


def show(
    table: pd.DataFrame, figures: WorthFigures, ceiling: Ceiling, later: WorthFigures, console: Console
) -> None:
    """The tables, and the figures with their intervals."""
    by_group = pd.concat(worth_by_group(table, by) for by in ("site_id", "role", "unit_type"))
    print_worth(figures.by_way, by_group, console)
    for name, ours, bound in (
        ("short of the roster's at equal cost", *_both(figures, "short_at_equal_cost")),
        ("saved of the roster's pay at equal short hours", *_both(figures, "saved_at_equal_short")),
    ):
        console.print(f"{name}: {ours}; with perfect knowledge {bound}")
    console.print(f"closed of the way from climatology to perfect knowledge: {_said(figures.closed)}")
    console.print(f"the same by who knows the law: {_said(ceiling.law)}")
    console.print(f"of that way, of what can be known, closed by ours: {_said(ceiling.ours)}")
    console.print(f"closed by ours where shifts are decided a day earlier: {_said(later.closed)}")


def main() -> None:
    """Print the tables, and exit with 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--plot", type=Path, help="draw what is paid and what is short there too")
    parser.add_argument("--seed", type=int, default=SEED, help="of the simulated hospitals")
    parser.add_argument("--every", type=int, default=1, help="take the first of so many weeks")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    arguments = parser.parse_args()
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    asked = [Asked(site_id, arguments.seed, arguments.every) for site_id in read_settings(CONFIG).site_ids]
    with ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn")) as workers:
        sites = list(workers.map(measure, asked))
    table, later = (
        pd.concat([site[lead] for site in sites], ignore_index=True) for lead in (NEXT_SHIFTS, DAY_AFTER)
    )
    # The bound is told last.
    table = table.sort_values("way", key=lambda way: way == PERFECT, kind="stable")
    figures, ceiling, day_after = worth_figures(table), Ceiling.of(table), worth_figures(later)
    show(table, figures, ceiling, day_after, Console(width=120, highlight=False))
    if arguments.json:
        record = asdict(figures) | {"by_way": figures.by_way.to_dict("records")}
        record |= {"seed": arguments.seed, "closed_a_day_earlier": asdict(day_after.closed)}
        record |= {"ceiling": asdict(ceiling)}
        arguments.json.write_text(json.dumps(record) + "\n")
    if arguments.plot:
        choices = table[table["way"].isin([OURS, PERFECT])]
        sums = choices.groupby(["way", "price"], as_index=False)[["paid", "short_hours"]].sum()
        subtitle = (
            f"The demo's hospitals, seed {arguments.seed}; {figures.weeks} weeks; dashed: the fixed roster."
        )
        worth_figure(sums, figures.by_way, subtitle).savefig(arguments.plot, dpi=110)
    ours = figures.ours
    print(
        f"worth: {ours.short_at_equal_cost.value:.0%} of the roster's short head-hours at equal cost "
        f"(<= {SHORT_BAR:.0%}) or {ours.saved_at_equal_short.value:.1%} cheaper at equal ones "
        f"(>= {SAVED_BAR:.0%}); {figures.closed.value:.0%} of the way to perfect knowledge closed "
        f"(>= {CLOSED_BAR:.0%}; who knows the law closes {ceiling.law.value:.0%}, ours "
        f"{ceiling.ours.value:.0%} of that)"
    )
    sys.exit(0 if within(figures) else 1)


def _both(figures: WorthFigures, name: str) -> tuple[str, str]:
    ours, bound = (getattr(frontier, name) for frontier in (figures.ours, figures.perfect))
    return _said(ours), _said(bound)


def _said(estimate: object) -> str:
    value, low, high = (getattr(estimate, name) for name in ("value", "low", "high"))
    return f"{value:.1%} ({low:.1%} to {high:.1%})"


if __name__ == "__main__":
    main()
