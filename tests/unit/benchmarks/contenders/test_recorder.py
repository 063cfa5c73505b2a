from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from benchmarks.contenders.job import Job, read_curve, read_job, write_job
from benchmarks.contenders.recorder import Recorder
from benchmarks.training import JOBS

pytestmark = pytest.mark.unit


@pytest.fixture
def job() -> Job:
    return replace(JOBS["cpu"], batch_size=10, steps=6, snapshots=3, warm_up_steps=2)


def trained(job: Job, steps: int) -> tuple[Recorder, torch.nn.Linear]:
    """A network whose bias is the number of steps it took."""
    network = torch.nn.Linear(1, 1)
    recorder = Recorder(job, network)
    recorder.start()
    for step in range(1, steps + 1):
        with torch.no_grad():
            network.bias.fill_(step)
        recorder.step_done()
    return recorder, network


def test_each_snapshot_is_scored_with_the_weights_of_its_time(job: Job) -> None:
    recorder, network = trained(job, 6)
    curve = recorder.curve(network.bias.item, {"version": "1"})
    assert [point.loss for point in curve.points] == [2, 4, 6]
    assert [point.windows for point in curve.points] == [20, 40, 60]
    seconds = [point.seconds for point in curve.points]
    assert seconds == sorted(seconds)
    assert curve.windows_per_second > 0


@pytest.mark.parametrize("steps", [5, 7])
def test_a_training_of_another_length_is_refused(job: Job, steps: int) -> None:
    recorder, _ = trained(job, steps)
    with pytest.raises(RuntimeError, match=f"{steps} steps were trained, 6"):
        recorder.curve(lambda: 0.0, {})


def test_jobs_and_curves_come_back_from_their_files(job: Job, tmp_path: Path) -> None:
    write_job(job, tmp_path / "job.json")
    assert read_job(tmp_path / "job.json") == job
    curve = trained(job, 6)[0].curve(lambda: 0.5, {"num_workers": "2"})
    (tmp_path / "curve.json").write_text(json.dumps(asdict(curve)))
    assert read_curve(tmp_path / "curve.json") == curve


@pytest.mark.parametrize("steps", [1, 7, 8, 200])
def test_the_last_snapshot_is_the_end(job: Job, steps: int) -> None:
    snapshots = replace(job, steps=steps, snapshots=min(8, steps)).snapshot_steps
    assert max(snapshots) == steps
    assert min(snapshots) >= 1
