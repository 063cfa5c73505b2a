"""The clock of a training, and its weights along the way."""

from __future__ import annotations

import time
from collections.abc import Callable

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
        self._began = self._warm = self._last = 0.0
        self._kept: list[tuple[int, float, Weights]] = []

    def start(self) -> None:
        """Call before the first batch is asked for."""
        self._began = self._now()

    def step_done(self) -> None:
        """Call after every step of the optimizer."""
        self.steps_done += 1
        if self.steps_done == self.job.warm_up_steps:
            self._warm = self._now()
        if self.steps_done in self.job.snapshot_steps:
            self._last = self._now()
            weights = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
            self._kept.append((self.steps_done, self._last - self._began, weights))

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
        counted = (self.job.steps - self.job.warm_up_steps) * self.job.batch_size
        return Curve(points, counted / (self._last - self._warm), memory, notes)

    def _now(self) -> float:
        if self.job.device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()
