"""A fitted LightGBM model as files: JSON, and trees in LightGBM's own text; no code is run from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from forecasting.models.gbm import Boosted, Gbm
from forecasting.schema import Target

DESCRIPTION_FILE = "gbm.json"
PARTS = ("middle", "size")


def save(model: Gbm, folder: Path) -> None:
    """Write ``gbm.json`` and a text file for each booster into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    boosted = {part: getattr(model, part) for part in PARTS}
    description = {
        "version": model.version,
        "target": model.target.value,
        "levels": model.levels,
        "lead_hours": model.lead_hours,
        "series": [[*key, number] for key, number in model.series.items()],
        "unit_types": model.unit_types,
        "dispersion": [[*key, value] for key, value in model.dispersion.items()],
        "remainder": model.remainder.tolist(),
        "fade": model.fade.tolist(),
        "boosters": {part: len(of.boosters) for part, of in boosted.items() if of is not None},
    }
    (folder / DESCRIPTION_FILE).write_text(json.dumps(description) + "\n", encoding="utf-8")
    for part, of in boosted.items():
        for number, booster in enumerate(of.boosters if of is not None else ()):
            _file(folder, part, number).write_text(booster.model_to_string(), encoding="utf-8")


def load(folder: Path) -> Gbm:
    """Read what :func:`save` wrote.

    Raises:
        FileNotFoundError: the folder holds no model, or not all of it.
        ValueError: another version of the code fitted it.
    """
    told = json.loads((folder / DESCRIPTION_FILE).read_text(encoding="utf-8"))
    if told["version"] != Gbm.version:
        raise ValueError(
            f"{folder}: fitted by version {told['version']} of {Gbm.name}, this is {Gbm.version}; train again"
        )
    boosted = {part: _boosted(folder, part, count) for part, count in told["boosters"].items()}
    return Gbm(
        target=Target(told["target"]),
        levels=tuple(told["levels"]),
        lead_hours=told["lead_hours"],
        series={(site_id, unit_id): number for site_id, unit_id, number in told["series"]},
        unit_types=tuple(told["unit_types"]),
        middle=boosted.get("middle"),
        size=boosted.get("size"),
        dispersion={(site_id, unit_id): value for site_id, unit_id, value in told["dispersion"]},
        remainder=_numbers(told["remainder"]),
        fade=_numbers(told["fade"]),
    )


def _boosted(folder: Path, part: str, count: int) -> Boosted:
    files = [_file(folder, part, number) for number in range(count)]
    return Boosted(tuple(lgb.Booster(model_str=file.read_text(encoding="utf-8")) for file in files))


def _file(folder: Path, part: str, number: int) -> Path:
    return folder / f"{part}_{number}.txt"


def _numbers(told: list[Any]) -> np.ndarray:
    return np.array(told, dtype=float)
