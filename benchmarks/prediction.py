"""How fast many series are forecast, and in how much memory, beside pytorch-forecasting's own ``predict``.

Every contender starts from the same rows of history and known future and the same network, runs alone in a
fresh interpreter, and ends with the quantiles of every series.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.contenders.prediction_job import (
    Prediction,
    PredictionJob,
    read_prediction,
    write_prediction_job,
)
from benchmarks.contenders.process import Run, watch

SERIES = (100, 1_000, 10_000)
COMPARED_AT = 1_000
"""Series for which the ratio is taken."""
LEAST_RATIO = 20.0
LARGEST_GROWTH = 1.1
"""Of ours' peak memory from the fewest series to the most: flat."""
CONTENDERS = ("stock",)
STOCK, OURS = "stock", "ours"
SETUP = "benchmarks.contenders.prediction_setup"


@dataclass(frozen=True)
class Measured:
    """One contender's forecast of so many series."""

    contender: str
    series: int
    prediction: Prediction
    run: Run


def measure(job: PredictionJob, contenders: tuple[str, ...]) -> list[Measured]:
    """Make the rows and the network once, then let each contender forecast."""
    threads = os.cpu_count() or 1
    python = Path(sys.executable)
    measured = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_prediction_job(job, folder)
        watch(python, SETUP, folder, threads=threads)
        for contender in contenders:
            run = watch(python, f"benchmarks.contenders.{contender}_prediction", folder, threads=threads)
            measured.append(Measured(contender, job.series, read_prediction(folder), run))
    return measured


def table_of(measured: list[Measured], job: PredictionJob) -> Table:
    """One row a contender and number of series."""
    title = (
        f"{os.cpu_count()} cores of {platform.machine()}: {job.encoder_hours} + {job.lead_hours} hours from "
        f"{job.history_hours} of history, hidden {job.hidden_size}"
    )
    table = Table(title=title)
    table.add_column("contender")
    for heading in ("series", "seconds", "series/s", "x stock", "peak GiB"):
        table.add_column(heading, justify="right")
    table.add_column("where the seconds go")
    for one in measured:
        seconds = one.prediction.seconds
        table.add_row(
            one.contender,
            f"{one.series:,}",
            f"{seconds:.2f}",
            f"{one.series / seconds:,.0f}",
            f"{seconds_of(measured, STOCK, one.series) / seconds:.2f}",
            f"{one.run.peak_gib:.2f}",
            ", ".join(f"{part} {spent / seconds:.0%}" for part, spent in one.prediction.parts.items()),
        )
    return table


def seconds_of(measured: list[Measured], contender: str, series: int) -> float:
    """Of that contender for so many series; NaN where it was not measured."""
    found = [one for one in measured if (one.contender, one.series) == (contender, series)]
    return found[0].prediction.seconds if found else float("nan")


def growth(measured: list[Measured], contender: str) -> float:
    """Peak memory for the most series by that for the fewest."""
    by_series = {one.series: one.run.peak_gib for one in measured if one.contender == contender}
    return by_series[max(by_series)] / by_series[min(by_series)]


def main() -> None:
    """Print a table, and exit with 1 below a bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, nargs="+", default=list(SERIES))
    parser.add_argument("--history-hours", type=int, default=168)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    measured: list[Measured] = []
    for series in arguments.series:
        job = PredictionJob(series, history_hours=arguments.history_hours)
        measured += measure(job, CONTENDERS)
    Console(width=140).print(table_of(measured, job))
    if arguments.json:
        record = {"cores": os.cpu_count(), "measured": [asdict(one) for one in measured]}
        arguments.json.write_text(json.dumps(record) + "\n")
    sys.exit(_verdict(measured))


def _verdict(measured: list[Measured]) -> int:
    if absent := {STOCK, OURS} - {one.contender for one in measured if one.series == COMPARED_AT}:
        print(f"prediction: not measured, without {' and '.join(sorted(absent))} at {COMPARED_AT:,} series")
        return 1
    ratio = seconds_of(measured, STOCK, COMPARED_AT) / seconds_of(measured, OURS, COMPARED_AT)
    grown = growth(measured, OURS)
    bar = f"≥ {LEAST_RATIO:g}; memory x {grown:.2f}, ≤ {LARGEST_GROWTH:g}"
    print(f"prediction: {ratio:.1f} x stock ({bar})")
    return 0 if ratio >= LEAST_RATIO and grown <= LARGEST_GROWTH else 1


if __name__ == "__main__":
    main()
