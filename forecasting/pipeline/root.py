"""Where a night's training begins: at nothing, or at the champion's network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import structlog

from forecasting.config import Settings
from forecasting.outcome import TrainingNotNeeded
from forecasting.pipeline.champion import load_champion
from forecasting.schema import Target
from forecasting.tracking import Champion, Registry

if TYPE_CHECKING:
    from forecasting.models.nightly.trained import TrainedEnsemble
    from forecasting.models.tft import TrainedTFT

log = structlog.get_logger()

Retrain = Literal["auto", "always", "refresh", "never"]


@dataclass(frozen=True)
class Standing:
    """Who speaks for a target until it is beaten."""

    version: str
    model: TrainedEnsemble


@dataclass(frozen=True)
class Root:
    """Where a training begins, and whom its challenger must beat."""

    at: datetime
    """Issue time of the training from nothing that this one goes back to."""
    standing: Standing | None = None
    """None where climatology speaks: there is no champion, or it can't be read."""
    network: TrainedTFT | None = None
    """The champion's, to go on from; None from nothing."""

    @property
    def name(self) -> str:
        """Where it begins, in words."""
        return f"version {self.standing.version}" if self.standing and self.network else "nothing"


def find_root(
    registry: Registry,
    settings: Settings,
    target: Target,
    issued_at: datetime,
    retrain: Retrain,
    asked_at: datetime | None = None,
) -> Root:
    """Where tonight's training begins.

    Where ``auto`` finds a champion, it begins at nothing once in ``retrain_after_days``, whether what came
    of it the last time was promoted or not, and where the monitor asked for it since; without a champion,
    every night.

    Args:
        registry: of the models.
        settings: of the group.
        target: what is forecast.
        issued_at: the night's issue time.
        retrain: see :func:`forecasting.pipeline.training.train_target`.
        asked_at: the issue time as of which the monitor last asked for a training, if it did.

    Raises:
        TrainingNotNeeded: nowhere.
    """
    if retrain == "never":
        raise TrainingNotNeeded("retrain = never")
    champion = registry.champion(target, issued_at)
    if champion is None:
        return Root(issued_at)
    training = settings.training
    tried_at = registry.last_root(target, issued_at) or champion.rooted_at
    asked = asked_at is not None and asked_at > tried_at
    lately = issued_at - tried_at < timedelta(days=training.retrain_after_days) and not asked
    if retrain == "auto" and lately and (champion.issued_at == issued_at or not training.refresh_epochs):
        raise TrainingNotNeeded(
            f"version {champion.version} is {(issued_at - champion.rooted_at).days} days old; "
            f"a training from nothing is tried every {training.retrain_after_days}"
        )
    standing = _read(registry, champion, settings)
    if retrain == "always" or (retrain == "auto" and not lately):
        return Root(issued_at, standing)
    network = _refreshable(standing, settings)
    if network is not None:
        return Root(champion.rooted_at, standing, network)
    if retrain == "auto" and tried_at > champion.rooted_at:
        raise TrainingNotNeeded(
            f"version {champion.version} can't be refreshed, and a training from nothing was tried "
            f"{(issued_at - tried_at).days} days ago; it is tried every {training.retrain_after_days}"
        )
    return Root(issued_at, standing)


def _read(registry: Registry, champion: Champion, settings: Settings) -> Standing | None:
    try:
        return Standing(champion.version, load_champion(registry, champion, settings))
    except Exception:
        # What can't be read doesn't speak either: climatology does until something new is promoted.
        log.exception("the champion can't be read", target_name=champion.target, version=champion.version)
        return None


def _refreshable(standing: Standing | None, settings: Settings) -> TrainedTFT | None:
    """The champion's network, where it is of the size and reach that the settings ask for."""
    from forecasting.models import tft

    network = standing.model.network if standing else None
    return network if network is not None and tft.can_refresh(network, settings) else None
