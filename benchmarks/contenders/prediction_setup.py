"""Makes what each contender of the prediction starts from: hours to forecast from, and a network.

The networks are of one size and untrained: what a network has learned doesn't change its speed.
"""

from __future__ import annotations

import logging
import sys
import warnings
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import torch

from benchmarks.contenders.job import Job
from benchmarks.contenders.panel import long_frame, make_panel, panel_of
from benchmarks.contenders.prediction_job import (
    ISSUED_AT,
    MODEL_FOLDER,
    NETWORK_FILE,
    PANEL_FOLDER,
    ROWS_FILE,
    PredictionJob,
    read_prediction_job,
)
from benchmarks.contenders.process import ROOT
from benchmarks.contenders.stock import build, training_set
from forecasting.config import Settings, Site, Unit, UnitType, read_settings
from forecasting.features import build_panel
from forecasting.models.tft import TrainedTFT
from forecasting.models.tft.hours import Vocabulary
from forecasting.models.tft.network import Shape, build_network
from forecasting.schema import Target

UNITS_A_SITE = 10
SITES_A_FILE = 5
TARGET = Target.BED_CENSUS


def set_up_stock(job: PredictionJob, folder: Path) -> None:
    """Rows as its tutorial has them, and a network of its own."""
    history = max(job.history_hours, job.encoder_hours + job.lead_hours)
    training = Job(
        device="cpu",
        series=job.series,
        train_hours=history,
        held_out_hours=job.lead_hours,
        encoder_hours=job.encoder_hours,
        lead_hours=job.lead_hours,
        hidden_size=job.hidden_size,
        hidden_continuous_size=job.hidden_continuous_size,
        attention_heads=job.attention_heads,
        batch_size=1,
        steps=1,
        warm_up_steps=1,
        snapshots=1,
        levels=job.levels,
        seed=job.seed,
    )
    panel = panel_of(training)
    # A network knows series and scales, not the history: the last hours are enough to make it.
    tail = slice(history - job.encoder_hours - job.lead_hours, history)
    short = replace(panel, counts=panel.counts[:, tail], rates=panel.rates[:, tail], known=panel.known[tail])
    made_for = replace(training, train_hours=job.encoder_hours + job.lead_hours)
    torch.save(build(training_set(short, made_for), training), folder / NETWORK_FILE)
    rows = long_frame(panel)
    rows.loc[rows["hour"] >= history, "count"] = np.float32("nan")
    rows[rows["hour"] >= history - job.history_hours].to_parquet(folder / ROWS_FILE, index=False)


def set_up_ours(job: PredictionJob, folder: Path) -> None:
    """Panels as the nightly run has them, and a saved model."""
    (folder / PANEL_FOLDER).mkdir()
    demo = read_settings(ROOT / "hospital.toml")
    sites = [_site(number) for number in range(job.series // UNITS_A_SITE)]
    for first in range(0, len(sites), SITES_A_FILE):
        some = sites[first : first + SITES_A_FILE]
        panel = _panel(some, demo, job, job.seed + first)
        panel.to_parquet(folder / PANEL_FOLDER / f"{first:05}.parquet", index=False)
    _model(sites, job).save(folder / MODEL_FOLDER)


def _site(number: int) -> Site:
    units = tuple(
        Unit(unit_id=f"unit{place}", name=f"Unit {place}", unit_type=UnitType.MEDICAL_SURGICAL, beds=30)
        for place in range(UNITS_A_SITE)
    )
    site_id = f"site{number}"
    return Site(site_id=site_id, name=site_id, time_zone="America/New_York", country="US", units=units)


def _panel(sites: list[Site], demo: Settings, job: PredictionJob, seed: int) -> pd.DataFrame:
    issued_at = datetime.fromisoformat(ISSUED_AT)
    hours = pd.date_range(end=issued_at, periods=job.history_hours + 1, freq="h", inclusive="left")
    units = [(site.site_id, unit.unit_id) for site in sites for unit in site.units]
    counts = make_panel(len(units), len(hours), seed).counts
    history = pd.DataFrame(
        {
            "site_id": np.repeat([site_id for site_id, _ in units], len(hours)),
            "unit_id": np.repeat([unit_id for _, unit_id in units], len(hours)),
            "target": TARGET.value,
            "valid_at": hours[np.tile(np.arange(len(hours)), len(units))],
            "value": counts.ravel().astype(float),
        }
    )
    settings = demo.model_copy(update={"sites": tuple(sites)})
    return build_panel(history, TARGET, settings, issued_at, sites)


def _model(sites: list[Site], job: PredictionJob) -> TrainedTFT:
    known = sites[:SITES_A_FILE]
    vocabulary = Vocabulary(
        tuple(site.site_id for site in known),
        tuple(f"{site.site_id}/{unit.unit_id}" for site in known for unit in site.units),
    )
    shape = Shape(
        levels=job.levels,
        categories=vocabulary.sizes,
        encoder_hours=job.encoder_hours,
        hidden_size=job.hidden_size,
        attention_heads=job.attention_heads,
        dropout=0.1,
    )
    return TrainedTFT(
        target=TARGET,
        lead_hours=job.lead_hours,
        shape=shape,
        vocabulary=vocabulary,
        trained_before=datetime.fromisoformat(ISSUED_AT),
        regressed=False,
        scores={},
        curve=[],
        networks=(build_network(shape),),
    )


if __name__ == "__main__":
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    path = Path(sys.argv[1])
    asked = read_prediction_job(path)
    pl.seed_everything(asked.seed, verbose=False)
    {"stock": set_up_stock, "ours": set_up_ours}[asked.contender](asked, path)
