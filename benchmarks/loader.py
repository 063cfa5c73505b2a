"""How fast training windows come: pytorch-forecasting's own DataLoader beside the window loader.

Both read one ``TimeSeriesDataSet`` of hourly beds: 168 hours in, 24 out, batches of 128. The stock loader
runs in the training's process and with two worker processes, the window loader on one thread and on two; the
better of each is compared. A batch of the same windows must be equal, or nothing is measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import torch
from pytorch_forecasting import GroupNormalizer, TimeSeriesDataSet
from rich.console import Console
from rich.table import Table

from forecasting.models.tft.windows.loader import WindowLoader
from forecasting.models.tft.windows.table import WindowTable

BAR = 40.0
CORES = 2
SERIES = 40
HOURS = 365 * 24
ENCODER_HOURS, DECODER_HOURS = 168, 24
BATCH = 128
STOCK_BATCHES = 60
ROUNDS = 3


@dataclass(frozen=True)
class Speeds:
    """Windows a second of each loader, the best of a few rounds, and what the table took."""

    stock: float
    stock_two_workers: float
    one_thread: float
    two_threads: float
    windows: int
    rows: int
    table_mib: float
    table_seconds: float

    @property
    def ratio(self) -> float:
        """The better of the window loader's over the better of the stock loader's."""
        return max(self.one_thread, self.two_threads) / self.best_stock

    @property
    def best_stock(self) -> float:
        """Windows a second of the stock loader, in this process or with workers."""
        return max(self.stock, self.stock_two_workers)


def hourly_beds() -> pd.DataFrame:
    """A year of hourly census of beds with the hour's calendar, weather and flow."""
    random = np.random.default_rng(3)
    hour = np.arange(HOURS)
    day, week = 2 * np.pi * hour / 24, 2 * np.pi * hour / 168
    shared = pd.DataFrame(
        {
            "hour": hour,
            "day_sin": np.sin(day),
            "day_cos": np.cos(day),
            "week_sin": np.sin(week),
            "week_cos": np.cos(week),
            "temperature": 10 + 8 * np.sin(hour / HOURS * 2 * np.pi) + random.normal(0, 3, HOURS),
            "rain": random.gamma(0.3, 2.0, HOURS),
            "weekday": (hour // 24 % 7).astype(str),
            "holiday": random.choice(["none", "holiday"], HOURS, p=[0.97, 0.03]),
        }
    )
    return pd.concat(
        [
            shared.assign(
                unit=f"unit {number}",
                census=random.poisson(20 + number + 4 * np.sin(day)).astype(float),
                admitted=random.poisson(2, HOURS).astype(float),
                discharged=random.poisson(2, HOURS).astype(float),
                waiting=random.poisson(5, HOURS).astype(float),
            )
            for number in range(SERIES)
        ],
        ignore_index=True,
    )


def dataset_of(frame: pd.DataFrame) -> TimeSeriesDataSet:
    """The data set that both loaders read."""
    return TimeSeriesDataSet(
        frame,
        time_idx="hour",
        target="census",
        group_ids=["unit"],
        max_encoder_length=ENCODER_HOURS,
        max_prediction_length=DECODER_HOURS,
        static_categoricals=["unit"],
        time_varying_known_categoricals=["weekday", "holiday"],
        time_varying_known_reals=["day_sin", "day_cos", "week_sin", "week_cos", "temperature", "rain"],
        time_varying_unknown_reals=["census", "admitted", "discharged", "waiting"],
        target_normalizer=GroupNormalizer(groups=["unit"]),
        add_relative_time_idx=True,
    )


def measure() -> Speeds:
    """Build the data set and run both loaders on it, turn about.

    Raises:
        AssertionError: the loaders' batches differ.
    """
    dataset = dataset_of(hourly_beds())
    began = time.perf_counter()
    table = WindowTable.of(dataset)
    seconds = time.perf_counter() - began
    which = np.random.default_rng(0).choice(len(table), BATCH, replace=False)
    stock_batch = dataset._collate_fn([dataset[int(number)] for number in which])
    torch.testing.assert_close(table.batch(torch.from_numpy(which)), stock_batch, rtol=0, atol=0)

    stock = dataset.to_dataloader(train=True, batch_size=BATCH)
    workers = dataset.to_dataloader(train=True, batch_size=BATCH, num_workers=CORES, persistent_workers=True)
    ours = WindowLoader(table, BATCH)
    rounds = [
        {
            "stock": windows_per_second(stock, 1, STOCK_BATCHES),
            "stock_two_workers": windows_per_second(workers, 1, STOCK_BATCHES),
            "one_thread": windows_per_second(ours, 1),
            "two_threads": windows_per_second(ours, CORES),
        }
        for _ in range(ROUNDS)
    ]
    return Speeds(
        **{name: max(speeds[name] for speeds in rounds) for name in rounds[0]},
        windows=len(table),
        rows=len(table.grid.reals),
        table_mib=table.nbytes / 2**20,
        table_seconds=seconds,
    )


def windows_per_second(loader: Iterable[object], threads: int, batches: int | None = None) -> float:
    """Speed over some batches after the first, which waits for workers; or over an epoch and its draw."""
    torch.set_num_threads(threads)
    began = time.perf_counter()
    iterator = iter(loader)
    if batches is not None:
        next(iterator)
        began = time.perf_counter()
    count = sum(1 for _ in islice(iterator, batches))
    return count * BATCH / (time.perf_counter() - began)


def main() -> None:
    """Print a table, and exit with 1 below the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    process = psutil.Process()
    process.cpu_affinity(process.cpu_affinity()[:CORES])
    speeds = measure()
    table = Table(
        "loader",
        "windows/s",
        "times stock",
        title=f"{CORES} CPU cores, {ENCODER_HOURS} + {DECODER_HOURS} hours, batches of {BATCH}",
    )
    for name, speed in (
        ("stock DataLoader", speeds.stock),
        ("stock DataLoader, two workers", speeds.stock_two_workers),
        ("window loader, one thread", speeds.one_thread),
        ("window loader, two threads", speeds.two_threads),
    ):
        table.add_row(name, f"{speed:,.0f}", f"{speed / speeds.best_stock:.1f}")
    Console().print(table)
    print(
        f"{speeds.windows:,} windows on {speeds.rows:,} rows; "
        f"the table takes {speeds.table_mib:.0f} MiB and was laid out in {speeds.table_seconds:.1f} s"
    )
    if arguments.json:
        record = {**asdict(speeds), "ratio": speeds.ratio, "cores": CORES}
        arguments.json.write_text(json.dumps(record) + "\n")
    print(f"loader: {speeds.ratio:.0f} x stock ({BAR:.0f} x)")
    sys.exit(0 if speeds.ratio >= BAR else 1)


if __name__ == "__main__":
    main()
