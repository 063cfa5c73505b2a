"""One network, taught until it gets no better; cut off, or out of memory, it goes on from its last epoch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
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

log = structlog.get_logger()


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

    Where a device runs out of memory, each batch is halved, and halved again.

    Args:
        network: to begin from; it is changed.
        lessons: the windows.
        training: the pace, the patience and the seed.
        target: what the network forecasts.
        folder: of this network's checkpoints alone.
        logger: receives what each epoch tells.

    Raises:
        TrainingFailed: the loss diverged, or the device has no memory for a single window.
    """
    start = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    parts = 1
    while (fitted := _fit_in_parts(network, lessons, training, target, folder, logger, parts)) is None:
        if parts >= training.batch_size:
            raise TrainingFailed(
                f"{target.value}: the device has no memory for a single window; lower training.hidden_size "
                "or training.encoder_hours"
            )
        parts *= 2
        network.load_state_dict(start)
        log.warning("out of memory", target_name=target.value, stage="train", batches_are_now_parted_in=parts)
    return fitted


def _fit_in_parts(
    network: Any,
    lessons: Lessons,
    training: Training,
    target: Target,
    folder: Path,
    logger: Logger | None,
    parts: int,
) -> Fitted | None:
    """Teach with each batch shown in so many parts, whose gradients are averaged; None: out of memory.

    A step learns from as many windows as of whole batches, so a training that began with larger parts goes on
    from its last epoch on the same schedule.
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
    callbacks = [Journal(target), stopping, best, last]
    trainer = build_trainer(training, folder.parent, logger, callbacks, parts)
    newest = folder / "last.ckpt"
    lessons.parts = parts
    try:
        trainer.fit(learner, lessons, ckpt_path=newest if newest.exists() else None, weights_only=True)
    except torch.OutOfMemoryError:
        learner.cpu()
        torch.cuda.empty_cache()
        return None
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
