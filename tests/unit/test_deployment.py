from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from forecasting.deployment import Deployment

pytestmark = pytest.mark.unit

WAREHOUSE = "postgresql+psycopg://pipeline:open-sesame@db/warehouse"


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of secrets as Docker mounts it; nothing else says where things are."""
    monkeypatch.setenv("HOSPITAL_SECRETS_DIR", str(tmp_path))
    for name in ("WAREHOUSE_URL", "SOURCE_URL", "STAGING_URL"):
        monkeypatch.delenv(f"HOSPITAL_{name}", raising=False)
    return tmp_path


def test_an_address_is_read_from_its_secret_file(secrets: Path) -> None:
    (secrets / "hospital_warehouse_url").write_text(f"{WAREHOUSE}\n")
    (secrets / "airflow_fernet_key").write_text("of somebody else")
    assert Deployment().warehouse == WAREHOUSE
    assert Deployment().source.startswith("sqlite:///")


def test_the_environment_says_more_than_a_file(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (secrets / "hospital_staging_url").write_text("s3://old/staging")
    monkeypatch.setenv("HOSPITAL_STAGING_URL", "s3://new/staging")
    assert Deployment().staging == "s3://new/staging"


def test_a_folder_of_secrets_that_is_not_mounted_is_no_demo(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOSPITAL_SECRETS_DIR", str(secrets / "gone"))
    with pytest.raises(NotADirectoryError, match=r"HOSPITAL_SECRETS_DIR=.*gone is no folder: mount"):
        Deployment()


def test_a_secret_is_not_shown(secrets: Path) -> None:
    (secrets / "hospital_warehouse_url").write_text(WAREHOUSE)
    assert "sesame" not in repr(Deployment())


def test_people_are_led_to_mlflow_where_it_has_pages(tmp_path: Path) -> None:
    assert Deployment(var=tmp_path).mlflow_pages == "http://localhost:5000"
    place = Deployment(mlflow_url="https://mlflow.hospital:8443/tracking/")
    assert place.mlflow_pages == "https://mlflow.hospital:8443/tracking"
    elsewhere = place.model_copy(update={"mlflow_pages_url": "https://pages.hospital"})
    assert elsewhere.mlflow_pages == "https://pages.hospital"


@pytest.mark.parametrize("field", ["staging_url", "pages_url", "data_docs_url", "mlflow_url"])
def test_an_address_that_logs_name_holds_no_password(field: str, secrets: Path) -> None:
    with pytest.raises(ValidationError, match="must hold no password") as refused:
        Deployment.model_validate({field: "https://user:open-sesame@store/here"})
    assert "sesame" not in str(refused.value)


def test_a_database_of_mlflow_may_have_its_password(secrets: Path) -> None:
    assert Deployment(mlflow_url=WAREHOUSE).mlflow == WAREHOUSE
    assert "sesame" not in repr(Deployment(mlflow_url=WAREHOUSE))


def test_all_lies_under_one_folder_unless_said_otherwise(tmp_path: Path) -> None:
    place = Deployment(var=tmp_path)
    for url in (place.staging, place.pages, place.data_docs, place.artifacts):
        assert url.startswith(tmp_path.as_uri())
