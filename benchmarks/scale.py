"""What one night without training costs a group of 1, 10 and 100 sites, stage by stage, and how that grows.

A site has ten units and two years of recorded hours (:mod:`benchmarks.group`). Preparing them is not counted.

Every stage of every site runs in a process forked for it, one after the other, as Airflow runs its tasks:
nothing that one task keeps in memory serves another. The process that forks has imported what the stage
needs; what that takes is shown apart. Memory is the peak resident size of the largest task, imports included.
The exponent is that of the median task's processor seconds times the tasks, which bursts of other work do not
move; that of wall seconds stands beside it. Still, only a machine that does nothing else gives fair ones.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.group import FIRST_NIGHT, UNITS, copy_group, place_of, simulate_prototypes, site_names

EXPONENT = 1.0
TOLERANCE = 0.02
"""How far a measured exponent may lie above: between 10 and 100 sites that is 5 % in time. The sites are
copies of three that differ in size, and a stage of a site differs by a few percent from run to run."""
LIMIT_BYTES = 2_000_000_000

NIGHTS = {1: 3, 10: 2}
"""How many nights in a row are timed at a size, of which each stage's median counts; one at other sizes."""
WIDTH = 130
HISTORY_DAYS = 730

_WAREHOUSE = ("forecasting.pipeline", "sqlalchemy.dialects.sqlite", "holidays.countries")
_TRACKING = ("mlflow.store.tracking.sqlalchemy_store", "mlflow.store.artifact.local_artifact_repo")
_VALIDATION = ("forecasting.validate.views", "great_expectations.expectations.core")
STAGES: dict[str, tuple[str, ...]] = {
    "open_night": (*_WAREHOUSE, *_TRACKING),
    "extract_site": (*_WAREHOUSE, "forecasting.models"),
    "validate_site": (*_WAREHOUSE, *_VALIDATION),
    "record_site": _WAREHOUSE,
    "build_docs": (*_WAREHOUSE, *_VALIDATION),
    "forecast_site": (*_WAREHOUSE, *_TRACKING, "forecasting.features", "forecasting.models.fallback"),
    "staff_site": (*_WAREHOUSE, "forecasting.staffing"),
    "publish_site": (*_WAREHOUSE, *_TRACKING, "matplotlib.backends.backend_agg"),
    "close_night": (*_WAREHOUSE, *_TRACKING),
}
"""The stages of a night in their order, each with what it imports."""


@dataclass(frozen=True)
class Cost:
    """What one stage of one night took, over all sites."""

    stage: str
    sites: int
    seconds: float
    processor_seconds: float
    typical_seconds: float
    """Processor seconds had every task been the median one: a burst of other work does not move it."""
    peak_bytes: int


def main() -> None:
    """Print the tables, and exit with 1 where a stage grows faster than the work or needs too much memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sites", type=int, nargs="+", default=[1, 10, 100], help="sizes of the group, rising"
    )
    parser.add_argument("--first", type=int, nargs="*", default=[1], help="sizes for the very first night")
    parser.add_argument(
        "--folder", type=Path, help="where to work; needs 80 MB a site (default: a temporary one)"
    )
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    if len(arguments.sites) < 2:
        parser.error("--sites needs two sizes or more to tell how the cost grows")
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="scale-") as name, ExitStack() as stack:
        folder = Path(name)
        _tell("simulating")
        _in_a_process(simulate_prototypes, folder / "prototypes", HISTORY_DAYS)
        spawn = multiprocessing.get_context("spawn")
        workers = {stage: stack.enter_context(ProcessPoolExecutor(1, mp_context=spawn)) for stage in STAGES}
        imports = {stage: worker.submit(import_seconds, stage).result() for stage, worker in workers.items()}
        first = [cost for size in arguments.first for cost in _nights(folder, workers, size, remembers=False)]
        nightly = [
            cost for size in arguments.sites for cost in _nights(folder, workers, size, remembers=True)
        ]
    console = Console(width=WIDTH)
    console.print(
        f"{os.cpu_count()} processor cores, SQLite, one task at a time, sites of {len(UNITS)} units"
    )
    if first:
        console.print(_table("The very first night, which reads two years", first, imports))
    console.print(_table("A night that knows two years and reads three days again", nightly, imports))
    if arguments.json:
        figures = {
            "cores": os.cpu_count(),
            "import_seconds": imports,
            "first": [asdict(cost) for cost in first],
            "nightly": [asdict(cost) for cost in nightly],
        }
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    exponents = {stage: _exponent(costs[-2:]) for stage, costs in _by_stage(nightly).items()}
    stage, worst = max(exponents.items(), key=lambda item: item[1])
    peak = max(cost.peak_bytes for cost in [*first, *nightly])
    bar = f"≤ {EXPONENT} each, < {LIMIT_BYTES / 1e9:.0f} GB"
    print(f"scale: worst exponent {worst:.2f} in {stage}, peak {peak / 1e9:.2f} GB ({bar})")
    sys.exit(0 if worst <= EXPONENT + TOLERANCE and peak < LIMIT_BYTES else 1)


def _nights(
    folder: Path, workers: dict[str, ProcessPoolExecutor], size: int, *, remembers: bool
) -> list[Cost]:
    """Each stage's cost in a night of a group of that size: of several nights, the median one in time."""
    group = folder / f"group_{size}"
    _tell(f"copying {size} sites")
    _in_a_process(partial(copy_group, remembers=remembers), folder / "prototypes", group, size, HISTORY_DAYS)
    nights = NIGHTS.get(size, 1) if remembers else 1
    costs: dict[str, list[Cost]] = {stage: [] for stage in STAGES}
    for night in (FIRST_NIGHT + timedelta(days=ahead) for ahead in range(nights)):
        for stage, worker in workers.items():
            cost: Cost = worker.submit(run_stage, group, stage, night, site_names(size)).result()
            _tell(
                f"{size} sites, night {night}, {stage}: {cost.seconds:.2f} s, {cost.peak_bytes / 1e6:.0f} MB"
            )
            costs[stage].append(cost)
    shutil.rmtree(group)
    return [_median(of_stage) for of_stage in costs.values()]


def _median(costs: list[Cost]) -> Cost:
    return replace(
        costs[0],
        seconds=statistics.median(cost.seconds for cost in costs),
        processor_seconds=statistics.median(cost.processor_seconds for cost in costs),
        typical_seconds=statistics.median(cost.typical_seconds for cost in costs),
        peak_bytes=max(cost.peak_bytes for cost in costs),
    )


def _exponent(costs: Sequence[Cost], of: str = "typical_seconds") -> float:
    """The slope of log seconds on log sites.

    Between the two largest sizes it is the honest one: at small ones, what a stage costs once hides what it
    costs per site.
    """
    if len(costs) < 2:
        return float("nan")
    sites, seconds = [cost.sites for cost in costs], [getattr(cost, of) for cost in costs]
    return float(np.polyfit(np.log(sites), np.log(seconds), 1)[0])


def _by_stage(costs: Iterable[Cost]) -> dict[str, list[Cost]]:
    stages: dict[str, list[Cost]] = {stage: [] for stage in STAGES}
    for cost in sorted(costs, key=lambda cost: cost.sites):
        stages[cost.stage].append(cost)
    return stages


def _table(title: str, costs: list[Cost], imports: dict[str, float]) -> Table:
    stages = _by_stage(costs)
    sizes = sorted({cost.sites for cost in costs})
    ends = f"{sizes[-2:][0]} to {sizes[-1]}"
    seconds = [heading for size in sizes for heading in (f"{size}: s", "MB")]
    headings = ["imports s", *seconds, "s a site", "exponent, all sizes", ends, f"{ends}, wall"]
    table = Table("stage", title=title)
    for heading in headings:
        table.add_column(heading, justify="right")
    for stage, of_stage in stages.items():
        figures = [
            text for cost in of_stage for text in (f"{cost.seconds:.2f}", f"{cost.peak_bytes / 1e6:.0f}")
        ]
        slopes = (_exponent(of_stage), _exponent(of_stage[-2:]), _exponent(of_stage[-2:], "seconds"))
        per_site = of_stage[-1].seconds / of_stage[-1].sites
        shown = [f"{slope:.2f}" for slope in slopes]
        table.add_row(stage, f"{imports[stage]:.1f}", *figures, f"{per_site:.3f}", *shown)
    totals = [sum(cost.seconds for cost in costs if cost.sites == size) for size in sizes]
    figures = [text for total in totals for text in (f"{total:.1f}", "")]
    table.add_row("all", "", *figures, f"{totals[-1] / sizes[-1]:.3f}", "", "", "", style="bold")
    return table


def import_seconds(stage: str) -> float:
    """What the stage's imports take in this process, which every task would pay anew."""
    began = time.monotonic()
    for module in STAGES[stage]:
        importlib.import_module(module)
    return time.monotonic() - began


def run_stage(folder: Path, stage: str, night: date, site_ids: list[str]) -> Cost:
    """Run a stage of a night for each of the sites, every task in a process forked from this one."""
    spent = [_in_a_fork(task, folder / "log.txt") for task in _tasks(folder, stage, night, site_ids)]
    seconds, processor_seconds, peaks = zip(*spent, strict=True)
    return Cost(
        stage=stage,
        sites=len(site_ids),
        seconds=sum(seconds),
        processor_seconds=sum(processor_seconds),
        typical_seconds=statistics.median(processor_seconds) * len(spent),
        peak_bytes=max(peaks),
    )


def _tasks(folder: Path, stage: str, night: date, site_ids: list[str]) -> list[Callable[[], object]]:
    from forecasting import pipeline

    place, card = place_of(folder), folder / "key.json"
    work: Callable[..., object] = getattr(pipeline, stage)

    def open_night() -> None:
        key = pipeline.open_night(place, night, site_ids, f"night__{night}", {})
        card.write_text(json.dumps(key.as_json()))

    if stage == "open_night":
        return [open_night]
    key = pipeline.NightKey.from_json(json.loads(card.read_text()))
    if stage == "build_docs":
        return [lambda: work(place, key)]
    if stage == "close_night":
        return [lambda: work(place, key, site_ids)]
    return [lambda site_id=site_id: work(place, key, site_id) for site_id in site_ids]  # type: ignore[misc]


def _in_a_fork(task: Callable[[], object], log: Path) -> tuple[float, float, int]:
    """Wall seconds, processor seconds and peak resident bytes of a task in a process of its own."""
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _end_with(task, log)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"a task failed:\n{log.read_text(encoding='utf-8')[-4000:]}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def _end_with(task: Callable[[], object], log: Path) -> None:
    """Do the task and end this process, whatever comes of it."""
    status = 1
    try:
        with log.open("w", encoding="utf-8") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
        task()
        status = 0
    except BaseException:  # nothing may return into the process that forked
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _in_a_process(function: Callable[..., Any], *arguments: object) -> Any:
    """What the function returns, from a fresh interpreter."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
