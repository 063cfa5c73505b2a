"""A device that runs out of memory in a step: the batch is halved and the training goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from structlog.testing import capture_logs
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from forecasting.config import Settings
from forecasting.models.tft import train
from forecasting.models.tft.transformer.fast import FastTransformer
from forecasting.outcome import TrainingFailed
from forecasting.schema import Target

pytestmark = pytest.mark.integration

Build = Callable[..., pd.DataFrame]
CENSUS = Target.BED_CENSUS


@contextmanager
def memory_for(windows: int, after_steps: int = 0) -> Iterator[list[int]]:
    """A device that, once so many steps are taken, holds no larger batch; yields the batches it was shown."""
    shown: list[int] = []

    def refuse(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if module.training and isinstance(module, FastTransformer):
            shown.append(len(inputs[0]["encoder_cont"]))
            if len(shown) > after_steps and shown[-1] > windows:
                raise torch.OutOfMemoryError(f"no memory for {shown[-1]} windows")

    hook = register_module_forward_pre_hook(refuse)
    try:
        yield shown
    finally:
        hook.remove()


@pytest.fixture(scope="module")
def panel(observations: Build, panel_of: Build) -> pd.DataFrame:
    return panel_of(observations(140), CENSUS)


@pytest.fixture(scope="module")
def two_epochs(settings: Settings) -> Settings:
    return settings.model_copy(update={"training": settings.training.model_copy(update={"max_epochs": 2})})


@pytest.mark.parametrize("epochs_before", [0, 1])
def test_batches_are_halved_until_they_fit_and_every_epoch_is_learned(
    panel: pd.DataFrame, two_epochs: Settings, issued_at: datetime, tmp_path: Path, epochs_before: int
) -> None:
    training = two_epochs.training
    steps = epochs_before * -(-training.windows_per_epoch // training.batch_size)
    with memory_for(training.batch_size // 4, steps) as shown, capture_logs() as lines:
        trained = train(panel, two_epochs, issued_at, CENSUS, tmp_path)
    parts = [line["batches_are_now_parted_in"] for line in lines if line["event"] == "out of memory"]
    assert parts == [2, 4]
    assert shown[-1] <= training.batch_size // 4
    assert [row["epoch"] for row in trained.curve] == [0, 1]
    assert [line["epoch"] for line in lines if line["event"] == "epoch"] == [0, 1]
    whole = train(panel, two_epochs, issued_at, CENSUS, tmp_path / "whole")
    assert trained.scores["validation_loss"] == pytest.approx(whole.scores["validation_loss"], rel=0.05)


def test_without_memory_for_one_window_the_training_fails_in_words(
    panel: pd.DataFrame, two_epochs: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    with memory_for(0), pytest.raises(TrainingFailed, match="no memory for a single window"):
        train(panel, two_epochs, issued_at, CENSUS, tmp_path)
