from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from structlog.testing import capture_logs

from forecasting.config import Likelihood, Settings
from forecasting.models import Climatology, backcast, holdout_issue_times, holdout_start
from forecasting.models.counts import EDGE, Smooth, smooth_forecast
from forecasting.models.tft import TrainedTFT, can_refresh, load, train
from forecasting.outcome import TrainingFailed
from forecasting.schema import FORECAST, Target

pytestmark = pytest.mark.integration

Build = Callable[..., pd.DataFrame]
CENSUS = Target.BED_CENSUS


@pytest.fixture(scope="module")
def panel(observations: Build, panel_of: Build) -> pd.DataFrame:
    return panel_of(observations(140), CENSUS)


@pytest.fixture(scope="module")
def trained(
    panel: pd.DataFrame, settings: Settings, issued_at: datetime, tmp_path_factory: pytest.TempPathFactory
) -> TrainedTFT:
    return train(panel, settings, issued_at, CENSUS, tmp_path_factory.mktemp("tft"))


def changed(settings: Settings, **training: object) -> Settings:
    return settings.model_copy(update={"training": settings.training.model_copy(update=training)})


def test_it_forecasts_every_unit_in_the_forecast_table(
    trained: TrainedTFT, panel: pd.DataFrame, settings: Settings, issued_at: datetime
) -> None:
    forecast = trained.predict(panel, issued_at)
    pd.testing.assert_frame_equal(FORECAST.conform(forecast), forecast)
    assert len(forecast) == 4 * settings.lead_hours * len(settings.horizon.quantile_levels)
    assert forecast["valid_at"].min() == issued_at
    assert set(forecast["model"]) == {"tft"}
    assert set(forecast["model_version"]) == {trained.version}
    by_hour = forecast.groupby(["site_id", "unit_id", "valid_at"])["value"]
    assert by_hour.is_monotonic_increasing.all()
    assert (forecast["value"] >= 0).all()
    off_whole = (forecast["value"] - forecast["value"].round()).abs()
    assert off_whole.max() <= EDGE + 1e-9


def test_between_the_counts_it_says_what_it_states_as_whole_ones(
    trained: TrainedTFT, panel: pd.DataFrame, settings: Settings, issued_at: datetime
) -> None:
    assert isinstance(trained, Smooth)
    smooth = smooth_forecast(trained, panel, issued_at)
    said = trained.predict(panel, issued_at)
    pd.testing.assert_frame_equal(smooth.drop(columns="value"), said.drop(columns="value"))
    assert (smooth["value"] - said["value"]).abs().max() <= 0.5 + EDGE
    assert (smooth["value"] % 1 != 0).mean() > 0.9
    by_hour = smooth.groupby(["site_id", "unit_id", "valid_at"])["value"]
    assert by_hour.is_monotonic_increasing.all()
    assert (smooth["value"] >= 0).all()
    pd.testing.assert_frame_equal(trained.smooth(panel.iloc[:0], issued_at), FORECAST.empty())


def test_one_epoch_is_enough_not_to_be_far_from_climatology(
    trained: TrainedTFT, panel: pd.DataFrame, settings: Settings, issued_at: datetime
) -> None:
    """It starts from the climate and corrects it."""
    ours = trained.predict(panel, issued_at)["value"]
    theirs = Climatology.fit(panel, settings, issued_at, CENSUS).predict(panel, issued_at)["value"]
    assert (ours - theirs).abs().mean() < 1.0


def test_what_is_saved_and_loaded_forecasts_the_same_numbers(
    trained: TrainedTFT, panel: pd.DataFrame, issued_at: datetime, tmp_path: Path
) -> None:
    trained.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.predict(panel, issued_at), trained.predict(panel, issued_at))
    assert loaded.version == trained.version
    assert loaded.scores == trained.scores
    assert loaded.curve == trained.curve
    assert loaded.trained_before == trained.trained_before


def test_a_saved_model_that_would_run_code_is_refused(trained: TrainedTFT, tmp_path: Path) -> None:
    class Intruder:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.mkdir, (str(tmp_path / "intruded"),)

    trained.save(tmp_path / "model")
    torch.save({"weight": Intruder()}, tmp_path / "model" / "weights.pt")
    with pytest.raises(Exception, match=r"(?i)weights.only"):
        load(tmp_path / "model")
    assert not (tmp_path / "intruded").exists()


def test_the_same_seed_and_data_train_the_same_network_and_another_seed_another(
    trained: TrainedTFT, panel: pd.DataFrame, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    again = train(panel, settings, issued_at, CENSUS, tmp_path / "again")
    assert again.version == trained.version
    other = train(panel, changed(settings, seed=8), issued_at, CENSUS, tmp_path / "other")
    assert other.version != trained.version


class PulledPlug(CSVLogger):
    """A logger whose machine goes down when an epoch's metrics arrive."""

    def __init__(self, folder: Path, epoch: int) -> None:
        super().__init__(folder)
        self.epoch = epoch

    def log_metrics(self, metrics: dict[str, Any], step: int | None = None) -> None:
        if metrics.get("epoch") == self.epoch and "windows_per_second" in metrics:
            raise ConnectionError("the plug was pulled")


def epochs_told(lines: list[Any]) -> list[float]:
    return [line["epoch"] for line in lines if line["event"] == "epoch"]


def test_a_training_that_was_cut_off_goes_on_to_the_same_network(
    panel: pd.DataFrame, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    three = changed(settings, max_epochs=3)
    whole = train(panel, three, issued_at, CENSUS, tmp_path / "whole")
    with pytest.raises(ConnectionError):
        train(panel, three, issued_at, CENSUS, tmp_path / "cut", PulledPlug(tmp_path / "log", epoch=1))
    with capture_logs() as lines:
        resumed = train(panel, three, issued_at, CENSUS, tmp_path / "cut")
    assert epochs_told(lines) == [2]
    assert [row["epoch"] for row in resumed.curve] == [0, 1, 2]
    assert resumed.version == whole.version


KILLED = """
import sys
from datetime import datetime
from pathlib import Path
import pandas as pd
import torch
from forecasting.config import read_settings
from forecasting.models.tft import train
from forecasting.schema import Target
torch.set_num_threads(1)
panel, config, issued_at, folder = sys.argv[1:]
settings = read_settings(Path(config))
training = settings.training.model_copy(update={"max_epochs": 15})
settings = settings.model_copy(update={"training": training})
train(pd.read_parquet(panel), settings, datetime.fromisoformat(issued_at), Target.BED_CENSUS, Path(folder))
"""


def test_a_training_that_was_killed_goes_on_to_the_same_network(
    panel: pd.DataFrame, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    fifteen = changed(settings, max_epochs=15)
    panel.to_parquet(tmp_path / "panel.parquet")
    config = Path(__file__).parents[2] / "hospital.toml"
    arguments = [tmp_path / "panel.parquet", config, issued_at.isoformat(), tmp_path / "killed"]
    with subprocess.Popen([sys.executable, "-c", KILLED, *map(str, arguments)]) as process:
        while not list(tmp_path.glob("killed/*/last.ckpt")) and process.poll() is None:
            time.sleep(0.02)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    with capture_logs() as lines:
        resumed = train(panel, fifteen, issued_at, CENSUS, tmp_path / "killed")
    assert 0 < len(epochs_told(lines)) < 15
    assert resumed.version == train(panel, fifteen, issued_at, CENSUS, tmp_path / "whole").version


def test_two_processes_learn_what_one_does(
    panel: pd.DataFrame, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    """Dropped numbers differ from process to process, so none are dropped here."""
    curves = []
    for devices in (1, 2):
        # Batches of 31 windows: the processes' parts differ by one.
        asked = changed(settings, devices=devices, dropout=0.0, max_epochs=2, batch_size=31)
        curves.append(train(panel, asked, issued_at, CENSUS, tmp_path / str(devices)).curve)
    alone, together = (
        np.array([[row["train_loss"], row["validation_loss"]] for row in curve]) for curve in curves
    )
    np.testing.assert_allclose(together, alone, rtol=1e-4)


def test_a_refresh_goes_on_from_the_network_it_is_given(
    trained: TrainedTFT, panel: pd.DataFrame, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    begun = trained.version
    assert can_refresh(trained, settings)
    refreshed = train(panel, changed(settings, refresh_epochs=2), issued_at, CENSUS, tmp_path, start=trained)
    assert refreshed.scores["epochs"] == 2
    assert refreshed.version != begun
    assert trained.version == begun
    assert refreshed.vocabulary == trained.vocabulary
    first, cold = refreshed.curve[0]["validation_loss"], trained.curve[0]["validation_loss"]
    assert first < cold + 0.002
    moved = [
        float((after - before).detach().abs().max())
        for after, before in zip(
            refreshed.networks[0].parameters(), trained.networks[0].parameters(), strict=True
        )
    ]
    assert 0 < max(moved) < 0.1


@pytest.mark.parametrize(
    "change", [{"hidden_size": 12}, {"encoder_hours": 96}, {"refresh_epochs": 0}, {"seeds": 2}], ids=str
)
def test_a_network_of_another_size_is_not_refreshed(
    trained: TrainedTFT, settings: Settings, change: dict[str, int]
) -> None:
    assert not can_refresh(trained, changed(settings, **change))


def test_each_epoch_tells_its_speed_and_memory(trained: TrainedTFT) -> None:
    assert all(row["windows_per_second"] > 0 and row["peak_memory_mib"] > 100 for row in trained.curve)
    assert trained.scores["windows_per_second"] > 0


def test_a_training_that_had_ended_is_not_trained_again(
    panel: pd.DataFrame, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    first = train(panel, settings, issued_at, CENSUS, tmp_path)
    with capture_logs() as lines:
        second = train(panel, settings, issued_at, CENSUS, tmp_path)
    assert epochs_told(lines) == []
    assert second.version == first.version
    assert second.curve == first.curve


def test_other_data_do_not_resume_a_training(
    trained: TrainedTFT, panel: pd.DataFrame, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    more = panel.assign(value=panel["value"] + 1)
    train(more, settings, issued_at, CENSUS, tmp_path)
    assert train(panel, settings, issued_at, CENSUS, tmp_path).version == trained.version


def test_nothing_in_the_holdout_is_learned(
    trained: TrainedTFT, panel: pd.DataFrame, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    held_out = panel["valid_at"] >= holdout_start(settings, issued_at)
    other = panel.assign(value=panel["value"].mask(held_out, 0.0))
    assert train(other, settings, issued_at, CENSUS, tmp_path).version == trained.version
    assert trained.trained_before == holdout_start(settings, issued_at)


def test_values_from_the_issue_time_on_are_not_looked_at(
    trained: TrainedTFT, panel: pd.DataFrame, settings: Settings, issued_at: datetime
) -> None:
    night = holdout_issue_times(settings, issued_at)[-1]
    spoiled = panel.assign(value=panel["value"].mask(panel["valid_at"] >= night, 500.0))
    pd.testing.assert_frame_equal(trained.predict(panel, night), trained.predict(spoiled, night))
    pd.testing.assert_frame_equal(backcast(trained.predict, panel, [night]), trained.predict(panel, night))


def test_a_series_is_forecast_alike_whichever_others_are_there(
    trained: TrainedTFT, panel: pd.DataFrame, issued_at: datetime
) -> None:
    ward = panel[panel["unit_id"] == "ward"]
    together = trained.predict(panel, issued_at)
    expected = together[together["unit_id"] == "ward"].reset_index(drop=True)
    alone = trained.predict(ward, issued_at)
    # Batches of another size may round a quantile that lies between two patients the other way.
    difference = (alone["value"] - expected["value"]).abs()
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.001


def test_a_unit_it_never_saw_is_forecast_too(
    trained: TrainedTFT, panel: pd.DataFrame, settings: Settings, issued_at: datetime
) -> None:
    new = panel[panel["unit_id"] == "ward"].assign(
        site_id="south", unit_id="ward9", unit_type="psychiatric", beds=12
    )
    forecast = trained.predict(new, issued_at)
    assert set(forecast["unit_id"]) == {"ward9"}
    usual = new.loc[new["observed"] == 1, "value"].median()
    medians = forecast.loc[forecast["quantile"] == 0.5, "value"]
    assert abs(medians.mean() - usual) < 4


def test_a_site_twice_the_size_is_forecast_about_twice_as_large(
    trained: TrainedTFT, panel: pd.DataFrame, issued_at: datetime
) -> None:
    doubled = panel.assign(
        value=panel["value"] * 2, weekly_mean=panel["weekly_mean"] * 2, beds=panel["beds"] * 2
    )
    small, large = trained.predict(panel, issued_at), trained.predict(doubled, issued_at)
    median = small["quantile"] == 0.5
    ratio = large.loc[median, "value"].sum() / small.loc[median, "value"].sum()
    assert 1.85 < ratio < 2.15


def test_missing_hours_and_a_silent_last_week_still_give_a_forecast(
    trained: TrainedTFT, observations: Build, panel_of: Build, issued_at: datetime
) -> None:
    history = observations(100)
    holes = np.random.default_rng(0).random(len(history)) < 0.4
    silent = history["valid_at"] >= issued_at - timedelta(days=9)
    forecast = trained.predict(panel_of(history[~holes & ~silent], CENSUS), issued_at)
    assert np.isfinite(forecast["value"]).all()
    assert set(forecast["unit_id"]) == {"ed", "icu", "ward"}


def test_no_series_gives_an_empty_forecast(
    trained: TrainedTFT, panel: pd.DataFrame, issued_at: datetime
) -> None:
    pd.testing.assert_frame_equal(trained.predict(panel.iloc[:0], issued_at), FORECAST.empty())


def test_arrivals_are_learned_too(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    arrivals = panel_of(observations(140), Target.ED_ARRIVALS)
    network = train(arrivals, settings, issued_at, Target.ED_ARRIVALS, tmp_path)
    ours = network.predict(arrivals, issued_at)
    theirs = Climatology.fit(arrivals, settings, issued_at, Target.ED_ARRIVALS).predict(arrivals, issued_at)
    assert (ours["value"] - theirs["value"]).abs().mean() < 0.3


def test_arrivals_are_learned_as_counts_and_kept_as_such(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    arrivals = panel_of(observations(100), Target.ED_ARRIVALS)
    counting = changed(settings, likelihood=Likelihood.NEGATIVE_BINOMIAL)
    network = train(arrivals, counting, issued_at, Target.ED_ARRIVALS, tmp_path)
    ours = network.predict(arrivals, issued_at)
    theirs = Climatology.fit(arrivals, settings, issued_at, Target.ED_ARRIVALS).predict(arrivals, issued_at)
    assert (ours["value"] - theirs["value"]).abs().mean() < 0.4
    network.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.predict(arrivals, issued_at), ours)
    assert can_refresh(loaded, counting)
    assert not can_refresh(loaded, settings)


@pytest.fixture(scope="module")
def pair(
    panel: pd.DataFrame, settings: Settings, issued_at: datetime, tmp_path_factory: pytest.TempPathFactory
) -> TrainedTFT:
    return train(panel, changed(settings, seeds=2), issued_at, CENSUS, tmp_path_factory.mktemp("pair"))


def test_several_seeds_speak_as_the_mean_of_their_quantiles(
    trained: TrainedTFT, pair: TrainedTFT, panel: pd.DataFrame, issued_at: datetime
) -> None:
    first, second = (replace(pair, networks=(network,)) for network in pair.networks)
    assert first.version == trained.version
    assert len({first.version, second.version, pair.version}) == 3
    alone = [one.smooth(panel, issued_at)["value"] for one in (first, second)]
    np.testing.assert_allclose(pair.smooth(panel, issued_at)["value"], (alone[0] + alone[1]) / 2, atol=1e-4)
    assert [row["epoch"] for row in pair.curve] == [0, 0]
    assert pair.scores["epochs"] == 1


def test_several_seeds_are_kept_and_refreshed_together(
    pair: TrainedTFT, panel: pd.DataFrame, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    pair.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.predict(panel, issued_at), pair.predict(panel, issued_at))
    assert loaded.version == pair.version
    assert not can_refresh(loaded, settings)
    two = changed(settings, seeds=2, refresh_epochs=1)
    assert can_refresh(loaded, two)
    refreshed = train(panel, two, issued_at, CENSUS, tmp_path, start=loaded)
    assert len(refreshed.networks) == 2
    assert refreshed.version != pair.version


def test_what_was_saved_before_there_were_choices_still_speaks(
    trained: TrainedTFT, panel: pd.DataFrame, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    trained.save(tmp_path)
    torch.save(trained.networks[0].state_dict(), tmp_path / "weights.pt")
    described = json.loads((tmp_path / "model.json").read_text())
    del described["shape"]["likelihood"]
    (tmp_path / "model.json").write_text(json.dumps(described))
    old = load(tmp_path)
    pd.testing.assert_frame_equal(old.predict(panel, issued_at), trained.predict(panel, issued_at))
    assert can_refresh(old, settings)


def test_a_logger_gets_each_epochs_losses_and_the_log_one_line(
    panel: pd.DataFrame,
    settings: Settings,
    issued_at: datetime,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = CSVLogger(tmp_path / "log")
    with caplog.at_level(logging.INFO):
        train(panel, changed(settings, max_epochs=2), issued_at, CENSUS, tmp_path / "tft", logger)
    logged = pd.read_csv(Path(logger.log_dir) / "metrics.csv").groupby("epoch").first()
    assert logged[["train_loss", "validation_loss"]].notna().all(axis=None)
    assert len(logged) == 2
    said = capfd.readouterr()
    lines = [line for line in (said.out + said.err).splitlines() if line.strip()]
    assert len(lines) == 2
    assert all("epoch" in line and "validation_loss" in line for line in lines)
    assert not [record for record in caplog.records if record.name.startswith("lightning")]
    assert not (tmp_path / "lightning_logs").exists()


def test_what_is_saved_is_text_and_tensors_only(trained: TrainedTFT, tmp_path: Path) -> None:
    trained.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "weights.pt"]
    described = json.loads((tmp_path / "model.json").read_text())
    assert described["vocabulary"]["units"] == ["north/ed", "north/icu", "west/ed", "west/ward"]


def test_a_short_history_fails_with_the_days_it_has_and_the_days_it_needs(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    with pytest.raises(TrainingFailed, match=r"history too short: 40 days .*minimum_history_days is 84"):
        train(panel_of(observations(40), CENSUS), settings, issued_at, CENSUS, tmp_path)


def test_no_history_fails_in_words(
    panel: pd.DataFrame, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    with pytest.raises(TrainingFailed, match="history too short: 0 days"):
        train(panel.iloc[:0], settings, issued_at, CENSUS, tmp_path)


def test_the_shortest_history_allowed_trains(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    network = train(panel_of(observations(84), CENSUS), settings, issued_at, CENSUS, tmp_path)
    assert network.scores["epochs"] == 1


def test_a_loss_that_is_not_finite_fails_in_words(
    panel: pd.DataFrame, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    wild = changed(settings, learning_rate=1e30, max_epochs=3)
    with pytest.raises(TrainingFailed, match=r"bed_census: diverged in epoch \d.*lower training"):
        train(panel, wild, issued_at, CENSUS, tmp_path)
