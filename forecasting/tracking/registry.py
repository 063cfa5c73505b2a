"""The registry of trained models: who may speak for a target, and since when."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from forecasting.schema import Target
from forecasting.tracking.client import connect

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

ALIAS = "champion"


@dataclass(frozen=True)
class Champion:
    """The registered model that speaks for a target."""

    target: Target
    version: str
    run_id: str
    issued_at: datetime
    """The issue time of the night that trained it: it has seen nothing later."""
    rooted_at: datetime
    """The issue time of its last training from nothing; refreshes since then went on from there."""


class Registry:
    """MLflow's model registry on the tracking address ``url``."""

    def __init__(self, url: str) -> None:
        self._client = connect(url)

    def register(
        self,
        target: Target,
        run_id: str,
        folder: Path,
        loader_module: str,
        example: tuple[pd.DataFrame, pd.DataFrame],
        tags: Mapping[str, str],
        rooted_at: datetime,
    ) -> str:
        """Log the model that was saved in ``folder`` to the run, with its signature, and register it.

        Args:
            target: what the model forecasts.
            run_id: the training run.
            folder: the model's files; no file among them holds code.
            loader_module: module whose ``_load_pyfunc`` reads the folder back.
            example: a few rows that go in, and the rows that come out, for the signature.
            tags: tags of the new version.
            rooted_at: the issue time of the training from nothing that it goes back to.

        Returns:
            The registered version.
        """
        import mlflow
        from mlflow.models import infer_signature

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            with mlflow.start_run(run_id=run_id):
                logged = mlflow.pyfunc.log_model(
                    name="model",
                    loader_module=loader_module,
                    data_path=str(folder),
                    signature=infer_signature(*example),
                    pip_requirements=["hospital-forecasting"],
                    registered_model_name=_name(target),
                )
        version = str(logged.registered_model_version)
        for key, value in {**tags, "rooted_at": rooted_at.isoformat()}.items():
            self._client.set_model_version_tag(_name(target), version, key, value)
        return version

    def promote(
        self, target: Target, version: str, issued_at: datetime, rooted_at: datetime | None = None
    ) -> None:
        """Let this version speak for the target from its issue time on; the newest also bears the alias.

        A version that was refreshed has its root at an earlier issue time.
        """
        name = _name(target)
        self._client.set_model_version_tag(name, version, "issued_at", issued_at.isoformat())
        self._client.set_model_version_tag(name, version, "rooted_at", (rooted_at or issued_at).isoformat())
        self._client.set_model_version_tag(name, version, "promoted", "true")
        newest = max(self._promoted(target), key=lambda champion: champion.issued_at)
        if newest.version == version:
            self._client.set_registered_model_alias(name, ALIAS, version)

    def champion(self, target: Target, issued_at: datetime) -> Champion | None:
        """Who speaks for the target in the night of that issue time, or None.

        It is whoever bears the alias ``champion``, which an analyst may move; but a model that was trained
        on data after the issue time never speaks for it, and then the last one promoted before does.
        """
        holder = self._alias_holder(target)
        if holder is not None and holder.issued_at <= issued_at:
            return holder
        earlier = [champion for champion in self._promoted(target) if champion.issued_at <= issued_at]
        return max(earlier, key=lambda champion: champion.issued_at, default=None)

    def last_root(self, target: Target, issued_at: datetime) -> datetime | None:
        """When a training from nothing last came to an end, promoted or not; none after the issue time."""
        tagged = (version.tags.get("rooted_at") for version in self._versions(target))
        roots = (datetime.fromisoformat(time).astimezone(UTC) for time in tagged if time is not None)
        return max((root for root in roots if root <= issued_at), default=None)

    def download(self, champion: Champion, folder: Path) -> Path:
        """Bring the champion's files to ``folder``; returns where its saved folder lies."""
        import mlflow

        source = f"models:/{_name(champion.target)}/{champion.version}"
        local = Path(mlflow.artifacts.download_artifacts(source, dst_path=str(folder)))
        return next(path for path in (local / "data").iterdir() if path.is_dir())

    def _alias_holder(self, target: Target) -> Champion | None:
        from mlflow.exceptions import MlflowException

        try:
            version = self._client.get_model_version_by_alias(_name(target), ALIAS)
        except MlflowException:
            return None
        return _champion(target, version)

    def _promoted(self, target: Target) -> list[Champion]:
        return [
            champion
            for version in self._versions(target)
            if version.tags.get("promoted") == "true" and (champion := _champion(target, version)) is not None
        ]

    def _versions(self, target: Target) -> Sequence[ModelVersion]:
        return self._client.search_model_versions(f"name = '{_name(target)}'")


def _champion(target: Target, version: ModelVersion) -> Champion | None:
    issued_at = version.tags.get("issued_at")
    if issued_at is None:
        return None
    rooted_at = version.tags.get("rooted_at", issued_at)
    issued, rooted = (datetime.fromisoformat(time).astimezone(UTC) for time in (issued_at, rooted_at))
    return Champion(target, str(version.version), str(version.run_id), issued, rooted)


def _name(target: Target) -> str:
    return f"hospital_{target.value}"
