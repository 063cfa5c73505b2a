"""The truth behind a simulated source: a Parquet file that the pipeline never reads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from forecasting.simulate.hospital import Hospital

TRUTH = pa.schema(
    {
        "site_id": pa.string(),
        "unit_id": pa.string(),
        "valid_at": pa.timestamp("us", tz="UTC"),
        "expected_rate": pa.float64(),
        "drawn_rate": pa.float64(),
        "temperature": pa.float64(),
        "precipitation": pa.float64(),
    }
)


class TruthFile:
    """A Parquet file of truths, one row group a site; it appears when the last is written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(f"{path.name}.partial")

    def __enter__(self) -> TruthFile:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(self._partial, TRUTH)
        return self

    def write(self, hospital: Hospital) -> None:
        """Add a hospital's truth."""
        self._writer.write_table(pa.Table.from_pandas(hospital.truth, schema=TRUTH, preserve_index=False))

    def __exit__(self, error: object, *_: object) -> None:
        self._writer.close()
        if error is None:
            self._partial.replace(self._path)
        else:
            self._partial.unlink()


def write_truth(hospitals: Hospital | Iterable[Hospital], path: Path) -> None:
    """Write the hourly rates that arrivals were drawn from, and the weather; see :class:`Hospital`."""
    with TruthFile(path) as truth:
        for hospital in [hospitals] if isinstance(hospitals, Hospital) else hospitals:
            truth.write(hospital)
