"""Where things are on this installation: addresses and secrets, from the environment alone.

On one machine everything defaults to SQLite and local files under ``var/``.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Deployment(BaseSettings):
    """Addresses of one installation; every field is an environment variable ``HOSPITAL_<FIELD>``.

    The URLs may hold passwords: they are never logged, and never passed between tasks.
    """

    model_config = SettingsConfigDict(env_prefix="HOSPITAL_", frozen=True)

    config: Path = Path("hospital.toml")
    var: Path = Path("var")
    source_url: str | None = Field(None, repr=False)
    warehouse_url: str | None = Field(None, repr=False)
    mlflow_url: str | None = Field(None, repr=False)
    staging_url: str | None = None
    pages_url: str | None = None
    gpu_pool: str = "default_pool"
    """Airflow's pool in which trainings take turns; one of a single slot where there is a single GPU."""
    notice_to: str | None = None
    """Who is mailed when a run fails or a night is late: addresses with commas between."""
    success_notice_to: str | None = None
    """Who is mailed when a run succeeds."""

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
    def staging(self) -> str:
        """The fsspec URL of the folder that holds the nights' staged files."""
        return self.staging_url or (self.var.absolute() / "staging").as_uri()

    @property
    def pages(self) -> str:
        """The fsspec URL of the folder that holds a page for each site and night."""
        return self.pages_url or (self.var.absolute() / "pages").as_uri()

    @property
    def artifacts(self) -> str:
        """Where a local MLflow keeps its files."""
        return (self.var.absolute() / "mlflow").as_uri()

    def _sqlite(self, name: str) -> str:
        return f"sqlite:///{self.var.absolute() / name}"
