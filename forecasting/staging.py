"""Files that one stage leaves for the next, by night and site, on any fsspec address.

Tasks pass keys, never frames: ``Stage(root, night, site_id)`` is the key, a table's name the file. A file
appears whole or not at all. Several machines may write the same place at once.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from forecasting.schema import Table

_IS_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class StagedFileMissing(FileNotFoundError):
    """A stage asked for a file that the stage before it did not leave."""


def located(url: str) -> tuple[Any, str]:
    """The file system of an fsspec address, and the path on it.

    It looks anew each time: others write there too, and s3fs would remember what a folder held.
    """
    filesystem, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
    return filesystem, path


@contextmanager
def placed(url: str) -> Iterator[BinaryIO]:
    """A file to write, whole in its place when this ends well, else absent or as it was.

    Several processes may write the same one; what the last of them wrote stays.
    """
    filesystem, path = located(url)
    folder, _, name = path.rpartition("/")
    filesystem.makedirs(folder, exist_ok=True)
    # What breaks off is closed, and an object store publishes what is closed: hence another name there too.
    unfinished = f"{folder}/.{name}.{uuid.uuid4().hex}"
    try:
        with filesystem.open(unfinished, "wb") as sink:
            yield sink
    except BaseException:
        if filesystem.exists(unfinished):
            filesystem.rm(unfinished)
        raise
    filesystem.mv(unfinished, path)


def replace_folder(url: str, source: Path) -> None:
    """Make the folder at ``url`` hold the files of the local ``source``, each whole, and no others."""
    filesystem, folder = located(url)
    wanted = {file.relative_to(source).as_posix() for file in source.rglob("*") if file.is_file()}
    for name in sorted(wanted, reverse=True):
        with placed(f"{url.rstrip('/')}/{name}") as sink:
            sink.write((source / name).read_bytes())
    for path in filesystem.find(folder) if filesystem.exists(folder) else []:
        if path.removeprefix(f"{folder}/") not in wanted:
            filesystem.rm(path)


def write_frames(url: str, table: Table, frames: Iterable[pd.DataFrame], compression: str = "snappy") -> int:
    """Write frames one after the other into one Parquet file, each a row group, holding one at a time.

    Rows are in order, and no key repeats, within each frame.

    Returns:
        How many rows.
    """
    rows = 0
    with placed(url) as sink, pq.ParquetWriter(sink, table.columns, compression=compression) as writer:
        for frame in frames:
            conformed = table.conform(frame)
            writer.write_table(pa.Table.from_pandas(conformed, schema=table.columns, preserve_index=False))
            rows += len(conformed)
    return rows


@dataclass(frozen=True)
class Stage:
    """The folder of one night, and of one site in it (``group`` where it belongs to no single site)."""

    root: str
    night: date
    site_id: str = "group"

    @property
    def url(self) -> str:
        """The folder's fsspec address, Hive-partitioned so that any Parquet reader finds its way."""
        return f"{self.root.rstrip('/')}/night={self.night.isoformat()}/site={self.site_id}"

    def write(self, table: Table, frame: pd.DataFrame, name: str | None = None) -> None:
        """Write the frame as this table's file, replacing an earlier one."""
        self.write_stream(table, [frame], name)

    def write_stream(self, table: Table, frames: Iterable[pd.DataFrame], name: str | None = None) -> int:
        """Write frames one after the other into this table's file, holding one of them at a time.

        The file replaces an earlier one when the last frame is in it, and not before. Rows are in order, and
        no key repeats, within each frame.

        Returns:
            How many rows.
        """
        return write_frames(f"{self.url}/{name or table.name}.parquet", table, frames)

    def read(self, table: Table, name: str | None = None) -> pd.DataFrame:
        """Read this table's file.

        Raises:
            StagedFileMissing: the stage before has not run.
        """
        content = self._get(f"{name or table.name}.parquet")
        frame: pd.DataFrame = pq.read_table(pa.BufferReader(content), schema=table.columns).to_pandas()
        return frame

    def write_record(self, name: str, record: Any) -> None:
        """Write a small JSON record."""
        self._put(f"{name}.json", json.dumps(record, indent=1, default=str).encode())

    def read_record(self, name: str) -> Any:
        """Read a JSON record.

        Raises:
            StagedFileMissing: it was never written.
        """
        return json.loads(self._get(f"{name}.json"))

    def has(self, file: str) -> bool:
        """Whether the file of that name, suffix included, is there."""
        filesystem, folder = located(self.url)
        return bool(filesystem.exists(f"{folder}/{file}"))

    def remove(self, file: str) -> None:
        """Remove the file of that name, suffix included, if it is there."""
        filesystem, folder = located(self.url)
        if filesystem.exists(f"{folder}/{file}"):
            filesystem.rm(f"{folder}/{file}")

    def sites(self) -> list[str]:
        """The sites that staged anything for this night, in order."""
        filesystem, folder = located(f"{self.root.rstrip('/')}/night={self.night.isoformat()}")
        if not filesystem.exists(folder):
            return []
        names = [path.rstrip("/").rpartition("site=")[2] for path in filesystem.ls(folder, detail=False)]
        return sorted(name for name in names if name != "group")

    def _put(self, file: str, content: bytes) -> None:
        with placed(f"{self.url}/{file}") as sink:
            sink.write(content)

    def _get(self, file: str) -> bytes:
        filesystem, folder = located(self.url)
        try:
            content: bytes = filesystem.cat_file(f"{folder}/{file}")
        except FileNotFoundError:
            raise StagedFileMissing(
                f"{self.url}/{file} is missing: run the stage before this one for that night and site again"
            ) from None
        return content


def nights_under(root: str, prefix: str = "") -> list[date]:
    """The nights that have a folder of their own there, named by the prefix and the date, in order."""
    filesystem, folder = located(root)
    if not filesystem.exists(folder):
        return []
    names = (path.rstrip("/").rpartition("/")[2] for path in filesystem.ls(folder, detail=False))
    dates = (name.removeprefix(prefix) for name in names if name.startswith(prefix))
    return sorted(date.fromisoformat(name) for name in dates if _IS_DATE.fullmatch(name))


def nights_that_left(root: str, file: str) -> list[date]:
    """The nights whose group folder holds the file of that name, in order."""
    return [night for night in nights_under(root, "night=") if Stage(root, night).has(file)]


def remove_folder(root: str, name: str) -> None:
    """Remove the folder of that name under an fsspec address, and all that it holds."""
    filesystem, folder = located(f"{root.rstrip('/')}/{name}")
    filesystem.rm(folder, recursive=True)


def digest(frames: Mapping[str, pd.DataFrame]) -> str:
    """A fingerprint of the frames' names and values: equal content, equal digest."""
    total = hashlib.sha256()
    for name in sorted(frames):
        frame = frames[name]
        total.update(f"{name}:{','.join(frame.columns)}:{len(frame)}".encode())
        total.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return total.hexdigest()[:16]
