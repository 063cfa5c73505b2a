from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from forecasting.schema import OBSERVATION
from forecasting.staging import Stage, StagedFileMissing, digest

pytestmark = pytest.mark.unit

NIGHT = date(2026, 3, 8)


def _hours(*values: float | None) -> pd.DataFrame:
    return OBSERVATION.conform(
        pd.DataFrame(
            {
                "site_id": "north",
                "unit_id": "ed",
                "target": "ed_arrivals",
                "valid_at": pd.date_range("2026-03-08", periods=len(values), freq="h", tz="UTC"),
                "value": values,
            }
        )
    )


@pytest.fixture(params=["file", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder on disk, and one on another fsspec file system."""
    return tmp_path.as_uri() if request.param == "file" else f"memory://{tmp_path.name}"


def test_a_frame_comes_back_as_it_was_left(root: str) -> None:
    stage = Stage(root, NIGHT, "north")
    stage.write(OBSERVATION, _hours(1, None, 0))
    pd.testing.assert_frame_equal(stage.read(OBSERVATION), _hours(1, None, 0))


def test_sites_and_nights_do_not_mix(root: str) -> None:
    Stage(root, NIGHT, "north").write(OBSERVATION, _hours(1))
    Stage(root, NIGHT).write_record("training", "failed")
    with pytest.raises(StagedFileMissing, match=r"site=west/observation.parquet is missing: run the stage"):
        Stage(root, NIGHT, "west").read(OBSERVATION)
    assert Stage(root, NIGHT).sites() == ["north"]
    assert Stage(root, date(2026, 3, 9)).sites() == []


def test_writing_again_replaces_and_leaves_no_rest(root: str) -> None:
    stage = Stage(root, NIGHT, "north")
    for values in ((1, 2, 3), (4,)):
        stage.write(OBSERVATION, _hours(*values))
    assert stage.read(OBSERVATION)["value"].tolist() == [4]


def test_a_stream_of_frames_is_one_file_in_their_order(root: str) -> None:
    stage = Stage(root, NIGHT, "north")
    west = _hours(5, 6).assign(unit_id="icu")
    assert stage.write_stream(OBSERVATION, iter([west, _hours(1, None)])) == 4
    pd.testing.assert_frame_equal(
        stage.read(OBSERVATION), pd.concat([west, _hours(1, None)], ignore_index=True)
    )


def test_a_stream_that_breaks_off_leaves_the_file_as_it_was(root: str) -> None:
    stage = Stage(root, NIGHT, "north")
    stage.write(OBSERVATION, _hours(4))

    def broken() -> Iterator[pd.DataFrame]:
        yield _hours(1)
        raise ConnectionError("the source went away")

    with pytest.raises(ConnectionError):
        stage.write_stream(OBSERVATION, broken())
    assert stage.read(OBSERVATION)["value"].tolist() == [4]


def test_no_frame_at_all_is_an_empty_table(root: str) -> None:
    stage = Stage(root, NIGHT, "north")
    assert stage.write_stream(OBSERVATION, []) == 0
    pd.testing.assert_frame_equal(stage.read(OBSERVATION), OBSERVATION.empty())


def test_a_record_comes_back(root: str) -> None:
    stage = Stage(root, NIGHT, "north")
    assert not stage.has("verdict.json")
    stage.write_record("verdict", {"state": "clean", "on": NIGHT})
    assert stage.has("verdict.json")
    assert stage.read_record("verdict") == {"state": "clean", "on": "2026-03-08"}


def test_any_parquet_reader_finds_night_and_site(tmp_path: Path) -> None:
    Stage(tmp_path.as_uri(), NIGHT, "north").write(OBSERVATION, _hours(1))
    assert (tmp_path / "night=2026-03-08" / "site=north" / "observation.parquet").exists()


def test_the_digest_tells_content_apart_and_nothing_else() -> None:
    same = digest({"a": _hours(1, None), "b": _hours(2)})
    assert same == digest({"b": _hours(2), "a": _hours(1, None)})
    assert same != digest({"a": _hours(1, 0), "b": _hours(2)})
    assert same != digest({"a": _hours(2), "b": _hours(1, None)})
