"""How fast the transformer trains, and how well it learns, beside the libraries people would use instead.

Every contender learns from the same data, as many windows in batches of the same size, with the same
optimizer, and is scored on the same held-out windows by the same scorer. Each runs alone, in a fresh
interpreter.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean, stdev

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from rich.console import Console
from rich.table import Table
from scipy.stats import nbinom

from benchmarks.contenders.job import Curve, Device, Job, read_curve, write_job
from benchmarks.contenders.panel import NOISE_SIZE, held_out, panel_of, weighted_quantile_loss
from benchmarks.contenders.process import ROOT, Run, watch

JOBS: dict[Device, Job] = {
    "cpu": Job(
        device="cpu",
        series=24,
        train_hours=26 * 168,
        held_out_hours=16 * 24,
        encoder_hours=168,
        lead_hours=48,
        hidden_size=32,
        hidden_continuous_size=16,
        attention_heads=4,
        batch_size=128,
        steps=200,
        warm_up_steps=5,
        snapshots=8,
    ),
    "cuda": Job(
        device="cuda",
        series=64,
        train_hours=52 * 168,
        held_out_hours=16 * 24,
        encoder_hours=168,
        lead_hours=24,
        hidden_size=128,
        hidden_continuous_size=64,
        attention_heads=4,
        batch_size=1024,
        steps=120,
        warm_up_steps=20,
        snapshots=8,
    ),
}
LEAST_RATIO: dict[Device, float] = {"cpu": 2.5, "cuda": 20.0}
LEAST_RATE: dict[Device, float] = {"cpu": 0.0, "cuda": 25_000.0}
"""Windows per second."""
LARGEST_LOSS_RATIO = 1.02
"""Seeds of one network differ by about 2 %: a smaller difference is none."""
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
DEFAULT_FIGURE = ROOT / "var" / "benchmarks" / "training.png"


@dataclass(frozen=True)
class Contender:
    """A module in ``benchmarks/contenders`` and the interpreter that has what it imports."""

    name: str
    python: Path = Path(sys.executable)


CONTENDERS = (Contender("ours"), Contender("stock"), Contender("neuralforecast", PEERS_PYTHON))
STOCK, OURS = "stock", "ours"


@dataclass(frozen=True)
class Trained:
    """One contender's trainings, one a seed."""

    curves: list[Curve]
    runs: list[Run]

    @property
    def rate(self) -> float:
        """Windows per second."""
        return fmean(curve.windows_per_second for curve in self.curves)

    @property
    def losses(self) -> list[float]:
        """At the end, one a seed."""
        return [curve.points[-1].loss for curve in self.curves]


def measure(contender: Contender, jobs: list[Job]) -> Trained:
    """Train once a job, one after the other."""
    curves, runs = [], []
    for job in jobs:
        with tempfile.TemporaryDirectory() as folder:
            job_file, curve_file = Path(folder) / "job.json", Path(folder) / "curve.json"
            write_job(job, job_file)
            module = f"benchmarks.contenders.{contender.name}"
            runs.append(watch(contender.python, module, job_file, curve_file, threads=os.cpu_count() or 1))
            curves.append(read_curve(curve_file))
    return Trained(curves, runs)


def noise_floor(job: Job) -> float:
    """WQL of the held-out windows by someone who knows the true rates."""
    panel = panel_of(job)
    rates = held_out(panel.rates, job)[..., None]
    quantiles = np.asarray(nbinom.ppf(job.levels, NOISE_SIZE, NOISE_SIZE / (NOISE_SIZE + rates)))
    return weighted_quantile_loss(held_out(panel.counts, job), quantiles, job.levels)


def draw(trained: dict[str, Trained], floor: float, job: Job, file: Path) -> None:
    """Held-out loss against windows seen, and against seconds of training."""
    mpl.use("Agg")
    figure, (by_windows, by_seconds) = plt.subplots(
        1, 2, figsize=(11, 4.5), sharey=True, layout="constrained"
    )
    for number, (name, results) in enumerate(trained.items()):
        for curve in results.curves:
            losses = [point.loss for point in curve.points]
            label = name if curve is results.curves[0] else None
            style = {"color": f"C{number}", "marker": "o", "markersize": 3, "label": label}
            by_windows.plot([point.windows for point in curve.points], losses, **style)
            by_seconds.plot([point.seconds for point in curve.points], losses, **style)
    _finish(by_windows, floor, "windows seen")
    _finish(by_seconds, floor, "seconds of training")
    by_windows.set_ylabel("held-out WQL")
    by_windows.legend()
    figure.suptitle(_conditions(job))
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)


def _finish(axes: Axes, floor: float, unit: str) -> None:
    axes.axhline(floor, color="grey", linestyle="--", label="noise floor")
    axes.set_xlabel(unit)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)


def _conditions(job: Job) -> str:
    return (
        f"{_hardware(job)}: {job.encoder_hours} + {job.lead_hours} hours, hidden {job.hidden_size}, "
        f"batch {job.batch_size}, {job.steps * job.batch_size:,} windows"
    )


def _hardware(job: Job) -> str:
    if job.device == "cuda":
        import torch  # heavy, and asked only for a GPU's name

        return torch.cuda.get_device_name()
    return f"{os.cpu_count()} cores of {platform.machine()}"


def table_of(trained: dict[str, Trained], job: Job) -> Table:
    """One row a contender."""
    table = Table(title=_conditions(job))
    table.add_column("contender")
    for heading in ("windows/s", "x stock", "seconds", "peak GiB", "held-out WQL"):
        table.add_column(heading, justify="right")
    for name, results in trained.items():
        seconds = fmean(curve.points[-1].seconds for curve in results.curves)
        table.add_row(
            name,
            f"{results.rate:,.0f}",
            f"{results.rate / trained[STOCK].rate:.2f}" if STOCK in trained else "",
            f"{seconds:.1f}",
            _memory(results),
            _spread(results.losses),
        )
    return table


def _memory(results: Trained) -> str:
    host = f"{max(run.peak_gib for run in results.runs):.2f}"
    on_device = [curve.device_gib for curve in results.curves if curve.device_gib is not None]
    return f"{host} + {max(on_device):.2f} on device" if on_device else host


def _spread(values: list[float]) -> str:
    around = f" ± {stdev(values):.4f}" if len(values) > 1 else ""
    return f"{fmean(values):.4f}{around}"


def shortfalls(trained: dict[str, Trained], device: Device) -> list[str]:
    """Which bars ours misses."""
    ours, stock = trained[OURS], trained[STOCK]
    misses = []
    if ours.rate / stock.rate < LEAST_RATIO[device]:
        misses.append(f"{ours.rate / stock.rate:.2f} x stock, bar {LEAST_RATIO[device]}")
    if ours.rate < LEAST_RATE[device]:
        misses.append(f"{ours.rate:,.0f} windows/s, bar {LEAST_RATE[device]:,.0f}")
    for name, peer in trained.items():
        if fmean(ours.losses) > LARGEST_LOSS_RATIO * fmean(peer.losses):
            misses.append(f"held-out WQL {fmean(ours.losses):.4f}, {name} {fmean(peer.losses):.4f}")
    return misses


def main() -> None:
    """Print a table, draw the curves, and exit with 1 below a bar."""
    arguments = _arguments()
    job = JOBS[arguments.device]
    job = replace(job, steps=arguments.steps or job.steps)
    jobs = [replace(job, seed=1 + number) for number in range(arguments.seeds)]
    console = Console()
    trained: dict[str, Trained] = {}
    for contender in CONTENDERS:
        if arguments.only and contender.name not in arguments.only:
            continue
        if not contender.python.exists():
            console.print(
                f"{contender.name} was not measured: {contender.python.parents[1]} is not installed"
            )
            continue
        trained[contender.name] = measure(contender, jobs)
    floor = noise_floor(job)
    draw(trained, floor, job, arguments.figure)
    console.print(table_of(trained, job))
    for name, results in trained.items():
        console.print(
            f"{name}: " + "; ".join(f"{key} {value}" for key, value in results.curves[0].notes.items())
        )
    console.print(f"noise floor {floor:.4f}; curves in {arguments.figure}")
    if arguments.json:
        record = {
            "hardware": _hardware(job),
            "job": asdict(job),
            "noise_floor": floor,
            "contenders": {name: asdict(results) for name, results in trained.items()},
        }
        arguments.json.write_text(json.dumps(record) + "\n")
    sys.exit(_verdict(trained, job.device))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=list(JOBS), default="cpu")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each contender")
    parser.add_argument("--steps", type=int, help="of each training, in place of the device's own number")
    parser.add_argument("--only", nargs="+", choices=[contender.name for contender in CONTENDERS])
    parser.add_argument("--figure", type=Path, default=DEFAULT_FIGURE, help="a picture of the curves, PNG")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    return parser.parse_args()


def _verdict(trained: dict[str, Trained], device: Device) -> int:
    if absent := {STOCK, OURS} - set(trained):
        print(f"training: not measured, without {' and '.join(sorted(absent))}")
        return 1
    misses = shortfalls(trained, device)
    for miss in misses:
        print(f"missed: {miss}")
    ratio, rate = trained[OURS].rate / trained[STOCK].rate, trained[OURS].rate
    bar = f"≥ {LEAST_RATIO[device]:g}"
    if LEAST_RATE[device]:
        print(f"training: {ratio:.1f} x stock ({bar}), {rate:,.0f} windows/s (≥ {LEAST_RATE[device]:,.0f})")
    else:
        print(f"training: {ratio:.1f} x stock ({bar})")
    return 1 if misses else 0


if __name__ == "__main__":
    main()
