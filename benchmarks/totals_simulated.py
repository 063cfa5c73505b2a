"""Whether intervals of whole sites and days hold what they say, on simulated hospitals.

The demo's sites are simulated for two years and their hours extracted. From issue times a week apart, models
are fitted on what was known, and joint paths of a site's units give the arrivals of each local day, the mean
census of the site over it, and the site's census at each hour. The share of these totals inside the 80 % and
90 % intervals is told with a 90 % interval of its own: issue times, resampled in runs.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa
import structlog
from rich.console import Console
from rich.table import Table

from forecasting.blocks import whole_blocks
from forecasting.config import Settings, Site, read_settings
from forecasting.evaluate.bootstrap import stationary_weights
from forecasting.extract import connect, extract
from forecasting.features import build_panel
from forecasting.models import Flows, Paths, dependence, sample_paths
from forecasting.models.catalogue import CATALOGUE
from forecasting.models.holdout import as_known_at
from forecasting.schema import FORECAST, Target
from forecasting.simulate import simulate_sites
from forecasting.simulate.source import write_source

CONFIG = Path(__file__).parent.parent / "hospital.toml"
START = datetime(2024, 10, 1, tzinfo=UTC)
UNTIL = datetime(2026, 10, 1, tzinfo=UTC)
LAST_NIGHT = date(2026, 9, 22)
SEED = 7
ORIGINS = 40
WEEK = timedelta(days=7)

INTERVALS = {0.8: (0.1, 0.9), 0.9: (0.05, 0.95)}
BAR = 0.03
RUN_OF_ORIGINS = 2.0
DRAWS = 2000
CONFIDENCE = [0.05, 0.95]


@dataclass(frozen=True)
class Known:
    """What is known of one site and target over the whole time; each issue time reads what came before it."""

    site: Site
    target: Target
    observed: pd.DataFrame
    panel: pd.DataFrame


def hospitals(settings: Settings, seed: int) -> Iterator[Known]:
    """Each simulated site and target, as its source tells it."""
    for site, hospital in zip(settings.sites, simulate_sites(settings, START, UNTIL, seed), strict=True):
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder) / 'source.db'}"
            engine = sa.create_engine(url)
            write_source(hospital, engine)
            engine.dispose()
            observed = extract(connect(url), site, settings, START, UNTIL)["observation"]
        for target in Target:
            of_target = observed[observed["target"] == target]
            yield Known(site, target, of_target, build_panel(observed, target, settings, UNTIL, [site]))


def totals_held(known: Known, model: str, settings: Settings, issued_at: datetime) -> pd.DataFrame:
    """The totals of one site, target and issue time: total, and for each interval whether it held."""
    panel = as_known_at(known.panel, issued_at)
    with tempfile.TemporaryDirectory() as folder:
        fitted = CATALOGUE[model].fit(panel, settings, issued_at, known.target, Path(folder), Flows.none())
    hourly = fitted.predict(panel, issued_at)
    template = dependence(hourly, FORECAST.empty(), known.observed, settings)
    paths = sample_paths(hourly, template)
    return held(paths, known.observed, settings).assign(issued_at=issued_at, model=model)


def held(paths: Paths, observed: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Whether the intervals of a site's totals hold what came; without those an hour of which is missing.

    Args:
        paths: of one site.
        observed: what came: OBSERVATION rows of the paths' target.
        settings: gives the zone and the shifts.

    Returns:
        total (what is summed over the units), and a column of 0 or 1 for each of :data:`INTERVALS`.
    """
    site = settings.site(paths.forecast["site_id"].iloc[0])
    by_unit = observed.pivot_table(index="valid_at", columns="unit_id", values="value")
    came = by_unit.reindex(index=paths.valid_at, columns=paths.forecast["unit_id"]).sum(axis=1, skipna=False)
    drawn, outcome = paths.counts.sum(axis=1), came.to_numpy(dtype=float)
    days = whole_blocks(paths.valid_at, site, "P1D", settings.shifts)
    if paths.forecast["target"].iloc[0] == Target.ED_ARRIVALS:
        return _inside("arrivals of a day", days.sums(drawn), days.sums(outcome))
    mean, mean_came = days.sums(drawn) / days.hours, days.sums(outcome) / days.hours
    return pd.concat(
        [_inside("census over a day", mean, mean_came), _inside("census at an hour", drawn, outcome)]
    )


def _inside(total: str, drawn: np.ndarray, came: np.ndarray) -> pd.DataFrame:
    known = ~np.isnan(came)
    table = pd.DataFrame({"total": total}, index=np.flatnonzero(known))
    for stated, levels in INTERVALS.items():
        low, high = np.quantile(drawn, levels, axis=0, method="inverted_cdf")
        table[stated] = ((came >= low) & (came <= high)).astype(float)[known]
    return table


def coverage(blocks: pd.DataFrame) -> pd.DataFrame:
    """The share of totals inside each interval and how sure it is: model, total, stated, share, low, high."""
    rows = []
    for (model, total), own in blocks.groupby(["model", "total"]):
        by_issue = own.groupby("issued_at")[list(INTERVALS)].agg(["sum", "size"])
        weights = stationary_weights(len(by_issue), RUN_OF_ORIGINS, DRAWS, SEED)
        for stated in INTERVALS:
            inside, count = by_issue[stated, "sum"].to_numpy(), by_issue[stated, "size"].to_numpy()
            low, high = np.quantile((weights @ inside) / (weights @ count), CONFIDENCE)
            rows.append((model, total, stated, inside.sum() / count.sum(), low, high))
    return pd.DataFrame(rows, columns=["model", "total", "stated", "share", "low", "high"])


def measure(
    settings: Settings, seed: int, origins: int, models: Sequence[str], console: Console
) -> pd.DataFrame:
    """Forecast every site's totals from each issue time by each model, and tell whether they held."""
    issue_times = [settings.issued_at(LAST_NIGHT - number * WEEK) for number in reversed(range(origins))]
    parts = []
    for known in hospitals(settings, seed):
        with console.status(f"{known.site.name}, {known.target.value}"):
            parts += [
                totals_held(known, model, settings, issued_at)
                for model in models
                for issued_at in issue_times
            ]
    return pd.concat(parts, ignore_index=True)


def main() -> None:
    """Print a table, and exit with 1 where a share is off by more than the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--seed", type=int, default=SEED, help="of the simulated hospitals")
    parser.add_argument("--origins", type=int, default=ORIGINS, help="how many issue times, a week apart")
    parser.add_argument("--models", nargs="+", default=["climatology", "glm"], choices=list(CATALOGUE))
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console()
    blocks = measure(
        read_settings(CONFIG), arguments.seed, arguments.origins, arguments.models, Console(stderr=True)
    )
    shares = coverage(blocks)
    table = Table("model", "total", "stated", "holds", "90 %")
    for row in shares.to_dict("records"):
        sure = f"{row['low']:.0%} to {row['high']:.0%}"
        table.add_row(row["model"], row["total"], f"{row['stated']:.0%}", f"{row['share']:.1%}", sure)
    console.print(table)
    if arguments.json:
        record = {"seed": arguments.seed, "origins": arguments.origins, "shares": shares.to_dict("records")}
        arguments.json.write_text(json.dumps(record) + "\n")
    off = shares[(shares["share"] - shares["stated"]).abs() > BAR]
    print(f"totals-simulated: {len(off)} of {len(shares)} intervals off by more than {BAR:.0%} (0)")
    sys.exit(1 if len(off) else 0)


if __name__ == "__main__":
    main()
