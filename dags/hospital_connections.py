"""Where the hospital's databases are: Airflow Connections if they are defined, else the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from forecasting.deployment import Deployment

DRIVERS = {"postgres": "postgresql+psycopg", "sqlite": "sqlite"}


def deployment() -> Deployment:
    """This installation, with ``hospital_source`` and ``hospital_warehouse`` taken from Airflow."""
    from forecasting.deployment import Deployment

    found = {"source_url": _url("hospital_source"), "warehouse_url": _url("hospital_warehouse")}
    return Deployment().model_copy(update={name: url for name, url in found.items() if url is not None})


def environment() -> dict[str, str]:
    """The same for a process of its own, as environment variables."""
    place = deployment()
    paths = {"config": place.config.absolute(), "var": place.var.absolute()}
    # The load's key is not taken from Airflow: it is in the environment already, and would be masked here.
    values = {**place.model_dump(exclude_none=True, exclude={"load_key"}), **paths}
    return {f"HOSPITAL_{name.upper()}": str(value) for name, value in values.items()}


def _url(conn_id: str) -> str | None:
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException, AirflowRuntimeError

    try:
        connection = Connection.get(conn_id)
    except (AirflowNotFoundException, AirflowRuntimeError):
        return None
    return sqlalchemy_url(connection)


def sqlalchemy_url(connection: Connection) -> str:
    """The connection as a SQLAlchemy URL; its extra fields become the URL's query."""
    import sqlalchemy as sa

    kind = connection.conn_type or "of no type"
    if kind == "sqlite":
        return f"sqlite:///{connection.host}"
    return sa.URL.create(
        DRIVERS.get(kind, kind),
        username=connection.login,
        password=connection.password,
        host=connection.host,
        port=connection.port,
        database=connection.schema,
        query={key: str(value) for key, value in connection.extra_dejson.items()},
    ).render_as_string(hide_password=False)
