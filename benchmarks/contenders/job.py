"""What every contender is given, and what it hands back."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Job:
    """One training: the data, the network's size, and how long."""

    device: Device
    series: int
    train_hours: int
    """Hours whose outcomes may be learned from."""
    held_out_hours: int
    """Hours after those; one window a day and series is scored."""
    encoder_hours: int
    lead_hours: int
    hidden_size: int
    hidden_continuous_size: int
    attention_heads: int
    batch_size: int
    """Windows in one step."""
    steps: int
    warm_up_steps: int
    """Steps at the start that count in the seconds but not in the windows per second."""
    snapshots: int
    """Points of the curve, evenly apart; the last is the end."""
    dropout: float = 0.1
    levels: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
    learning_rate: float = 0.003
    """Of Adam, constant."""
    largest_gradient: float = 1.0
    seed: int = 1

    @property
    def snapshot_steps(self) -> frozenset[int]:
        """Steps after which the weights are kept."""
        return frozenset(round(self.steps * k / self.snapshots) for k in range(1, self.snapshots + 1))

    @property
    def origins(self) -> list[int]:
        """First lead hour of each held-out window, counted as the panel's hours are."""
        end = self.train_hours + self.held_out_hours
        return list(range(self.train_hours, end - self.lead_hours + 1, 24))


@dataclass(frozen=True)
class Point:
    """A network scored at one moment of its training."""

    windows: int
    """Seen so far."""
    seconds: float
    """Of training so far; scoring is not counted."""
    loss: float
    """WQL of the held-out windows."""


@dataclass(frozen=True)
class Curve:
    """How one training went."""

    points: list[Point]
    windows_per_second: float
    """Median of the stretches between snapshots, after the warm-up."""
    device_gib: float | None
    """Peak memory taken on the GPU."""
    notes: dict[str, str] = field(default_factory=dict)
    """What a reader should know of this contender: its version, its loader."""


def work(train: Callable[[Job], Curve]) -> None:
    """Read a job's file, named first on the command line, and write the curve to the second."""
    job_file, curve_file = map(Path, sys.argv[1:3])
    curve = train(read_job(job_file))
    curve_file.write_text(json.dumps(asdict(curve)), encoding="utf-8")


def write_job(job: Job, file: Path) -> None:
    """As JSON."""
    file.write_text(json.dumps(asdict(job)), encoding="utf-8")


def read_job(file: Path) -> Job:
    """What :func:`write_job` wrote."""
    content = json.loads(file.read_text(encoding="utf-8"))
    return Job(**{**content, "levels": tuple(content["levels"])})


def read_curve(file: Path) -> Curve:
    """What :func:`work` wrote."""
    content = json.loads(file.read_text(encoding="utf-8"))
    points = [Point(**point) for point in content["points"]]
    return Curve(**{**content, "points": points})
