"""MLflow runs: one parent a night, one child a trained model."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from forecasting.tracking.client import connect

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger
    from matplotlib.figure import Figure
    from mlflow.entities import Run

EXPERIMENT = "hospital_nightly"
SECONDS_BETWEEN_SAMPLES = 5


class Runs:
    """The runs of the nightly experiment, on the tracking address ``url``."""

    def __init__(self, url: str, artifacts: str) -> None:
        self._url = url
        self._client = connect(url)
        self._artifacts = artifacts

    def open_night(self, night: date, dag_run_id: str, tags: Mapping[str, str]) -> str:
        """The parent run of a night's DAG run: found again if it is there, else begun. Returns its id."""
        known = self._client.search_runs(
            [self._experiment()],
            f"tags.`airflow.dag_run_id` = '{dag_run_id}' and tags.kind = 'night' and tags.night = '{night}'",
        )
        if known:
            return str(known[0].info.run_id)
        run = self._client.create_run(
            self._experiment(),
            run_name=f"night {night}",
            tags={"kind": "night", "night": str(night), "airflow.dag_run_id": dag_run_id, **tags},
        )
        return str(run.info.run_id)

    def open_training(self, parent: str, name: str, tags: Mapping[str, str]) -> str:
        """The child run for a training: one that was cut off goes on, else a new one. Returns its id."""
        cut_off = self._client.search_runs(
            [self._experiment()],
            f"tags.`mlflow.parentRunId` = '{parent}' and tags.`mlflow.runName` = '{name}' "
            "and attributes.status = 'RUNNING'",
        )
        if cut_off:
            return str(cut_off[0].info.run_id)
        night: Run = self._client.get_run(parent)
        inherited = {key: value for key, value in night.data.tags.items() if not key.startswith("mlflow.")}
        run = self._client.create_run(
            self._experiment(),
            run_name=name,
            tags={**inherited, "kind": "training", "mlflow.parentRunId": parent, **tags},
        )
        return str(run.info.run_id)

    def epoch_logger(self, run_id: str) -> Logger:
        """A Lightning logger that writes each epoch's metrics to the run."""
        from lightning.pytorch.loggers import MLFlowLogger

        return MLFlowLogger(experiment_name=EXPERIMENT, tracking_uri=self._url, run_id=run_id)

    @contextmanager
    def watch(self, run_id: str) -> Iterator[None]:
        """Write the machine's use of processors, memory and GPUs to the run, for as long as this lasts."""
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        monitoring: Any = SystemMetricsMonitor
        monitor = monitoring(
            run_id,
            sampling_interval=SECONDS_BETWEEN_SAMPLES,
            resume_logging=True,
            tracking_uri=self._url,
        )
        monitor.start()
        try:
            yield
        finally:
            monitor.finish()

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

    def log_dataset(self, run_id: str, frame: pd.DataFrame, name: str, digest: str) -> None:
        """Record which data the run learned from: its columns, extent and digest, never its rows."""
        import mlflow
        from mlflow.entities import DatasetInput, InputTag

        with warnings.catch_warnings():
            # MLflow hints at integer columns; ours never hold missing values.
            warnings.simplefilter("ignore", UserWarning)
            dataset = mlflow.data.from_pandas(frame, name=name, digest=digest)  # type: ignore[attr-defined]
            entity = dataset._to_mlflow_entity()
        tag = InputTag("mlflow.data.context", "training")
        self._client.log_inputs(run_id, [DatasetInput(entity, [tag])])

    def log_table(self, run_id: str, frame: pd.DataFrame, file: str) -> None:
        """Keep a small table beside the run, as CSV."""
        self._client.log_text(run_id, frame.to_csv(index=False), file)

    def log_figure(self, run_id: str, figure: Figure, file: str) -> None:
        """Keep a plot beside the run."""
        self._client.log_figure(run_id, figure, file)

    def tag(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags on a run."""
        for key, value in tags.items():
            self._client.set_tag(run_id, key, value)

    def page(self, server: str) -> str:
        """The page of the nightly experiment on an MLflow server.

        It names the kind of work: MLflow opens on its pages for language models otherwise.
        """
        return f"{server}/#/experiments/{self._experiment()}/runs?workflowType=machine_learning"

    def close(self, run_id: str, *, succeeded: bool) -> None:
        """End a run."""
        self._client.set_terminated(run_id, "FINISHED" if succeeded else "FAILED")

    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        local = not self._url.startswith("http")
        artifacts = self._artifacts if local else None
        return str(self._client.create_experiment(EXPERIMENT, artifacts))
