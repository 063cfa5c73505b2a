from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOSPITAL_SOURCE_URL", "HOSPITAL_WAREHOUSE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_an_airflow_connection_becomes_a_sqlalchemy_url(monkeypatch: pytest.MonkeyPatch) -> None:
    from hospital_connections import deployment

    monkeypatch.setenv(
        "AIRFLOW_CONN_HOSPITAL_SOURCE", "postgres://reader:p%40ss@db.local:5433/adt?sslmode=require"
    )
    url = sa.make_url(deployment().source)
    assert (url.drivername, url.username, url.password) == ("postgresql+psycopg", "reader", "p@ss")
    assert (url.host, url.port, url.database) == ("db.local", 5433, "adt")
    assert url.query == {"sslmode": "require"}


def test_a_connection_that_is_not_defined_leaves_the_embedded_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from hospital_connections import deployment, environment

    monkeypatch.setenv("HOSPITAL_VAR", str(tmp_path))
    assert deployment().warehouse == f"sqlite:///{tmp_path / 'warehouse.db'}"
    assert environment()["HOSPITAL_VAR"] == str(tmp_path)


def test_an_address_never_shows_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    from hospital_connections import deployment

    monkeypatch.setenv("AIRFLOW_CONN_HOSPITAL_SOURCE", "postgres://reader:hunter2@db.local/adt")
    assert "hunter2" not in repr(deployment())
