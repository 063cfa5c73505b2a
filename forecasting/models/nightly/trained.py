"""The ensemble that speaks at night: what it says, and how it is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import structlog

from forecasting.config import Settings
from forecasting.models.calibration import Calibration
from forecasting.models.counts import smooth_forecast, stated_hours
from forecasting.models.ensemble import Ensemble, Learnt, Weights
from forecasting.models.interface import Forecaster
from forecasting.models.nightly import gbm_files
from forecasting.models.nightly.members import (
    IN_WORDS,
    NETWORK,
    REFITTED,
    TREES,
    KnownFlows,
    no_flows,
    refitted,
)
from forecasting.models.quantile_table import hours_long, hours_wide
from forecasting.schema import FORECAST, Target
from forecasting.wording import listed

if TYPE_CHECKING:
    from forecasting.models.tft import TrainedTFT

log = structlog.get_logger()

ENSEMBLE_FILE = "ensemble.json"

Key = tuple[str, str]


@dataclass(frozen=True)
class TrainedEnsemble:
    """Members, what past origins taught of them, and the series of which it had better be silent.

    A member that fails leaves its say to the others, and the rows' ``note`` tells so.
    """

    target: Target
    members: Mapping[str, Forecaster]
    """By name, those that can speak; the network's is :class:`forecasting.models.tft.TrainedTFT`."""
    learnt: Learnt
    learnt_before: datetime
    """The first hour, in UTC, of which nothing was learnt."""
    silenced: Mapping[Key, str] = field(default_factory=dict)
    """By (site_id, unit_id), why climatology should speak: a clause that a nurse manager may read."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """By member, why it can't speak."""
    name: str = Ensemble.name

    @property
    def version(self) -> str:
        """A fingerprint of what was learnt, the network's weights included."""
        network = self.network.version if self.network else ""
        told = json.dumps([_learnt_json(self.learnt), self.learnt_before.isoformat(), network])
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    @property
    def network(self) -> TrainedTFT | None:
        """The transformer among its members; None where there is none, or it can't be read."""
        network: TrainedTFT | None = cast(Any, self.members.get(NETWORK))
        return network

    def predict(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :meth:`forecasting.models.interface.Forecaster.predict`; ``note`` names missing members.

        Raises:
            RuntimeError: no member could speak.
        """
        said, missing = {}, dict(self.missing)
        for name, member in self.members.items():
            try:
                wide = hours_wide(smooth_forecast(member, panel, issued_at))
            except Exception as error:
                # One broken member must not silence the others.
                log.exception("a member failed", member=name, target_name=self.target, stage="forecast")
                missing[name] = _told(error)
                continue
            said[name] = wide.where(np.isfinite(wide))
            if said[name].isna().all(axis=None):
                missing[name] = "it gave no number"
                log.warning("a member gave no number", member=name, target_name=self.target, stage="forecast")
        if not said:
            raise RuntimeError("; ".join(f"{name} failed: {why}" for name, why in missing.items()))
        nothing = hours_wide(FORECAST.empty())
        heard = {name: said.get(name, nothing) for name in self.learnt.weights.members}
        together = stated_hours(self.learnt.combine(heard))
        return hours_long(together, self.target.value, self.name, self.version).assign(note=_note(missing))

    def save(self, folder: Path, settings: Settings) -> None:
        """Write ``ensemble.json`` into the folder, and a folder for each member that is kept.

        Args:
            folder: is made where it is not there.
            settings: of the group, kept for those who load the ensemble where no group is configured.
        """
        folder.mkdir(parents=True, exist_ok=True)
        description = {
            "target": self.target.value,
            **_learnt_json(self.learnt),
            "learnt_before": self.learnt_before.isoformat(),
            "silenced": [[*key, why] for key, why in self.silenced.items()],
            "settings": settings.model_dump(mode="json"),
        }
        (folder / ENSEMBLE_FILE).write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
        for name, (save, _) in _KEPT.items():
            if name in self.members:
                save(self.members[name], folder / name)


def load(folder: Path, settings: Settings | None = None, flows: KnownFlows = no_flows) -> TrainedEnsemble:
    """Read what :meth:`TrainedEnsemble.save` wrote, or a transformer alone, as versions were before.

    Only numbers and text are read, no code is run. A member whose files can't be read is missing.

    Args:
        folder: what was saved.
        settings: of the group as it is; None for what it was.
        flows: what the flow model is told at an issue time; without, it is silent.

    Raises:
        FileNotFoundError: the folder holds no model.
    """
    file = folder / ENSEMBLE_FILE
    if not file.exists():
        return _alone(folder)
    told = json.loads(file.read_text(encoding="utf-8"))
    target = Target(told["target"])
    settings = settings or Settings.model_validate(told["settings"])
    members: dict[str, Forecaster] = {}
    missing = {}
    for name in told["members"]:
        try:
            members[name] = (
                refitted(name, target, settings, flows) if name in REFITTED else _KEPT[name][1](folder / name)
            )
        except Exception as error:
            log.exception("a member can't be read", member=name, target_name=target, stage="forecast")
            missing[name] = _told(error)
    levels = tuple(told["levels"])
    calibration = Calibration(levels, _by_series(told["moves"]), _by_series(told["follows"]))
    return TrainedEnsemble(
        target,
        members,
        Learnt(Weights(tuple(told["members"]), np.array(told["weights"])), calibration),
        datetime.fromisoformat(told["learnt_before"]),
        {(site_id, unit_id): why for site_id, unit_id, why in told["silenced"]},
        missing,
    )


def _alone(folder: Path) -> TrainedEnsemble:
    """A transformer that was registered without an ensemble around it."""
    from forecasting.models import tft

    network = tft.load(folder)
    learnt = Learnt(Weights.equal([network.name]), Calibration(network.shape.levels, {}))
    return TrainedEnsemble(
        network.target, {network.name: network}, learnt, network.trained_before, name=network.name
    )


def _learnt_json(learnt: Learnt) -> dict[str, Any]:
    return {
        "members": learnt.weights.members,
        "weights": learnt.weights.by_lead.tolist(),
        "levels": learnt.calibration.levels,
        "moves": _listed(learnt.calibration.moves),
        "follows": _listed(learnt.calibration.follows),
    }


def _listed(by_series: Mapping[Key, np.ndarray]) -> list[list[Any]]:
    return [[*key, rows.tolist()] for key, rows in by_series.items()]


def _by_series(listed: list[list[Any]]) -> dict[Key, np.ndarray]:
    return {(site_id, unit_id): np.array(rows) for site_id, unit_id, rows in listed}


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _note(missing: Mapping[str, str]) -> str:
    """Who is missing, in a sentence; why is in the log."""
    if not missing:
        return ""
    return f"The trained model speaks without {listed([IN_WORDS[name] for name in missing])}."


def _save_network(network: TrainedTFT, folder: Path) -> None:
    network.save(folder)


def _load_network(folder: Path) -> TrainedTFT:
    from forecasting.models import tft

    return tft.load(folder)


_KEPT: Mapping[str, tuple[Callable[[Any, Path], None], Callable[[Path], Forecaster]]] = {
    TREES: (gbm_files.save, gbm_files.load),
    NETWORK: (_save_network, _load_network),
}
"""By member that is kept: how it is saved and read."""
