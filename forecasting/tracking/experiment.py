"""An MLflow experiment: what can be written to any of its runs."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from forecasting.tracking.client import connect

if TYPE_CHECKING:
    from matplotlib.figure import Figure


DESCRIPTION = "mlflow.note.content"
"""The tag that MLflow shows as Markdown on the run's page."""
DAG_RUN = "airflow.url"
"""The tag that holds the address of the DAG run that a run was made by."""


def leading_back(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags of a new run, and a description that leads to its DAG run where they name one."""
    return {**tags, DESCRIPTION: _way_back(tags)} if DAG_RUN in tags else dict(tags)


def _way_back(tags: Mapping[str, str]) -> str:
    return f"[The DAG run in Airflow]({tags[DAG_RUN]})" if DAG_RUN in tags else ""


class Experiment:
    """The experiment :attr:`name` on the tracking address ``url``; it is made when it is first written to."""

    name: ClassVar[str]

    def __init__(self, url: str, artifacts: str) -> None:
        self._url = url
        self._client = connect(url)
        self._artifacts = artifacts

    def log_params(self, run_id: str, params: Mapping[str, object]) -> None:
        """Record what the run was asked to do; a value that is there already stays."""
        from mlflow.entities import Param

        known = self._client.get_run(run_id).data.params
        new = [Param(key, str(value)) for key, value in params.items() if key not in known]
        self._client.log_batch(run_id, params=new)

    def log_metrics(self, run_id: str, metrics: Mapping[str, float]) -> None:
        """Record what came out, all at once: each call to MLflow looks the run up anew."""
        from mlflow.entities import Metric

        now = time.time_ns() // 1_000_000
        self._client.log_batch(run_id, [Metric(key, value, now, 0) for key, value in metrics.items()])

    def log_curves(self, run_id: str, curves: Mapping[str, Mapping[int, float]]) -> None:
        """Record metrics that have a value for each of several steps: by name, value by step."""
        from mlflow.entities import Metric

        now = time.time_ns() // 1_000_000
        points = [
            Metric(name, value, now, step) for name, curve in curves.items() for step, value in curve.items()
        ]
        self._client.log_batch(run_id, points)

    def log_file(self, run_id: str, path: Path, folder: str | None = None) -> None:
        """Keep a copy of a file beside the run."""
        self._client.log_artifact(run_id, str(path), folder)

    def log_dataset(
        self, run_id: str, frame: pd.DataFrame, name: str, digest: str, context: str = "training"
    ) -> None:
        """Record which data the run was made from: its columns, extent and digest, never its rows."""
        import mlflow
        from mlflow.entities import DatasetInput, InputTag

        with warnings.catch_warnings():
            # MLflow hints at integer columns; ours never hold missing values.
            warnings.simplefilter("ignore", UserWarning)
            dataset = mlflow.data.from_pandas(frame, name=name, digest=digest)  # type: ignore[attr-defined]
            entity = dataset._to_mlflow_entity()
        tag = InputTag("mlflow.data.context", context)
        self._client.log_inputs(run_id, [DatasetInput(entity, [tag])])

    def log_table(self, run_id: str, frame: pd.DataFrame, file: str) -> None:
        """Keep a small table beside the run, as CSV."""
        self._client.log_text(run_id, frame.to_csv(index=False), file)

    def log_text(self, run_id: str, text: str, file: str) -> None:
        """Keep a text, or a page, beside the run."""
        self._client.log_text(run_id, text, file)

    def log_figure(self, run_id: str, figure: Figure, file: str) -> None:
        """Keep a plot beside the run."""
        self._client.log_figure(run_id, figure, file)

    def tag(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags on a run."""
        for key, value in tags.items():
            self._client.set_tag(run_id, key, value)

    def page(self, server: str) -> str:
        """The page of the experiment's runs on an MLflow server.

        It names the kind of work: MLflow opens on its pages for language models otherwise.
        """
        return f"{server}/#/experiments/{self.experiment_id()}/runs?workflowType=machine_learning"

    def page_of(self, server: str, run_id: str) -> str:
        """The page of one run on an MLflow server."""
        return f"{server}/#/experiments/{self.experiment_id()}/runs/{run_id}?workflowType=machine_learning"

    def describe(self, run_id: str, markdown: str) -> None:
        """What a person who opens the run reads first; the way to its DAG run follows."""
        way_back = _way_back(self._client.get_run(run_id).data.tags)
        self.tag(run_id, {DESCRIPTION: f"{markdown}\n\n{way_back}".strip()})

    def reopened(self, title: str, identity: Mapping[str, str], tags: Mapping[str, str]) -> str:
        """The run that bears the tags of ``identity``: found again if it is there, else begun.

        Returns:
            Its id.
        """
        run_id = self.found(identity)
        if run_id is not None:
            self._client.update_run(run_id, status="RUNNING")
            self.tag(run_id, leading_back(tags))
            return run_id
        run = self._client.create_run(
            self.experiment_id(), run_name=title, tags=leading_back({**identity, **tags})
        )
        return str(run.info.run_id)

    def found(self, identity: Mapping[str, str]) -> str | None:
        """The id of the run that bears these tags; None where there is none."""
        same = " and ".join(f"tags.{name} = '{value}'" for name, value in identity.items())
        known = self._client.search_runs([self.experiment_id()], same)
        return str(known[0].info.run_id) if known else None

    def close(self, run_id: str, *, succeeded: bool) -> None:
        """End a run."""
        self._client.set_terminated(run_id, "FINISHED" if succeeded else "FAILED")

    def experiment_id(self) -> str:
        """Its id."""
        found = self._client.get_experiment_by_name(self.name)
        if found is not None:
            return str(found.experiment_id)
        local = not self._url.startswith("http")
        artifacts = self._artifacts if local else None
        return str(self._client.create_experiment(self.name, artifacts))
