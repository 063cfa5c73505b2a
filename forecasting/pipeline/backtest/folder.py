"""The files of one backtest, each whole or absent."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from forecasting.config import Settings
from forecasting.outcome import BacktestRefused
from forecasting.pipeline.backtest.protocol import BacktestProtocol, Part
from forecasting.schema import BACKTEST_FORECAST, OBSERVATION_VERSION, Table


@dataclass(frozen=True)
class BacktestFolder:
    """``var/backtests/<id>``: the question, the observations it is asked of, and what came of it."""

    root: Path

    @property
    def forecasts(self) -> Path:
        """BACKTEST_FORECAST rows of all contenders."""
        return self.root / "forecasts.parquet"

    @property
    def scores(self) -> Path:
        """The scores, as a table."""
        return self.root / "scores.csv"

    @property
    def plots(self) -> Path:
        """The folder of the plots."""
        return self.root / "plots"

    def open(self, protocol: BacktestProtocol, settings: Settings, versions: pd.DataFrame) -> None:
        """Put down what all parts are made from; a folder that was opened before stays as it is."""
        if self._question.exists():
            return
        self._write(self.root / "settings.json", settings.model_dump_json(indent=1).encode())
        self._write_table(self.root / "observations.parquet", OBSERVATION_VERSION, versions)
        self._write(self._question, json.dumps(protocol.as_json(), indent=1).encode())

    @property
    def protocol(self) -> BacktestProtocol:
        """What was asked.

        Raises:
            BacktestRefused: no backtest was opened here.
        """
        try:
            return BacktestProtocol.from_json(json.loads(self._question.read_text()))
        except FileNotFoundError:
            raise BacktestRefused(f"there is no backtest {self.root.name} in {self.root.parent}") from None

    @property
    def settings(self) -> Settings:
        """The configuration as it was when the backtest was opened."""
        return Settings.model_validate_json((self.root / "settings.json").read_bytes())

    @property
    def versions(self) -> pd.DataFrame:
        """OBSERVATION_VERSION rows."""
        return self._read_table(self.root / "observations.parquet", OBSERVATION_VERSION)

    def has(self, part: Part) -> bool:
        """Whether the part was forecast."""
        return self._part(part).exists()

    def write_part(self, part: Part, forecast: pd.DataFrame) -> None:
        """Put down BACKTEST_FORECAST rows of a part."""
        self._write_table(self._part(part), BACKTEST_FORECAST, forecast)

    def read_part(self, part: Part) -> pd.DataFrame:
        """BACKTEST_FORECAST rows of a part."""
        return self._read_table(self._part(part), BACKTEST_FORECAST)

    def join_parts(self) -> None:
        """Put all parts below one another into :attr:`forecasts`, one at a time in memory."""
        with (
            self._placed(self.forecasts) as place,
            pq.ParquetWriter(place, BACKTEST_FORECAST.columns, compression="zstd") as writer,
        ):
            for part in self.protocol.parts:
                writer.write_table(pq.read_table(self._part(part), schema=BACKTEST_FORECAST.columns))

    def read_forecasts(self) -> pd.DataFrame:
        """BACKTEST_FORECAST rows of all contenders."""
        return self._read_table(self.forecasts, BACKTEST_FORECAST)

    def write_scores(self, scores: pd.DataFrame) -> None:
        """Put down the scores, as a table to read and with types beside it."""
        self._write(self.scores, scores.to_csv(index=False).encode())
        with self._placed(self.scores.with_suffix(".parquet")) as place:
            scores.to_parquet(place, index=False)

    def read_scores(self) -> pd.DataFrame:
        """The scores."""
        return pd.read_parquet(self.scores.with_suffix(".parquet"))

    def scratch(self, part: Part) -> Path:
        """A folder for files that the part's fit needs while it lasts."""
        return self.root / "scratch" / part.target.value / part.contender.name / str(part.nights[0])

    @property
    def _question(self) -> Path:
        return self.root / "backtest.json"

    def _part(self, part: Part) -> Path:
        name = f"{part.nights[0]}.parquet"
        return self.root / "parts" / part.target.value / part.contender.name.replace(" ", "_") / name

    def _write_table(self, path: Path, table: Table, frame: pd.DataFrame) -> None:
        content = pa.Table.from_pandas(table.conform(frame), schema=table.columns, preserve_index=False)
        with self._placed(path) as place:
            pq.write_table(content, place, compression="zstd")

    def _read_table(self, path: Path, table: Table) -> pd.DataFrame:
        frame: pd.DataFrame = pq.read_table(path, schema=table.columns).to_pandas()
        return frame

    def _write(self, path: Path, content: bytes) -> None:
        with self._placed(path) as place:
            place.write_bytes(content)

    @contextmanager
    def _placed(self, path: Path) -> Iterator[Path]:
        """A path to write to; what is there takes its place when this ends well."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            yield unfinished
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
