"""A trained transformer: what it says, and how it is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch

from forecasting.models.counts import stated
from forecasting.models.interface import forecast_frame
from forecasting.models.tft.expectation import regressions
from forecasting.models.tft.hours import Hours, Vocabulary
from forecasting.models.tft.network import Shape, answer, build_network, in_order, tensors
from forecasting.models.tft.scenes import Scenery
from forecasting.schema import FORECAST, Target

DESCRIPTION_FILE = "model.json"
WEIGHTS_FILE = "weights.pt"
BATCH = 128

SeriesKey = tuple[str, str]
"""(site_id, unit_id)"""
_Said = tuple[list[SeriesKey], np.ndarray]
"""Series, and their quantiles (series, lead_hours, levels)."""


@dataclass(frozen=True)
class TrainedTFT:
    """Networks that have learned one target, with all they need to forecast and to say how they were made.

    Each has learned from another seed; level by level, the mean of their quantiles is what is said.
    """

    name: ClassVar[str] = "tft"

    target: Target
    lead_hours: int
    shape: Shape
    vocabulary: Vocabulary
    trained_before: datetime
    """The first hour, in UTC, that neither training nor early stopping has seen."""
    regressed: bool
    """Whether it corrects what a regression expects, instead of the climate."""
    scores: dict[str, float]
    """How the training went: epochs, best_epoch, validation_loss and climate_loss in patients, seconds; of
    several networks, their mean."""
    curve: list[dict[str, float]]
    """One row per epoch: epoch, train_loss, validation_loss, seconds; network after network."""
    networks: tuple[Any, ...] = field(repr=False)

    @property
    def version(self) -> str:
        """A fingerprint of the weights."""
        digest = hashlib.sha256()
        for network in self.networks:
            for name, tensor in sorted(network.state_dict().items()):
                digest.update(name.encode())
                digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest()[:12]

    def predict(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :meth:`forecasting.models.interface.Forecaster.predict`.

        Counts as :func:`forecasting.models.counts.stated` has them. Sites and units that the networks have
        never seen are forecast as unknown ones, of their type where that is known.
        """
        return _together(self.stream([panel], issued_at))

    def smooth(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :class:`forecasting.models.counts.Smooth`."""
        return _together(self._frames(self._quantiles(panel, issued_at), issued_at))

    def stream(self, panels: Iterable[pd.DataFrame], issued_at: datetime) -> Iterator[pd.DataFrame]:
        """The forecasts of many panels, batch by batch: what has been yielded is not kept.

        Args:
            panels: asked for one after the other, each when the one before has been forecast; for instance a
                site each. Some hundred series a panel make whole batches.
            issued_at: the issue time.

        Yields:
            Rows as of :meth:`predict`, of at most :data:`BATCH` series.
        """
        for panel in panels:
            counts = (
                (keys, stated(said, self.shape.levels)) for keys, said in self._quantiles(panel, issued_at)
            )
            yield from self._frames(counts, issued_at)

    def shown(
        self, panel: pd.DataFrame, issued_at: datetime, batch_size: int = BATCH
    ) -> Iterator[tuple[list[SeriesKey], dict[str, torch.Tensor]]]:
        """What the networks are shown of the panel's series at the issue time, batch by batch.

        Yields:
            The series' keys, and what :func:`forecasting.models.tft.network.tensors` makes of their windows.
        """
        if panel.empty:
            return
        hours = Hours.of(panel, self.vocabulary)
        scenery = Scenery(
            hours,
            self.target,
            self.shape.levels,
            self.shape.encoder_hours,
            self.lead_hours,
            regressions(panel, self.target) if self.regressed else None,
            with_weather=self.shape.weather,
        )
        windows = scenery.windows_at([int(issued_at.timestamp()) // 3600])
        for first in range(0, len(windows), batch_size):
            batch = windows.take(np.arange(first, min(first + batch_size, len(windows))))
            yield [hours.keys[series] for series in batch.series], tensors(scenery.scene(batch))

    def _quantiles(self, panel: pd.DataFrame, issued_at: datetime) -> Iterator[_Said]:
        """What is said of the panel's series between the counts, batch by batch."""
        for network in self.networks:
            network.eval()
        for keys, batch in self.shown(panel, issued_at):
            with torch.no_grad():
                patients = torch.stack([in_order(answer(network, batch)) for network in self.networks])
            yield keys, patients.double().mean(dim=0).numpy()

    def _frames(self, said: Iterable[_Said], issued_at: datetime) -> Iterator[pd.DataFrame]:
        version = self.version
        for keys, quantiles in said:
            values = dict(zip(keys, quantiles, strict=True))
            yield forecast_frame(values, self.shape.levels, issued_at, self.target, self.name, version)

    def save(self, folder: Path) -> None:
        """Write ``model.json`` and ``weights.pt`` into the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        description = {
            "target": self.target.value,
            "lead_hours": self.lead_hours,
            "shape": asdict(self.shape),
            "vocabulary": asdict(self.vocabulary),
            "trained_before": self.trained_before.isoformat(),
            "regressed": self.regressed,
            "scores": self.scores,
            "curve": self.curve,
        }
        text = json.dumps(description, indent=2)
        (folder / DESCRIPTION_FILE).write_text(text + "\n", encoding="utf-8")
        torch.save([network.state_dict() for network in self.networks], folder / WEIGHTS_FILE)


def _together(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    whole = list(frames)
    return pd.concat(whole, ignore_index=True) if whole else FORECAST.empty()


def load(folder: Path) -> TrainedTFT:
    """Read what :meth:`TrainedTFT.save` wrote; only numbers and text are read, no code is run.

    Raises:
        FileNotFoundError: the folder holds no model.
    """
    description = json.loads((folder / DESCRIPTION_FILE).read_text(encoding="utf-8"))
    shape = Shape.read(description["shape"])
    weights = torch.load(folder / WEIGHTS_FILE, map_location="cpu", weights_only=True)
    # What was saved before there could be several is the weights of one.
    states = weights if isinstance(weights, list) else [weights]
    networks = tuple(build_network(shape).eval() for _ in states)
    for network, state in zip(networks, states, strict=True):
        network.load_state_dict(state)
    return TrainedTFT(
        target=Target(description["target"]),
        lead_hours=description["lead_hours"],
        shape=shape,
        vocabulary=Vocabulary(**{name: tuple(names) for name, names in description["vocabulary"].items()}),
        trained_before=datetime.fromisoformat(description["trained_before"]),
        # What was saved before there was a choice corrects the climate.
        regressed=description.get("regressed", False),
        scores=description["scores"],
        curve=description["curve"],
        networks=networks,
    )
