"""The clock of a training, and its weights along the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

import torch

from benchmarks.contenders.job import Curve, Job, Point

Weights = dict[str, torch.Tensor]


class Recorder:
    """Keeps the time and a copy of the weights at each snapshot.

    Scoring waits until training has ended: a pause in it would let loaders that work ahead catch up for free.
    """

    def __init__(self, job: Job, network: torch.nn.Module) -> None:
        self.job = job
        self.network = network
        self.steps_done = 0
        self._began = 0.0
        self._marks: list[tuple[int, float]] = []
        self._kept: list[tuple[int, float, Weights]] = []

    def start(self) -> None:
        """Call before the first batch is asked for."""
        self._began = self._now()

    def step_done(self) -> None:
        """Call after every step of the optimizer."""
        self.steps_done += 1
        is_snapshot = self.steps_done in self.job.snapshot_steps
        if is_snapshot or self.steps_done == self.job.warm_up_steps:
            self._marks.append((self.steps_done, self._now() - self._began))
        if is_snapshot:
            weights = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
            self._kept.append((*self._marks[-1], weights))

    def curve(self, score: Callable[[], float], notes: dict[str, str]) -> Curve:
        """Score the network at each of its snapshots.

        Args:
            score: WQL of the held-out windows by the network as it is now.
            notes: see :class:`~benchmarks.contenders.job.Curve`.

        Raises:
            RuntimeError: training ended too early or too late.
        """
        if self.steps_done != self.job.steps:
            raise RuntimeError(f"{self.steps_done} steps were trained, {self.job.steps} were asked for")
        memory = torch.cuda.max_memory_allocated() / 2**30 if self.job.device == "cuda" else None
        points = []
        for step, seconds, weights in self._kept:
            self.network.load_state_dict(weights)
            points.append(Point(step * self.job.batch_size, seconds, score()))
        return Curve(points, self._rate(), memory, notes)

    def state(self) -> dict[str, Any]:
        """What it has recorded, to be carried to another process."""
        return {"steps_done": self.steps_done, "marks": self._marks, "kept": self._kept}

    def take_up(self, state: dict[str, Any]) -> None:
        """What another process recorded."""
        self.steps_done = state["steps_done"]
        self._marks = [(int(step), float(seconds)) for step, seconds in state["marks"]]
        self._kept = list(state["kept"])

    def _rate(self) -> float:
        """Windows per second: the median from mark to mark, which a moment's stall does not move."""
        warm = [(step, seconds) for step, seconds in self._marks if step >= self.job.warm_up_steps]
        return median(
            (step - earlier) * self.job.batch_size / (end - start)
            for (earlier, start), (step, end) in pairwise(warm)
        )

    def _now(self) -> float:
        if self.job.device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()
