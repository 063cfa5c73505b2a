from __future__ import annotations

import warnings
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import pytest
import torch
from pytorch_forecasting import GroupNormalizer, TemporalFusionTransformer, TimeSeriesDataSet
from torch.utils.data import DataLoader

from forecasting.models.tft.windows.loader import WindowLoader
from forecasting.models.tft.windows.table import Batch, WindowTable

pytestmark = pytest.mark.integration

FEW, MANY = 12, 60


@pytest.fixture(scope="module")
def dataset() -> TimeSeriesDataSet:
    """Three units, one of them with a short history."""
    random = np.random.default_rng(1)
    frame = pd.concat(
        [
            pd.DataFrame(
                {"hour": np.arange(length), "unit": unit, "patients": random.gamma(5.0, 2.0, length)}
            )
            for unit, length in (("ed", MANY), ("icu", FEW), ("ward", MANY))
        ],
        ignore_index=True,
    )
    return TimeSeriesDataSet(
        frame,
        time_idx="hour",
        target="patients",
        group_ids=["unit"],
        max_encoder_length=6,
        max_prediction_length=2,
        static_categoricals=["unit"],
        time_varying_known_reals=["hour"],
        time_varying_unknown_reals=["patients"],
        target_normalizer=GroupNormalizer(groups=["unit"]),
        add_relative_time_idx=True,
    )


@pytest.fixture(scope="module")
def table(dataset: TimeSeriesDataSet) -> WindowTable:
    return WindowTable.of(dataset)


def shown(batch: Batch) -> list[tuple[int, int]]:
    """Each window by its series and its first forecast hour."""
    groups, hours = batch[0]["groups"], batch[0]["decoder_time_idx"]
    assert isinstance(groups, torch.Tensor)
    assert isinstance(hours, torch.Tensor)
    return list(zip(groups[:, 0].tolist(), hours[:, 0].tolist(), strict=True))


def windows_of(loader: WindowLoader) -> list[tuple[int, int]]:
    return [window for batch in loader for window in shown(batch)]


def test_in_order_it_is_the_stock_loader(dataset: TimeSeriesDataSet, table: WindowTable) -> None:
    ours = WindowLoader(table, 16, shuffle=False)
    stock = dataset.to_dataloader(train=False, batch_size=16)
    assert len(ours) == len(stock)
    torch.testing.assert_close(list(ours), list(stock), rtol=0, atol=0)


@pytest.mark.parametrize("batch_size", [10, 16, 500])
def test_shuffled_it_has_the_stock_loaders_batches(
    dataset: TimeSeriesDataSet, table: WindowTable, batch_size: int
) -> None:
    ours = WindowLoader(table, batch_size)
    stock: DataLoader[object] = dataset.to_dataloader(train=True, batch_size=batch_size)
    assert len(ours) == len(stock)
    windows = windows_of(ours)
    assert len(set(windows)) == len(windows) == len(table) - (len(table) % batch_size) * ours.drop_last


def test_an_epoch_is_drawn_anew_and_can_be_drawn_again(table: WindowTable) -> None:
    loader = WindowLoader(table, 8, windows_per_epoch=40, seed=5)
    first = windows_of(loader)
    assert windows_of(loader) == first
    loader.set_epoch(1)
    second = windows_of(loader)
    assert set(second) != set(first)
    resumed = WindowLoader(table, 8, windows_per_epoch=40, seed=5)
    resumed.set_epoch(1)
    assert windows_of(resumed) == second


def test_a_short_history_is_shown_as_often_as_a_long_one(table: WindowTable) -> None:
    windows = windows_of(WindowLoader(table, 5, windows_per_epoch=15))
    assert np.bincount([series for series, _ in windows]).tolist() == [5, 5, 5]


def test_more_windows_than_there_are_come_in_rounds(table: WindowTable) -> None:
    windows = windows_of(WindowLoader(table, 8, windows_per_epoch=2 * len(table), drop_last=False))
    assert len(windows) == 2 * len(table)
    assert len(set(windows[: len(table)])) == len(table)


def test_processes_share_an_epoch(table: WindowTable) -> None:
    alone = WindowLoader(table, 12, windows_per_epoch=60, seed=2)
    pair = [WindowLoader(table, 6, windows_per_epoch=60, seed=2, rank=rank, world_size=2) for rank in (0, 1)]
    assert [len(loader) for loader in (alone, *pair)] == [5, 5, 5]
    for whole, left, right in zip(alone, *pair, strict=True):
        assert set(shown(whole)) == {*shown(left), *shown(right)}


def test_processes_in_order_leave_no_window_out(table: WindowTable) -> None:
    parts = [windows_of(WindowLoader(table, 7, shuffle=False, rank=rank, world_size=3)) for rank in range(3)]
    together = [window for part in parts for window in part]
    assert sorted(together) == sorted(windows_of(WindowLoader(table, 7, shuffle=False)))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"batch_size": 0}, "batch_size=0"),
        ({"windows_per_epoch": 0}, "windows_per_epoch=0"),
        ({"windows_per_epoch": 10, "shuffle": False}, "does not shuffle"),
        ({"rank": 2, "world_size": 2}, "rank 2 is not one of 2"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    table: WindowTable, settings: dict[str, int], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        WindowLoader(table, **({"batch_size": 4} | settings))  # type: ignore[arg-type]


class Diary(pl.Callback):
    """Writes down which windows each training batch showed."""

    def __init__(self) -> None:
        self.epochs: dict[int, list[tuple[int, int]]] = {}

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: pl.LightningModule, batch: Batch, number: int
    ) -> None:
        self.epochs.setdefault(trainer.current_epoch, []).extend(shown(batch))


def fit(
    dataset: TimeSeriesDataSet, table: WindowTable, folder: Path, epochs: int, checkpoint: Path | None = None
) -> Diary:
    """Train the stock network for some epochs, perhaps from a checkpoint on."""
    pl.seed_everything(0, verbose=False)
    network = TemporalFusionTransformer.from_dataset(
        dataset, hidden_size=4, attention_head_size=1, hidden_continuous_size=2, log_interval=-1
    )
    diary = Diary()
    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[diary],
        default_root_dir=folder,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(
            network,
            WindowLoader(table, 8, windows_per_epoch=24, seed=3),
            WindowLoader(table, 32, shuffle=False),
            ckpt_path=checkpoint,
            weights_only=False,
        )
    trainer.save_checkpoint(folder / "last.ckpt")
    assert torch.isfinite(trainer.callback_metrics["val_loss"])
    return diary


def test_the_stock_network_trains_on_it_and_sees_new_windows_each_epoch(
    dataset: TimeSeriesDataSet, table: WindowTable, tmp_path: Path
) -> None:
    whole = fit(dataset, table, tmp_path / "whole", epochs=3)
    for epoch, windows in whole.epochs.items():
        loader = WindowLoader(table, 8, windows_per_epoch=24, seed=3)
        loader.set_epoch(epoch)
        assert windows == windows_of(loader)

    fit(dataset, table, tmp_path / "cut", epochs=2)
    resumed = fit(dataset, table, tmp_path / "resumed", 3, checkpoint=tmp_path / "cut" / "last.ckpt")
    assert resumed.epochs == {2: whole.epochs[2]}
