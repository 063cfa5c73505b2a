"""What becomes of a task that failed, by the kind of its error."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from airflow.sdk import RetryAction, RetryDecision
from integration.warehouse.a_night import night_row

from forecasting import extract, warehouse
from forecasting.config import ConfigError
from forecasting.extract.source import reading
from forecasting.outcome import NightIncomplete, NightNotCome, SiteBlocked, SourceLost
from forecasting.schema import SchemaError

pytestmark = pytest.mark.integration


def _decided(error: Exception, try_number: int = 1) -> RetryDecision:
    from hospital_retries import RETRIES, ByKindOfError

    policy = RETRIES["retry_policy"]
    assert isinstance(policy, ByKindOfError)
    return policy.evaluate(error, try_number=try_number, max_tries=5)


@pytest.mark.parametrize("kind", [SiteBlocked, ConfigError, SchemaError, NightIncomplete, NightNotCome])
def test_what_is_broken_is_not_tried_again(kind: type[Exception]) -> None:
    decided = _decided(kind("mend it"))
    assert decided.action is RetryAction.FAIL
    assert decided.reason == "trying again changes nothing until someone mends it"


def test_a_lost_source_is_waited_for_twice_as_long_each_time() -> None:
    delays = [_decided(SourceLost("gone"), number).retry_delay for number in range(1, 8)]
    minutes = [delay / timedelta(minutes=1) for delay in delays if delay is not None]
    assert minutes == [0.5, 1, 2, 4, 8, 10, 10]


def test_any_other_error_is_tried_three_times() -> None:
    actions = [_decided(ZeroDivisionError("ours"), number).action for number in (1, 2, 3)]
    assert actions == [RetryAction.DEFAULT, RetryAction.DEFAULT, RetryAction.FAIL]


def test_a_warehouse_that_went_away_is_lost(postgres_url: str) -> None:
    engine = warehouse.connect(postgres_url)
    warehouse.migrate(engine)
    gone = sa.make_url(postgres_url).set(query={"host": "/nowhere"})
    with pytest.raises(warehouse.WarehouseLost) as unreachable:
        warehouse.last_published(warehouse.connect(gone.render_as_string(hide_password=False)), ["north"])
    assert _decided(unreachable.value).action is RetryAction.RETRY


def test_a_warehouse_without_its_tables_is_broken_not_lost(database_url: str) -> None:
    with pytest.raises(warehouse.WarehouseError) as broken:
        warehouse.last_published(warehouse.connect(database_url), ["north"])
    assert not isinstance(broken.value, ConnectionError)


def test_a_locked_warehouse_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecasting.warehouse.engine.WAIT_SECONDS", 0)
    url = f"sqlite:///{tmp_path / 'warehouse.db'}"
    warehouse.migrate(warehouse.connect(url))
    holder = sa.create_engine(url, isolation_level="AUTOCOMMIT").connect()
    holder.exec_driver_sql("BEGIN IMMEDIATE")
    with pytest.raises(warehouse.WarehouseLost, match="locked"):
        warehouse.open_night(warehouse.connect(url), night_row())
    holder.exec_driver_sql("ROLLBACK")
    holder.close()


def test_a_source_too_slow_to_answer_is_unreachable(postgres_url: str) -> None:
    engine = extract.connect(postgres_url, timeout_seconds=1)
    with pytest.raises(extract.SourceUnreachable, match="statement timeout"), reading(engine) as asked:
        asked.execute(sa.text("SELECT pg_sleep(5)"))
