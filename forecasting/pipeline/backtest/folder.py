"""The files of one backtest, each whole or absent."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from forecasting.config import Settings
from forecasting.outcome import BacktestRefused
from forecasting.pipeline.backtest.protocol import BacktestProtocol, Contender, Part
from forecasting.schema import BACKTEST_FORECAST, OBSERVATION_VERSION, WEATHER, Table, Target
from forecasting.staging import Stage, placed, write_frames

if TYPE_CHECKING:
    from forecasting.models.tft.interpretation import Interpretation

INTERPRETED = ("variables", "attention")


@dataclass(frozen=True)
class Scores:
    """What scoring finds, of all targets."""

    table: pd.DataFrame
    """See :func:`forecasting.pipeline.backtest.tally.scores_of`."""
    calibration: pd.DataFrame
    """See :func:`forecasting.pipeline.backtest.tally.calibration_of`."""
    voices: pd.DataFrame
    """Who spoke of which series: target, model, site_id, unit_id, note, issue_times, hours."""


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

    def open(
        self,
        protocol: BacktestProtocol,
        settings: Settings,
        versions: pd.DataFrame,
        weather: pd.DataFrame | None = None,
    ) -> None:
        """Put down what all parts are made from; a folder that was opened before stays as it is."""
        if self._question.exists():
            return
        self._write(self.root / "settings.json", settings.model_dump_json(indent=1).encode())
        self._write_table(self.root / "observations.parquet", OBSERVATION_VERSION, [versions])
        if weather is not None:
            self._write_table(self._weather, WEATHER, [weather])
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

    @property
    def weather(self) -> pd.DataFrame | None:
        """WEATHER rows; None where none was configured."""
        return self._read_table(self._weather, WEATHER) if self._weather.exists() else None

    def has(self, part: Part) -> bool:
        """Whether the part was forecast."""
        return self._part(part).exists()

    def write_part(self, part: Part, forecast: pd.DataFrame) -> None:
        """Put down BACKTEST_FORECAST rows of a part, an issue time at a time."""
        self._write_table(
            self._part(part), BACKTEST_FORECAST, (rows for _, rows in forecast.groupby("issued_at"))
        )

    def write_interpretation(self, part: Part, told: Interpretation) -> None:
        """Put down what the part's model looks at; before the part, which is whole once it is there."""
        for name in INTERPRETED:
            with placed(str(self._interpreted(part, name))) as sink:
                getattr(told, name).to_parquet(sink, index=False)

    def read_interpretation(self, target: Target, contender: Contender, name: str) -> pd.DataFrame:
        """Of :class:`~forecasting.models.tft.interpretation.Interpretation` the table ``name``, of all parts.

        No rows and no columns where none of them was interpreted.
        """
        parts = [part for part in self.protocol.parts if (part.target, part.contender) == (target, contender)]
        paths = [path for part in parts if (path := self._interpreted(part, name)).exists()]
        return pd.concat([pd.DataFrame(), *map(pd.read_parquet, paths)], ignore_index=True)

    def read_night(self, target: Target, night: date, contender: Contender | None = None) -> pd.DataFrame:
        """BACKTEST_FORECAST rows of one issue time, of all contenders or of one."""
        asked = [("issued_at", "==", pd.Timestamp(self.settings.issued_at(night)))]
        parts = [
            part
            for part in self.protocol.parts
            if part.target is target and night in part.nights and contender in (None, part.contender)
        ]
        tables = [
            pq.read_table(self._part(part), schema=BACKTEST_FORECAST.columns, filters=asked) for part in parts
        ]
        frame: pd.DataFrame = pa.concat_tables(tables).to_pandas()
        return frame

    def join_parts(self) -> None:
        """Put all parts below one another into :attr:`forecasts`, an issue time at a time in memory."""
        with (
            placed(str(self.forecasts)) as sink,
            pq.ParquetWriter(sink, BACKTEST_FORECAST.columns, compression="zstd") as writer,
        ):
            for part in self.protocol.parts:
                with pq.ParquetFile(self._part(part)) as file:
                    for number in range(file.num_row_groups):
                        writer.write_table(file.read_row_group(number))

    def write_scores(self, scores: Scores) -> None:
        """Put down the scores: those of all as a table to read too."""
        self._write(self.scores, scores.table.to_csv(index=False).encode())
        for field in fields(Scores):
            with placed(str(self._scored(field.name))) as sink:
                getattr(scores, field.name).to_parquet(sink, index=False)

    def read_scores(self) -> Scores:
        """The scores."""
        return Scores(**{field.name: pd.read_parquet(self._scored(field.name)) for field in fields(Scores)})

    def flows(self, night: date, site_id: str) -> Stage:
        """Where the flow of patients lies as it was known at a night's issue time."""
        return Stage((self.root / "flows").as_uri(), night, site_id)

    def scratch(self, part: Part) -> Path:
        """A folder for files that the part's fit needs while it lasts."""
        return self.root / "scratch" / part.target.value / part.contender.name / str(part.nights[0])

    def _scored(self, name: str) -> Path:
        return self.root / "scores" / f"{name}.parquet"

    @property
    def _weather(self) -> Path:
        return self.root / "weather.parquet"

    @property
    def _question(self) -> Path:
        return self.root / "backtest.json"

    def _part(self, part: Part) -> Path:
        return self._of_part("parts", part) / f"{part.nights[0]}.parquet"

    def _interpreted(self, part: Part, name: str) -> Path:
        return self._of_part("interpretations", part) / f"{part.nights[0]}_{name}.parquet"

    def _of_part(self, kind: str, part: Part) -> Path:
        return self.root / kind / part.target.value / part.contender.name.replace(" ", "_")

    def _write_table(self, path: Path, table: Table, frames: Iterable[pd.DataFrame]) -> None:
        write_frames(str(path), table, frames, compression="zstd")

    def _read_table(self, path: Path, table: Table) -> pd.DataFrame:
        frame: pd.DataFrame = pq.read_table(path, schema=table.columns).to_pandas()
        return frame

    def _write(self, path: Path, content: bytes) -> None:
        with placed(str(path)) as sink:
            sink.write(content)
