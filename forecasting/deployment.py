"""Where things are on this installation: addresses and secrets, from the environment and from secret files.

On one machine everything defaults to SQLite and local files under ``var/``.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)


class Deployment(BaseSettings):
    """Addresses of one installation; every field is an environment variable ``HOSPITAL_<FIELD>``.

    What the environment leaves out may lie in the folder ``HOSPITAL_SECRETS_DIR``, a file a field, named as
    the variable is, in small letters: ``hospital_warehouse_url``. Docker and Kubernetes mount secrets so.

    The URLs may hold passwords: they are never logged, and never passed between tasks.
    """

    model_config = SettingsConfigDict(env_prefix="HOSPITAL_", frozen=True, hide_input_in_errors=True)

    config: Path = Path("hospital.toml")
    var: Path = Path("var")
    source_url: str | None = Field(None, repr=False)
    warehouse_url: str | None = Field(None, repr=False)
    mlflow_url: str | None = Field(None, repr=False)
    mlflow_pages_url: str | None = None
    """Where a browser finds MLflow's pages, where that is not the tracking server's own address."""
    staging_url: str | None = None
    pages_url: str | None = None
    load_key: SecretStr | None = None
    data_docs_url: str | None = None
    json_logs: bool = False
    """Whether the commands log a JSON object a line; for its own logs Airflow has ``[logging] json_logs``."""
    training_queue: str | None = None
    """The queue of Airflow's executor that trainings wait in; Airflow's default where it is left out."""
    training_gpus: int = 0
    """GPUs that the pod of a training asks for under KubernetesExecutor."""
    training_image: str | None = None
    """The image of that pod, where it is another than that of all tasks."""
    gpu_pool: str = "default_pool"
    """Airflow's pool in which trainings take turns; one of a single slot where there is a single GPU."""
    notice_to: str | None = None
    """Who is mailed when a run fails or a night is late: addresses with commas between."""
    success_notice_to: str | None = None
    """Who is mailed when a run succeeds."""

    @field_validator("staging_url", "pages_url", "data_docs_url", "mlflow_url", "mlflow_pages_url")
    @classmethod
    def _without_password(cls, url: str | None, field: ValidationInfo) -> str | None:
        """Refuse a password in an address that logs and pages name; a database's is never shown."""
        if url and urlsplit(url).password and (field.field_name != "mlflow_url" or url.startswith("http")):
            raise ValueError(
                "this address is shown in logs and must hold no password: MLflow's server takes "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD from the environment, "
                "a store of files its own variables, such as AWS_SECRET_ACCESS_KEY"
            )
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments before the environment before secret files.

        Raises:
            NotADirectoryError: the folder of secrets is not there; the defaults would be other databases.
        """
        folder = os.environ.get("HOSPITAL_SECRETS_DIR")
        if folder and not Path(folder).is_dir():
            raise NotADirectoryError(
                f"HOSPITAL_SECRETS_DIR={folder} is no folder: mount the secrets or unset it"
            )
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_dir=folder or None)

    @property
    def source(self) -> str:
        """SQLAlchemy URL of the hospital's database; it is only read."""
        return self.source_url or self._sqlite("source.db")

    @property
    def warehouse(self) -> str:
        """SQLAlchemy URL of the warehouse."""
        return self.warehouse_url or self._sqlite("warehouse.db")

    @property
    def mlflow(self) -> str:
        """Tracking address: an MLflow server's http(s) URL or a SQLAlchemy URL."""
        return self.mlflow_url or self._sqlite("mlflow.db")

    @property
    def mlflow_pages(self) -> str:
        """Where a browser finds MLflow's pages: those of `make up` where nothing else is known."""
        served = self.mlflow if self.mlflow.startswith("http") else "http://localhost:5000"
        return (self.mlflow_pages_url or served).rstrip("/")

    @property
    def staging(self) -> str:
        """The fsspec URL of the folder that holds the nights' staged files."""
        return self.staging_url or (self.var.absolute() / "staging").as_uri()

    @property
    def pages(self) -> str:
        """The fsspec URL of the folder that holds a page for each site and night."""
        return self.pages_url or (self.var.absolute() / "pages").as_uri()

    @property
    def data_docs(self) -> str:
        """The fsspec URL of the folder that holds the last night's Data Docs."""
        return self.data_docs_url or (self.var.absolute() / "data_docs").as_uri()

    @property
    def artifacts(self) -> str:
        """Where a local MLflow keeps its files."""
        return (self.var.absolute() / "mlflow").as_uri()

    def _sqlite(self, name: str) -> str:
        return f"sqlite:///{self.var.absolute() / name}"
