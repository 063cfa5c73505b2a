from pathlib import Path

import pytest

from forecasting.warehouse import WarehouseError, connect

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "url",
    [
        "mysql+pymysql://planner:secret@db/warehouse",
        "oracle://planner:secret@db/warehouse",
        "nonsense://planner:secret@db/warehouse",
        "planner:secret@db/warehouse",
        "",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(WarehouseError) as refusal:
        connect(url)
    assert "secret" not in str(refusal.value)


def test_the_folder_of_a_sqlite_warehouse_is_made(tmp_path: Path) -> None:
    with connect(f"sqlite:///{tmp_path / 'var' / 'deep' / 'warehouse.db'}").connect():
        pass
    assert (tmp_path / "var" / "deep" / "warehouse.db").exists()
