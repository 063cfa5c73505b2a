"""Defects of the tables themselves (schema drift): a column or table is another than the night before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.planted.defect import EVERYWHERE, Defect, Planted, Tables


def _of_table(name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[..., Planted]:
    def plant(whole: Tables, rate: float, random: np.random.Generator) -> Planted:
        return Planted(whole | {name: change(whole[name])}, 0)

    return plant


def _without(name: str) -> Callable[..., Planted]:
    def plant(whole: Tables, rate: float, random: np.random.Generator) -> Planted:
        return Planted({table: rows for table, rows in whole.items() if table != name}, 0)

    return plant


def _as_text(column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda rows: rows.assign(**{column: rows[column].map("{:.0f}".format)})


def _defect(name: str, plant: Callable[..., Planted]) -> Defect:
    return Defect(name, plant, EVERYWHERE)


EVENT_SHAPES = (
    _defect(
        "needed column renamed",
        _of_table("ed_visit", lambda rows: rows.rename(columns={"departed_at": "left_at"})),
    ),
    _defect("needed column gone", _of_table("bed_stay", lambda rows: rows.drop(columns="unit_id"))),
    _defect("needed table gone", _without("bed_stay")),
    _defect(
        "times turned to dates",
        _of_table(
            "ed_visit", lambda rows: rows.assign(arrived_at=rows["arrived_at"].dt.strftime("%Y-%m-%d"))
        ),
    ),
    _defect(
        "optional column renamed", _of_table("ed_visit", lambda rows: rows.rename(columns={"acuity": "esi"}))
    ),
    _defect("roster gone", _without("scheduled_shift")),
    _defect("beds turned to text", _of_table("unit", _as_text("staffed_beds"))),
    _defect("a new column", _of_table("bed_stay", lambda rows: rows.assign(room=1))),
)
HOUR_SHAPES = (
    _defect("counts turned to text", _of_table("ed_arrivals_hourly", _as_text("arrivals"))),
    _defect(
        "needed column renamed",
        _of_table("bed_census_hourly", lambda rows: rows.rename(columns={"occupied_beds": "census"})),
    ),
    _defect(
        "optional column gone", _of_table("bed_census_hourly", lambda rows: rows.drop(columns="staffed_beds"))
    ),
)
