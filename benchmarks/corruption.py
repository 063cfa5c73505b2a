"""Defects planted into a clean simulated hospital: what is told, what is set right, what a forecast loses.

Each defect is planted into a year's rows of one site, at several rates, and read as a first night reads them:
extracted, validated. The hours that come out are compared with those of the clean source, and with the hours
that one gets who trusts every row. Arrivals are then forecast by the GLM and the census by climatology,
at two issue times a week apart, and scored on what truly came: the loss as a multiple of the clean source's.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa
import structlog
from rich.console import Console
from rich.table import Table

from benchmarks.planted_defects import (
    EVENT_DEFECTS,
    HOUR_DEFECTS,
    STARTS,
    Defect,
    Tables,
    naive_events,
    naive_hours,
)
from forecasting.config import Settings, Site, read_settings
from forecasting.evaluate import score_series, scored_hours
from forecasting.extract import connect, extract
from forecasting.features import build_panel
from forecasting.models import Flows
from forecasting.models.catalogue import CATALOGUE
from forecasting.models.holdout import as_known_at
from forecasting.profile import Profile
from forecasting.schema import OBSERVATION, Target
from forecasting.simulate import Hospital, simulate_sites
from forecasting.simulate.source import write_source
from forecasting.validate import Verdict, validate

CONFIG = Path(__file__).parent.parent / "hospital.toml"
START = datetime(2025, 6, 1, tzinfo=UTC)
NIGHT = date(2026, 6, 1)
ISSUE_TIMES = 2
WEEK = timedelta(days=7)
SEED = 7
BAR_VALID_LOST = 0.01
MODELS = {Target.ED_ARRIVALS: "glm", Target.BED_CENSUS: "climatology"}
KEY = ["unit_id", "target", "valid_at"]


@dataclass(frozen=True)
class Clean:
    """The hospital as it is: its tables of a profile, its hours, and its loss where nothing is wrong."""

    tables: Tables
    hours: pd.Series
    future: pd.DataFrame
    loss: float
    warnings: frozenset[str]


@dataclass(frozen=True)
class Case:
    """What became of one defect at one rate; hours are shares of the clean source's."""

    defect: str
    rate: float
    told_by: str
    wrong_trusting: float
    wrong_left: float
    valid_lost: float
    loss_trusting: float
    loss: float


def measure(settings: Settings, defects: Sequence[Defect], seed: int, console: Console) -> list[Case]:
    """Plant each defect at each of its rates into the profile's tables."""
    site = settings.sites[0]
    issued_at = settings.issued_at(NIGHT)
    (hospital,) = simulate_sites(settings, START, issued_at + 2 * WEEK, seed)
    hourly = settings.source.profile is Profile.HOURLY
    clean = _clean(hospital, site, settings, issued_at)
    trusting = naive_hours if hourly else naive_events
    hours = pd.date_range(START, issued_at, freq="h", inclusive="left", unit="us")
    cases = []
    for defect in defects:
        for rate in defect.rates:
            with console.status(f"{defect.name}, {rate:.1%}"):
                tables = defect.plant(clean.tables, rate, np.random.default_rng(seed))
                read, verdict = _read(tables, site, settings, issued_at)
                naive = trusting(tables, _ed(site), hours).assign(site_id=site.site_id)
                naive = OBSERVATION.conform(naive[naive["unit_id"].isin([u.unit_id for u in site.units])])
                told = _warnings(verdict) - clean.warnings
                kept = read["value"].reindex(clean.hours.index)
                cases.append(
                    Case(
                        defect.name,
                        rate,
                        ", ".join(sorted(told)),
                        _wrong(naive.set_index(KEY)["value"], clean.hours),
                        _wrong(kept, clean.hours),
                        _lost(kept, naive.set_index(KEY)["value"], clean.hours),
                        _loss(naive, clean.future, site, settings, issued_at) / clean.loss,
                        _loss(_observed(read), clean.future, site, settings, issued_at) / clean.loss,
                    )
                )
    return cases


def _clean(hospital: Hospital, site: Site, settings: Settings, issued_at: datetime) -> Clean:
    events: Tables = {name: getattr(hospital, name) for name in (*STARTS, "unit", "scheduled_shift")}
    with tempfile.TemporaryDirectory() as folder:
        engine = sa.create_engine(f"sqlite:///{Path(folder) / 'source.db'}")
        write_source(hospital, engine)
        engine.dispose()
        adt = settings.model_copy(
            update={"source": settings.source.model_copy(update={"profile": Profile.ADT})}
        )
        all_hours = extract(connect(str(engine.url)), site, adt, START, issued_at + WEEK)["observation"]
    past = all_hours[all_hours["valid_at"] < issued_at]
    hourly = settings.source.profile is Profile.HOURLY
    tables = _hourly_tables(past, site) if hourly else events
    read, verdict = _read(tables, site, settings, issued_at)
    loss = _loss(_observed(read), all_hours, site, settings, issued_at)
    return Clean(tables, past.set_index(KEY)["value"], all_hours, loss, frozenset(_warnings(verdict)))


def _hourly_tables(hours: pd.DataFrame, site: Site) -> Tables:
    told = hours.assign(hour_start=hours["valid_at"].dt.tz_localize(None))
    arrivals = told[told["target"] == Target.ED_ARRIVALS].rename(columns={"value": "arrivals"})
    census = told[told["target"] == Target.BED_CENSUS].rename(columns={"value": "occupied_beds"})
    beds = census["unit_id"].map({unit.unit_id: unit.beds for unit in site.units})
    return {
        "ed_arrivals_hourly": arrivals[["site_id", "hour_start", "arrivals"]].reset_index(drop=True),
        "bed_census_hourly": census.assign(staffed_beds=beds)[
            ["site_id", "unit_id", "hour_start", "occupied_beds", "staffed_beds"]
        ].reset_index(drop=True),
    }


def _read(
    tables: Tables, site: Site, settings: Settings, issued_at: datetime
) -> tuple[pd.DataFrame, Verdict]:
    """The hours, by their keys, that a first night takes from such tables, and its verdict."""
    with tempfile.TemporaryDirectory() as folder:
        engine = sa.create_engine(f"sqlite:///{Path(folder) / 'source.db'}")
        for name, frame in tables.items():
            zoned = frame.select_dtypes("datetimetz").columns
            naive = {str(column): frame[column].dt.tz_localize(None) for column in zoned}
            frame.assign(**naive).to_sql(name, engine, index=False)
        engine.dispose()
        extracted = extract(connect(str(engine.url)), site, settings, START, issued_at)
    verdict = validate(extracted, OBSERVATION.empty(), site, settings, NIGHT, issued_at)
    return verdict.tables["observation"].set_index(KEY), verdict


def _warnings(verdict: Verdict) -> set[str]:
    return set(verdict.results.loc[~verdict.results["success"], "expectation"])


def _wrong(told: pd.Series, truth: pd.Series) -> float:
    """The share of the true hours of which another number is told."""
    aligned = told.reindex(truth.index)
    return float((aligned.notna() & aligned.ne(truth)).mean())


def _lost(kept: pd.Series, trusting: pd.Series, truth: pd.Series) -> float:
    """The share of the true hours that the rows told rightly, and that were taken as missing."""
    return float((kept.isna() & trusting.reindex(truth.index).eq(truth)).mean())


def _observed(read: pd.DataFrame) -> pd.DataFrame:
    return OBSERVATION.conform(read.reset_index())


def _loss(
    observed: pd.DataFrame, truth: pd.DataFrame, site: Site, settings: Settings, issued_at: datetime
) -> float:
    """Mean of both targets' weighted quantile loss over a week, from some issue times a week apart."""
    losses = []
    for target, model in MODELS.items():
        panel = build_panel(observed, target, settings, issued_at, [site])
        forecasts = []
        for weeks in range(ISSUE_TIMES):
            at = issued_at - weeks * WEEK
            known = as_known_at(panel, at)
            with tempfile.TemporaryDirectory() as folder:
                fitted = CATALOGUE[model].fit(known, settings, at, target, Path(folder), Flows.none())
            forecasts.append(fitted.predict(known, at).assign(model="climatology"))
        hours = scored_hours(pd.concat(forecasts), truth[truth["target"] == target])
        losses.append(float(score_series(hours)["wql"].mean()))
    return float(np.mean(losses))


def _ed(site: Site) -> str:
    return site.ed.unit_id if site.ed else ""


def _settings(profile: Profile) -> Settings:
    """The demo's first site, as a source of that profile."""
    settings = read_settings(CONFIG)
    source = settings.source.model_copy(update={"profile": profile})
    site = settings.sites[0]
    rules = tuple(rule for rule in settings.rules if rule.site_id in (None, site.site_id))
    return settings.model_copy(update={"source": source, "sites": (site,), "rules": rules})


def main() -> None:
    """Print a table; exit with 1 where a defect isn't told, or too many valid hours are lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--seed", type=int, default=SEED, help="of the simulated hospital and of what is hit")
    parser.add_argument("--only", nargs="+", default=[], help="defects whose names begin so")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    console = Console(stderr=True)
    cases: list[Case] = []
    for profile, all_defects in ((Profile.ADT, EVENT_DEFECTS), (Profile.HOURLY, HOUR_DEFECTS)):
        defects = [
            one for one in all_defects if not arguments.only or one.name.startswith(tuple(arguments.only))
        ]
        if defects:
            cases += measure(_settings(profile), defects, arguments.seed, console)
    table = Table(
        "defect", "rate", "told by", "wrong, trusting", "wrong left", "valid lost", "loss, trusting", "loss"
    )
    for case in cases:
        shares = (f"{share:.1%}" for share in (case.wrong_trusting, case.wrong_left, case.valid_lost))
        losses = (f"{loss:.2f}" for loss in (case.loss_trusting, case.loss))
        table.add_row(case.defect, f"{case.rate:.1%}", case.told_by or "-", *shares, *losses)
    Console(width=160).print(table)
    told = sum(bool(case.told_by) for case in cases)
    lost = max(case.valid_lost for case in cases)
    if arguments.json:
        record = {"seed": arguments.seed, "cases": [dataclasses.asdict(case) for case in cases]}
        arguments.json.write_text(json.dumps(record) + "\n")
    print(
        f"corruption: {told} of {len(cases)} told ({len(cases)}), at most {lost:.1%} of valid hours lost "
        f"({BAR_VALID_LOST:.0%})"
    )
    sys.exit(1 if told < len(cases) or lost > BAR_VALID_LOST else 0)


if __name__ == "__main__":
    main()
