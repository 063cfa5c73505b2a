"""A night of a hundred sites through a real Airflow: whether anything is lost, how long it takes, and memory.

The same night of one simulated source (:mod:`benchmarks.group`), three times, each into a warehouse of its
own: in one process without Airflow, which is the peer; on LocalExecutor and SQLite, as ``make run`` has them;
on Celery with Redis, PostgreSQL, an MLflow server and two workers. It is each site's first night, which reads
half a year; climatology speaks, nothing is trained. Making the source and starting Airflow are not counted.

Nothing is lost if every site is published with the content, and as many rows, as in one process. Memory is
that of all that was started, together. Airflow's share is the part of its slots' time that the stages do not
take in one process: what a task costs before and after its stage, the scheduler, the API server, and waiting.
Slots beyond the cores are not counted. Only a machine that does nothing else gives fair times.

With ``--folder`` what is measured stays so: a benchmark that was ended goes on with the next way.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.group import copy_group, simulate_prototypes
from benchmarks.ways import Measured, Tally, in_one_process, on_celery, on_local_executor

LIMIT_RATIO = 1.5
HISTORY_DAYS = 182
WIDTH = 180


def main() -> None:
    """Print a table in Markdown, and exit with 1 where something was lost or a night took too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=100)
    parser.add_argument(
        "--slots", type=int, default=os.cpu_count() or 2, help="tasks at a time, an even number"
    )
    parser.add_argument(
        "--folder", type=Path, help="where to work, and to go on (default: a temporary folder)"
    )
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="load-")))
        folder = folder.absolute() / str(arguments.sites)
        group = _group(folder, arguments.sites)
        alone = _once(folder / "alone", partial(in_one_process, group))
        local = _once(folder / f"local_{arguments.slots}", partial(on_local_executor, group, arguments.slots))
        celery = _once(folder / f"celery_{arguments.slots}", partial(on_celery, group, arguments.slots))
    lost = [f"{night.way}: {loss}" for night in (local, celery) for loss in losses(night.sites, alone.sites)]
    Console(width=WIDTH).print(_table([alone, local, celery]), *lost, sep="\n")
    if arguments.json:
        nights = [asdict(night) for night in (alone, local, celery)]
        arguments.json.write_text(json.dumps({"cores": os.cpu_count(), "nights": nights}, indent=1) + "\n")
    slowest = max(local, celery, key=lambda night: night.seconds)
    ratio = slowest.seconds / alone.seconds
    bar = f"none, ≤ {LIMIT_RATIO} times one process"
    print(f"load: {len(lost)} lost, {slowest.seconds:.0f} s, {ratio:.2f} times one process ({bar})")
    sys.exit(0 if not lost and ratio <= LIMIT_RATIO else 1)


def losses(sites: Mapping[str, Tally], expected: Mapping[str, Tally]) -> list[str]:
    """What of the expected sites is not there, or there otherwise, in words."""
    return [
        f"{site}: {name} {sites.get(site, {}).get(name, 'missing')}, expected {value}"
        for site, tally in expected.items()
        for name, value in tally.items()
        if sites.get(site, {}).get(name) != value
    ]


def airflow_share(seconds: float, slots: int, cores: int, alone_seconds: float) -> float:
    """The part of the slots' time that the stages don't take in one process."""
    return 1 - alone_seconds / (seconds * min(slots, cores))


def _table(nights: list[Measured]) -> Table:
    table = Table(title=f"{len(nights[0].sites)} sites, {os.cpu_count()} cores", box=box.MARKDOWN)
    table.add_column("", no_wrap=True)
    for heading in (
        *("slots", "s", "times one process", "tasks", "tasks/min", "tried again", "peak GiB", "processes"),
        *("PostgreSQL connections", "sites published", "Airflow's share"),
    ):
        table.add_column(heading, justify="right")
    alone = nights[0].seconds
    for night in nights:
        share = airflow_share(night.seconds, night.slots, os.cpu_count() or 1, alone)
        published = sum(tally["state"] == "published" for tally in night.sites.values())
        table.add_row(
            *(night.way, str(night.slots), f"{night.seconds:,.0f}", f"{night.seconds / alone:.2f}"),
            *((f"{night.tasks:,}", f"{night.tasks / night.seconds * 60:.0f}") if night.tasks else ("", "")),
            *(str(night.retries), f"{night.peak_gib:.2f}", str(night.processes)),
            *(str(night.connections or ""), str(published), f"{share:.0%}" if night.tasks else ""),
        )
    return table


def _group(folder: Path, size: int) -> Path:
    """The folder of a group of so many sites, made where it is not there."""
    group, made = folder / "group", folder / "group.made"
    if not made.exists():
        shutil.rmtree(folder, ignore_errors=True)
        _tell(f"simulating {size} sites")
        simulate_prototypes(folder / "prototypes", HISTORY_DAYS)
        copy_group(folder / "prototypes", group, size, HISTORY_DAYS, remembers=False)
        made.touch()
    return group


def _once(folder: Path, measure: Callable[[Path], Measured]) -> Measured:
    """What was measured in the folder before, else now."""
    card = folder / "measured.json"
    if not card.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        measured = measure(folder)
        card.write_text(json.dumps(asdict(measured)))
        _tell(f"{measured.way}: {measured.seconds:.0f} s, {measured.tasks} tasks, {measured.peak_gib} GiB")
    return Measured(**json.loads(card.read_text()))


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
