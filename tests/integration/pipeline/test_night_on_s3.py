"""Files between stages on S3, as workers without a shared disk leave them: the same laws, the same night."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from integration.pipeline.two_hospitals import NIGHT, SITES
from s3 import BUCKET, s3_server

from forecasting import pipeline, warehouse
from forecasting.deployment import Deployment
from forecasting.schema import UNIT
from forecasting.staging import Stage, located, replace_folder

pytestmark = pytest.mark.integration

PROVENANCE = ["dag_run_id", "mlflow_run_id"]


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with s3_server() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield f"s3://{BUCKET}"
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def _units(*names: str) -> pd.DataFrame:
    rows = [
        {"site_id": "north", "unit_id": name, "name": name, "unit_type": "icu", "staffed_beds": 9}
        for name in names
    ]
    return UNIT.conform(pd.DataFrame(rows))


def _files(url: str) -> set[str]:
    filesystem, folder = located(url)
    return {path.removeprefix(f"{folder}/") for path in filesystem.find(folder)}


def test_a_night_staged_on_s3_publishes_what_one_on_a_local_folder_does(
    place: Deployment, published: Deployment, bucket: str
) -> None:
    urls = {name: f"{bucket}/night/{name}" for name in ("staging", "pages", "data_docs")}
    on_s3 = place.model_copy(update={f"{name}_url": url for name, url in urls.items()})
    pipeline.walk(on_s3, NIGHT, SITES, "on_s3", "never")

    for read in (warehouse.forecasts, warehouse.recommendations):
        rows, expected = (read(warehouse.connect(each.warehouse), NIGHT) for each in (on_s3, published))
        ours = [column for column in rows.columns if column not in PROVENANCE]
        pd.testing.assert_frame_equal(rows[ours], expected[ours])
    assert _files(urls["staging"]) == _files(published.staging)
    assert _files(urls["data_docs"]) == _files(published.data_docs)
    assert pipeline.pages(on_s3, NIGHT) == [f"{urls['pages']}/{NIGHT}/{site}.html" for site in SITES]
    for name in urls:
        assert not (place.var / name).exists()


def test_what_another_machine_writes_is_seen_at_once(bucket: str) -> None:
    stage = Stage(f"{bucket}/seen", date(2026, 3, 8), "north")
    stage.write_record("first", {})
    assert not stage.has("verdict.json")
    assert stage.sites() == ["north"]
    other = fsspec.filesystem("s3", skip_instance_cache=True)
    for site_id in ("north", "west"):
        other.pipe_file(f"{BUCKET}/seen/night=2026-03-08/site={site_id}/verdict.json", b'{"state": "clean"}')
    assert stage.has("verdict.json")
    assert stage.read_record("verdict") == {"state": "clean"}
    assert stage.sites() == ["north", "west"]


def test_a_write_that_breaks_off_leaves_the_file_as_it_was_and_nothing_beside_it(bucket: str) -> None:
    stage = Stage(f"{bucket}/broken", date(2026, 3, 8), "north")
    stage.write(UNIT, _units("icu"))

    def broken() -> Iterator[pd.DataFrame]:
        yield _units("ward")
        raise ConnectionError("the source went away")

    with pytest.raises(ConnectionError):
        stage.write_stream(UNIT, broken())
    pd.testing.assert_frame_equal(stage.read(UNIT), _units("icu"))
    assert _files(stage.url) == {"unit.parquet"}


@pytest.mark.parametrize("kind", ["s3", "file"])
def test_a_folder_is_replaced_whole(kind: str, bucket: str, tmp_path: Path) -> None:
    url = f"{bucket}/folder" if kind == "s3" else (tmp_path / "there").as_uri()
    for night in ("first", "second"):
        source = tmp_path / night
        (source / "pages").mkdir(parents=True)
        (source / "index.html").write_text(night)
        (source / "pages" / f"{night}.html").write_text(night)
        replace_folder(url, source)
    assert _files(url) == {"index.html", "pages/second.html"}
    filesystem, folder = located(url)
    assert filesystem.cat_file(f"{folder}/index.html") == b"second"
