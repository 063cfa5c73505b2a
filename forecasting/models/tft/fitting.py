"""One network, taught until it gets no better; cut off, it goes on from its last epoch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import Logger

from forecasting.config import Training
from forecasting.models.tft.journal import Journal, diverged
from forecasting.models.tft.learner import Learner
from forecasting.models.tft.lessons import Lessons
from forecasting.models.tft.trainer import build_trainer
from forecasting.outcome import TrainingFailed
from forecasting.schema import Target


@dataclass(frozen=True)
class Fitted:
    """A network with the weights of its best epoch."""

    network: Any
    curve: list[dict[str, float]]
    """See :attr:`forecasting.models.tft.trained.TrainedTFT.curve`."""

    @property
    def finest(self) -> dict[str, float]:
        """Its best epoch."""
        return min(self.curve, key=lambda row: row["validation_loss"])


def fit_network(
    network: Any, lessons: Lessons, training: Training, target: Target, folder: Path, logger: Logger | None
) -> Fitted:
    """Teach a network, with a checkpoint after every epoch; see :func:`forecasting.models.tft.train`.

    Args:
        network: to begin from; it is changed.
        lessons: the windows.
        training: the pace, the patience and the seed.
        target: what the network forecasts.
        folder: of this network's checkpoints alone.
        logger: receives what each epoch tells.

    Raises:
        TrainingFailed: the loss diverged.
    """
    learner = Learner(network, training)
    best = ModelCheckpoint(
        dirpath=folder,
        filename="best",
        monitor="validation_loss",
        enable_version_counter=False,
        save_on_train_epoch_end=True,
    )
    last = ModelCheckpoint(
        dirpath=folder, filename="last", enable_version_counter=False, save_on_train_epoch_end=True
    )
    stopping = EarlyStopping("validation_loss", patience=training.patience, check_finite=False)
    trainer = build_trainer(training, folder.parent, logger, [Journal(target), stopping, best, last])
    newest = folder / "last.ckpt"
    trainer.fit(learner, lessons, ckpt_path=newest if newest.exists() else None, weights_only=True)
    curve = torch.load(newest, weights_only=True)["callbacks"][Journal.__qualname__]["curve"]
    _refuse_diverged(curve, target)
    learner.load_state_dict(torch.load(folder / "best.ckpt", weights_only=True)["state_dict"])
    return Fitted(learner.network.cpu().eval(), curve)


def _refuse_diverged(curve: Iterable[dict[str, float]], target: Target) -> None:
    for row in curve:
        if diverged(row):
            raise TrainingFailed(
                f"{target.value}: diverged in epoch {row['epoch']:.0f}: training loss "
                f"{row['train_loss']}, validation loss {row['validation_loss']}; "
                "lower training.learning_rate"
            )
