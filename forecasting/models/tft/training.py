"""Training: a panel in, a trained transformer out, or the reason why not."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import fmean, median

import lightning.pytorch as pl
import pandas as pd
import torch
from lightning.pytorch.loggers import Logger

from forecasting.config import Likelihood, Settings, Training
from forecasting.models.holdout import as_known_at, holdout_start
from forecasting.models.tft.expectation import begins_regressed, regressions
from forecasting.models.tft.fitting import fit_network
from forecasting.models.tft.heads import likelihood_of, pinball
from forecasting.models.tft.hours import Hours, Vocabulary
from forecasting.models.tft.lessons import Lessons
from forecasting.models.tft.network import Shape, build_network, whole_patients
from forecasting.models.tft.scenes import Scenery
from forecasting.models.tft.trained import TrainedTFT
from forecasting.models.tft.trainer import quiet_lightning
from forecasting.outcome import HistoryTooShort
from forecasting.schema import ANOMALY, Target

LARGEST_VALIDATION_SHARE = 5
HOURS_BETWEEN_VALIDATIONS = 24
REFRESHING_RATE = 0.2
"""Learning rate of a refresh, over that of a training from nothing."""


def train(
    panel: pd.DataFrame,
    settings: Settings,
    issued_at: datetime,
    target: Target,
    folder: Path,
    logger: Logger | None = None,
    start: TrainedTFT | None = None,
) -> TrainedTFT:
    """Train on the panel's hours before the holdout, which is kept for scores that compare models.

    The last days before the holdout decide when to stop. A checkpoint is written to ``folder`` after every
    epoch; a training that was cut off goes on from there if it is started again with the same data and
    settings, and one that had ended returns at once. With several ``seeds``, as many networks are trained one
    after the other, from that of ``seed`` on, and speak as one.

    Args:
        panel: of the target, built at ``issued_at``.
        settings: gives the network's size, the pace and the seed.
        issued_at: the issue time; the holdout is the ``holdout_days`` before it.
        target: what the panel is of.
        folder: for checkpoints.
        logger: a Lightning logger that receives the losses, windows_per_second and peak_memory_mib of each
            epoch of the first network.
        start: what to go on from, for ``refresh_epochs`` at a lower learning rate; see
            :func:`can_refresh`. It keeps its vocabulary: units it never saw stay unknown.

    Raises:
        HistoryTooShort: no series has hours enough to learn from.
        TrainingFailed: the loss diverged.
    """
    began = time.monotonic()
    spans = _spans(panel, settings, issued_at, target)
    seen = as_known_at(panel, spans.holdout)
    vocabulary = start.vocabulary if start else Vocabulary.of(seen)
    training = refreshing(settings.training) if start else settings.training
    levels = settings.horizon.quantile_levels
    scenery = Scenery(
        Hours.of(seen, vocabulary),
        target,
        levels,
        training.encoder_hours,
        settings.lead_hours,
        regressions(seen, target),
        with_weather=_with_weather(settings, target),
    )
    windows = scenery.windows_between(0, _time_idx(spans.validation))
    latest_issue = _time_idx(spans.holdout) - settings.lead_hours
    validation = scenery.windows_at(
        range(_time_idx(spans.validation), latest_issue + 1, HOURS_BETWEEN_VALIDATIONS)
    )
    if not len(windows) or not len(validation):
        raise HistoryTooShort(
            f"{target.value}: history too short: no series has four weeks and a whole forecast "
            f"before {spans.validation}"
        )

    shape = _shape(settings, vocabulary, target)
    jittered = shape.likelihood is Likelihood.QUANTILE
    fitted = []
    with quiet_lightning():
        for place in range(training.seeds):
            one = training.model_copy(update={"seed": training.seed + place, "seeds": 1})
            pl.seed_everything(one.seed, verbose=False)
            network = build_network(shape)
            if start:
                network.load_state_dict(start.networks[place].state_dict())
            lessons = Lessons(scenery, windows, validation, one, jittered)
            checkpoints = folder / f"checkpoints-{_fingerprint(seen, settings, one, target, start)}"
            # A logger's steps can't tell networks apart.
            told = logger if place == 0 else None
            fitted.append(fit_network(network, lessons, one, target, checkpoints, told))
    curve = [row for each in fitted for row in each.curve]
    return TrainedTFT(
        target=target,
        lead_hours=settings.lead_hours,
        shape=shape,
        vocabulary=vocabulary,
        trained_before=spans.holdout,
        regressed=scenery.regressions is not None,
        scores={
            "epochs": len(curve) / len(fitted),
            "best_epoch": fmean(each.finest["epoch"] for each in fitted),
            "validation_loss": fmean(each.finest["validation_loss"] for each in fitted),
            "climate_loss": _climate_loss(lessons, levels),
            "seconds": round(time.monotonic() - began, 1),
            "windows_per_second": median(row["windows_per_second"] for row in curve),
            "peak_memory_mib": max(row["peak_memory_mib"] for row in curve),
        },
        curve=curve,
        networks=tuple(each.network for each in fitted),
    )


def can_refresh(start: TrainedTFT, settings: Settings) -> bool:
    """Whether the settings want refreshes of as many networks of this shape and reach, that begin as ours do.

    Where they don't, a training begins from nothing.
    """
    same_reach = start.lead_hours == settings.lead_hours
    same_shape = start.shape == _shape(settings, start.vocabulary, start.target)
    as_many = len(start.networks) == settings.training.seeds
    same_start = start.regressed == begins_regressed(start.target)
    return settings.training.refresh_epochs > 0 and same_reach and same_shape and as_many and same_start


def refreshing(training: Training) -> Training:
    """The settings of a training that goes on from a network that has learned."""
    return training.model_copy(
        update={
            "max_epochs": training.refresh_epochs,
            "learning_rate": training.learning_rate * REFRESHING_RATE,
        }
    )


def _shape(settings: Settings, vocabulary: Vocabulary, target: Target) -> Shape:
    training = settings.training
    return Shape(
        levels=settings.horizon.quantile_levels,
        categories=vocabulary.sizes,
        encoder_hours=training.encoder_hours,
        hidden_size=training.hidden_size,
        attention_heads=training.attention_heads,
        dropout=training.dropout,
        likelihood=likelihood_of(training, target),
        weather=_with_weather(settings, target),
    )


def _with_weather(settings: Settings, target: Target) -> bool:
    """Whether a network of the target is shown the temperature."""
    return settings.weather.given and target is Target.ED_ARRIVALS


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
        raise HistoryTooShort(
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


def _fingerprint(
    panel: pd.DataFrame, settings: Settings, training: Training, target: Target, start: TrainedTFT | None
) -> str:
    """Of all that decides what a training yields: another panel, setting or start must not resume it."""
    begins = start.version if start else "nothing"
    digest = hashlib.sha256(f"{target.value} {settings.lead_hours} {begins}".encode())
    digest.update(training.model_dump_json().encode())
    digest.update(settings.horizon.model_dump_json().encode())
    decisive = ["site_id", "unit_id", "unit_type", "beds", "valid_at", "value", "holiday"]
    rows = panel[[*decisive, *panel.columns[panel.columns.str.startswith(ANOMALY)]]]
    digest.update(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:12]


def _climate_loss(lessons: Lessons, levels: tuple[float, ...]) -> float:
    """Validation loss of what the networks start from."""
    of_levels = torch.tensor(levels)
    losses, sizes = [], []
    for batch in lessons.val_dataloader():
        start = batch["centre"][..., None] + batch["unit"][..., None] * batch["start"]
        losses.append(float(pinball(whole_patients(start), batch, of_levels)))
        sizes.append(len(batch["value"]))
    return sum(loss * size for loss, size in zip(losses, sizes, strict=True)) / sum(sizes)
