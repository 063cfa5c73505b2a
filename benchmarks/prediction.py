"""How fast many series are forecast, and in how much memory, beside pytorch-forecasting's own ``predict``.

Networks of one size forecast as many series over as many hours from as long a history, the two years that a
nightly run has; each contender runs alone, in fresh interpreters. The stock ``predict`` starts from a data
frame and ends with quantiles in memory. Ours starts from panels as the nightly run makes them and ends with
the rows of the forecast table on disk; it also fits each series' climate on the history. The stock model is
measured once more from the 168 hours that its encoder reads and nothing else, which is the least that can be
asked of it.
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

STOCK, OURS = "stock", "ours"
COMPARED_AT = 1_000
"""Series for which the ratio is taken."""
FLAT_FROM, FLAT_TO = 100, 10_000
"""Series between which the memory must not grow, from a shorter history to spare the disk."""
HISTORY_HOURS = 730 * 24
SHORT_HISTORY_HOURS = 26 * 168
ENCODER_HOURS = 168
LEAST_RATIO = 20.0
LARGEST_GROWTH = 1.1
"""Of ours' peak memory from the fewest series to the most: flat."""
SETUP = "benchmarks.contenders.prediction_setup"


@dataclass(frozen=True)
class Measured:
    """One contender's forecast."""

    job: PredictionJob
    prediction: Prediction
    run: Run


def measure(job: PredictionJob) -> Measured:
    """Make what the contender starts from, then let it forecast."""
    threads = os.cpu_count() or 1
    python = Path(sys.executable)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_prediction_job(job, folder)
        watch(python, SETUP, folder, threads=threads)
        run = watch(python, f"benchmarks.contenders.{job.contender}_prediction", folder, threads=threads)
        return Measured(job, read_prediction(folder), run)


def jobs(history_hours: int) -> list[PredictionJob]:
    """What is measured, in order."""
    return [
        PredictionJob(STOCK, COMPARED_AT, history_hours),
        PredictionJob(STOCK, COMPARED_AT, ENCODER_HOURS),
        PredictionJob(OURS, COMPARED_AT, history_hours),
        PredictionJob(OURS, FLAT_FROM, SHORT_HISTORY_HOURS),
        PredictionJob(OURS, COMPARED_AT, SHORT_HISTORY_HOURS),
        PredictionJob(OURS, FLAT_TO, SHORT_HISTORY_HOURS),
    ]


def table_of(measured: list[Measured]) -> Table:
    """One row a measurement."""
    first = measured[0].job
    table = Table(
        title=f"{os.cpu_count()} cores of {platform.machine()}: {first.encoder_hours} + {first.lead_hours} "
        f"hours, hidden {first.hidden_size}"
    )
    table.add_column("contender")
    for heading in ("series", "history, h", "seconds", "series/s", "peak GiB"):
        table.add_column(heading, justify="right")
    table.add_column("where the seconds go")
    for one in measured:
        seconds = one.prediction.seconds
        table.add_row(
            one.job.contender,
            f"{one.job.series:,}",
            f"{one.job.history_hours:,}",
            f"{seconds:.2f}",
            f"{one.job.series / seconds:,.0f}",
            f"{one.run.peak_gib:.2f}",
            ", ".join(f"{part} {spent / seconds:.0%}" for part, spent in one.prediction.parts.items()),
        )
    return table


def ratio(measured: list[Measured], stock_hours: int, our_hours: int) -> float:
    """Seconds of the stock model with that history, by ours with its own."""
    seconds = {
        (one.job.contender, one.job.history_hours): one.prediction.seconds
        for one in measured
        if one.job.series == COMPARED_AT
    }
    return seconds[STOCK, stock_hours] / seconds[OURS, our_hours]


def growth(measured: list[Measured]) -> float:
    """Ours' peak memory for the most series by that for the fewest."""
    peak = {one.job.series: one.run.peak_gib for one in measured if one.job.contender == OURS}
    return peak[FLAT_TO] / peak[FLAT_FROM]


def main() -> None:
    """Print a table, and exit with 1 below a bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history-hours", type=int, default=HISTORY_HOURS)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    measured = [measure(job) for job in jobs(arguments.history_hours)]
    Console(width=140).print(table_of(measured))
    if arguments.json:
        record = {"cores": os.cpu_count(), "measured": [asdict(one) for one in measured]}
        arguments.json.write_text(json.dumps(record) + "\n")
    sys.exit(verdict(measured, arguments.history_hours))


def verdict(measured: list[Measured], history_hours: int) -> int:
    """Say the figures beside their bars; 1 below one."""
    reached = ratio(measured, history_hours, history_hours)
    least = ratio(measured, ENCODER_HOURS, history_hours)
    print(f"the stock model given its encoder's hours alone: {least:.1f} x")
    grown = growth(measured)
    bar = f"≥ {LEAST_RATIO:g}; memory x {grown:.2f}, ≤ {LARGEST_GROWTH:g}"
    print(f"prediction: {reached:.1f} x stock ({bar})")
    return 0 if reached >= LEAST_RATIO and grown <= LARGEST_GROWTH else 1


if __name__ == "__main__":
    main()
