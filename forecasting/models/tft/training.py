"""Training: a panel in, a trained transformer out, or the reason why not."""

from __future__ import annotations

import hashlib
import logging
import math
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pandas as pd
import structlog
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import Logger

from forecasting.config import Settings
from forecasting.models.holdout import as_known_at, holdout_start
from forecasting.models.tft.hours import Hours, Vocabulary
from forecasting.models.tft.learner import Learner, Lessons
from forecasting.models.tft.network import Shape, build_network, pinball, whole_patients
from forecasting.models.tft.scenes import Scenery
from forecasting.models.tft.trained import TrainedTFT
from forecasting.outcome import TrainingFailed
from forecasting.schema import Target

LARGEST_GRADIENT = 1.0
LARGEST_VALIDATION_SHARE = 5
HOURS_BETWEEN_VALIDATIONS = 24

log = structlog.get_logger()


def train(
    panel: pd.DataFrame,
    settings: Settings,
    issued_at: datetime,
    target: Target,
    folder: Path,
    logger: Logger | None = None,
) -> TrainedTFT:
    """Train on the panel's hours before the holdout, which is kept for scores that compare models.

    The last days before the holdout decide when to stop. A checkpoint is written to ``folder`` after every
    epoch; a training that was cut off goes on from there if it is started again with the same data and
    settings, and one that had ended returns at once.

    Args:
        panel: of the target, built at ``issued_at``.
        settings: gives the network's size, the pace and the seed.
        issued_at: the issue time; the holdout is the ``holdout_days`` before it.
        target: what the panel is of.
        folder: for checkpoints.
        logger: a Lightning logger that receives train_loss and validation_loss of each epoch.

    Raises:
        TrainingFailed: the history is too short, or the loss diverged.
    """
    began = time.monotonic()
    spans = _spans(panel, settings, issued_at, target)
    seen = as_known_at(panel, spans.holdout)
    vocabulary = Vocabulary.of(seen)
    training, levels = settings.training, settings.horizon.quantile_levels
    scenery = Scenery(Hours.of(seen, vocabulary), target, levels, training.encoder_hours, settings.lead_hours)
    windows = scenery.windows_between(0, _time_idx(spans.validation))
    latest_issue = _time_idx(spans.holdout) - settings.lead_hours
    validation = scenery.windows_at(
        range(_time_idx(spans.validation), latest_issue + 1, HOURS_BETWEEN_VALIDATIONS)
    )
    if not len(windows) or not len(validation):
        raise TrainingFailed(
            f"{target.value}: history too short: no series has four weeks and a whole forecast "
            f"before {spans.validation}"
        )

    shape = Shape(
        levels=levels,
        categories=vocabulary.sizes,
        encoder_hours=training.encoder_hours,
        hidden_size=training.hidden_size,
        attention_heads=training.attention_heads,
        dropout=training.dropout,
    )
    with _quiet_lightning():
        pl.seed_everything(training.seed, verbose=False)
        learner = Learner(build_network(shape), training)
        lessons = Lessons(scenery, windows, validation, training)
        checkpoints = folder / f"checkpoints-{_fingerprint(seen, settings, target)}"
        journal = Journal(target)
        best = ModelCheckpoint(
            dirpath=checkpoints,
            filename="best",
            monitor="validation_loss",
            enable_version_counter=False,
            save_on_train_epoch_end=True,
        )
        last = ModelCheckpoint(
            dirpath=checkpoints, filename="last", enable_version_counter=False, save_on_train_epoch_end=True
        )
        stopping = EarlyStopping("validation_loss", patience=training.patience, check_finite=False)
        trainer = _trainer(settings, folder, logger, [journal, stopping, best, last])
        resumed = checkpoints / "last.ckpt"
        trainer.fit(learner, lessons, ckpt_path=resumed if resumed.exists() else None, weights_only=True)
        learner.load_state_dict(torch.load(best.best_model_path, weights_only=True)["state_dict"])
    network = learner.network.cpu().eval()
    finest = min(journal.curve, key=lambda row: row["validation_loss"])
    return TrainedTFT(
        target=target,
        lead_hours=settings.lead_hours,
        shape=shape,
        vocabulary=vocabulary,
        trained_before=spans.holdout,
        scores={
            "epochs": float(len(journal.curve)),
            "best_epoch": finest["epoch"],
            "validation_loss": finest["validation_loss"],
            "climate_loss": _climate_loss(lessons, learner),
            "seconds": round(time.monotonic() - began, 1),
        },
        curve=journal.curve,
        network=network,
    )


@dataclass(frozen=True)
class _Spans:
    validation: datetime
    """Where early stopping begins to look; training's outcomes end before."""
    holdout: datetime
    """Where the holdout begins; early stopping's outcomes end before."""


def _spans(panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target) -> _Spans:
    observed = panel.loc[(panel["observed"] == 1) & (panel["valid_at"] < issued_at), "valid_at"]
    needed = timedelta(days=settings.training.minimum_history_days)
    history = issued_at - observed.min().to_pydatetime() if len(observed) else timedelta()
    if history < needed:
        raise TrainingFailed(
            f"{target.value}: history too short: {history.days} days before {issued_at}, "
            f"training.minimum_history_days is {needed.days}"
        )
    holdout = holdout_start(settings, issued_at)
    before_holdout = history - (issued_at - holdout)
    span = min(timedelta(days=settings.training.holdout_days), before_holdout / LARGEST_VALIDATION_SHARE)
    whole_forecast = timedelta(hours=settings.lead_hours)
    return _Spans(validation=holdout - max(_whole_days(span), whole_forecast), holdout=holdout)


def _whole_days(span: timedelta) -> timedelta:
    return timedelta(days=span.days)


def _time_idx(hour: datetime) -> int:
    return int(hour.timestamp()) // 3600


def _fingerprint(panel: pd.DataFrame, settings: Settings, target: Target) -> str:
    """Of all that decides what a training yields: another panel or setting must not resume it."""
    digest = hashlib.sha256(f"{target.value} {settings.lead_hours}".encode())
    digest.update(settings.training.model_dump_json().encode())
    digest.update(settings.horizon.model_dump_json().encode())
    rows = panel[["site_id", "unit_id", "unit_type", "beds", "valid_at", "value", "holiday"]]
    digest.update(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:12]


def _trainer(
    settings: Settings, folder: Path, logger: Logger | None, callbacks: list[Callback]
) -> pl.Trainer:
    return pl.Trainer(
        accelerator="auto",
        devices=1,
        precision="bf16-mixed" if torch.cuda.is_available() else "32-true",
        max_epochs=settings.training.max_epochs,
        gradient_clip_val=LARGEST_GRADIENT,
        reload_dataloaders_every_n_epochs=1,
        callbacks=callbacks,
        logger=logger if logger is not None else False,
        log_every_n_steps=1,
        default_root_dir=folder,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def _climate_loss(lessons: Lessons, learner: Learner) -> float:
    """Validation loss of what the network starts from."""
    losses, sizes = [], []
    for batch in lessons.val_dataloader():
        start = batch["centre"][..., None] + batch["unit"][..., None] * batch["start"]
        losses.append(float(pinball(learner.network, whole_patients(start), batch)))
        sizes.append(len(batch["value"]))
    return sum(loss * size for loss, size in zip(losses, sizes, strict=True)) / sum(sizes)


class Journal(Callback):
    """Keeps the learning curve, tells it line by line, and ends a training that diverged."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.curve: list[dict[str, float]] = []
        self._epoch_began = time.monotonic()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._epoch_began = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the epoch down.

        Raises:
            TrainingFailed: its loss is not finite.
        """
        row = {
            "epoch": float(trainer.current_epoch),
            "train_loss": float(trainer.callback_metrics["train_loss"]),
            "validation_loss": float(trainer.callback_metrics["validation_loss"]),
            "seconds": round(time.monotonic() - self._epoch_began, 1),
        }
        log.info("epoch", stage="train", target=self.target.value, **row)
        if not math.isfinite(row["train_loss"]) or not math.isfinite(row["validation_loss"]):
            raise TrainingFailed(
                f"{self.target.value}: diverged in epoch {trainer.current_epoch}: training loss "
                f"{row['train_loss']}, validation loss {row['validation_loss']}; "
                "lower training.learning_rate"
            )
        self.curve.append(row)

    def state_dict(self) -> dict[str, Any]:
        """The curve, for a checkpoint."""
        return {"curve": self.curve}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The curve so far, from a checkpoint."""
        self.curve = list(state_dict["curve"])


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Lightning's announcements, tips and advice are for people at a terminal."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
