"""MLflow runs: one parent a night, one child a trained model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from forecasting.tracking.experiment import Experiment, leading_back

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger
    from mlflow.entities import Run

EXPERIMENT = "hospital_nightly"
SECONDS_BETWEEN_SAMPLES = 5


class Runs(Experiment):
    """The runs of the nightly experiment."""

    name: ClassVar[str] = EXPERIMENT

    def open_night(self, night: date, dag_run_id: str, tags: Mapping[str, str]) -> str:
        """The parent run of a night's DAG run: found again if it is there, else begun. Returns its id."""
        known = self._client.search_runs(
            [self.experiment_id()],
            f"tags.`airflow.dag_run_id` = '{dag_run_id}' and tags.kind = 'night' and tags.night = '{night}'",
        )
        if known:
            return str(known[0].info.run_id)
        run = self._client.create_run(
            self.experiment_id(),
            run_name=f"night {night}",
            tags=leading_back(
                {"kind": "night", "night": str(night), "airflow.dag_run_id": dag_run_id, **tags}
            ),
        )
        return str(run.info.run_id)

    def open_training(self, parent: str, name: str, tags: Mapping[str, str]) -> str:
        """The child run for a training: one that was cut off goes on, else a new one. Returns its id."""
        cut_off = self._client.search_runs(
            [self.experiment_id()],
            f"tags.`mlflow.parentRunId` = '{parent}' and tags.`mlflow.runName` = '{name}' "
            "and attributes.status = 'RUNNING'",
        )
        if cut_off:
            return str(cut_off[0].info.run_id)
        night: Run = self._client.get_run(parent)
        inherited = {key: value for key, value in night.data.tags.items() if not key.startswith("mlflow.")}
        run = self._client.create_run(
            self.experiment_id(),
            run_name=name,
            tags=leading_back({**inherited, "kind": "training", "mlflow.parentRunId": parent, **tags}),
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
