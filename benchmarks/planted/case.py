"""One defect at one rate in one year: planted, read as a first night reads it, compared with what was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from benchmarks.planted.defect import EVERYWHERE, Defect, Tables
from benchmarks.planted.events import EVENT_DEFECTS
from benchmarks.planted.hospital import START, WEEK, Year, simulated_year, stored
from benchmarks.planted.hours import HOUR_DEFECTS
from benchmarks.planted.shape import EVENT_SHAPES, HOUR_SHAPES
from benchmarks.planted.trusting import trusting_events, trusting_hours
from forecasting.evaluate import scored_hours
from forecasting.extract import SourceError, connect, extract
from forecasting.features import build_panel
from forecasting.models.baseline import Climatology
from forecasting.models.holdout import as_known_at
from forecasting.profile import Profile
from forecasting.schema import OBSERVATION, SOURCE_COLUMN, Target
from forecasting.validate import Verdict, validate

ISSUE_TIMES = 4
KEY = ["unit_id", "target", "valid_at"]

DEFECTS: dict[Profile, tuple[Defect, ...]] = {
    Profile.ADT: (*EVENT_DEFECTS, *EVENT_SHAPES),
    Profile.HOURLY: (*HOUR_DEFECTS, *HOUR_SHAPES),
}


@dataclass(frozen=True)
class Case:
    """What became of one defect at one rate in one year; hours are shares of the year's."""

    profile: str
    defect: str
    rate: float
    seed: int
    told_by: tuple[str, ...]
    """The expectations that failed, and did not in the clean year; or why the source could not be read."""
    blocked: str
    """What the night that it stopped said; empty where the night went on."""
    rows: int
    rows_told: int
    """Rows that were hit, and of them those counted in the quarantine, beyond the clean year's."""
    wrong_trusting: float
    wrong_left: float
    valid_lost: float
    losses: tuple[tuple[float, ...], ...]
    """By issue time, the loss from clean hours, trusting ones, and those that the night makes of them."""
    crashed: str = ""


@dataclass(frozen=True)
class Reading:
    """What a first night makes of tables."""

    verdict: Verdict | None
    stopped: str = ""

    @property
    def hours(self) -> pd.DataFrame:
        """OBSERVATION rows; none where nothing could be read."""
        return OBSERVATION.empty() if self.verdict is None else self.verdict.tables["observation"]

    @property
    def failed(self) -> set[str]:
        """The expectations that failed."""
        if self.verdict is None:
            return {"contract"}
        return set(self.verdict.results.loc[~self.verdict.results["success"], "expectation"])

    @property
    def rows_told(self) -> int:
        """Rows of the source, or hours, in the quarantine."""
        return 0 if self.verdict is None else int(self.verdict.quarantined["source_rows"].sum())

    @property
    def blocked(self) -> str:
        """Why the night stopped; empty where it goes on."""
        if self.verdict is None:
            return self.stopped
        return self.verdict.why if self.verdict.state == "blocked" else ""


@dataclass(frozen=True)
class Clean:
    """A year without a defect, as it is read, and what is forecast with it."""

    year: Year
    reading: Reading
    columns: pd.DataFrame
    forecasts: pd.DataFrame


@cache
def clean_year(profile: Profile, seed: int) -> Clean:
    """The year that defects are planted into."""
    year = simulated_year(profile, seed)
    with stored(year.tables) as url:
        columns = extract(connect(url), year.site, year.settings, START, year.issued_at)[SOURCE_COLUMN.name]
    reading = read(year, year.tables, columns)
    return Clean(year, reading, columns, forecasts_of(reading.hours, year, "clean"))


def read(year: Year, tables: Tables, columns_before: pd.DataFrame) -> Reading:
    """Extract and judge them as the year's last night does on the first that it sees of them."""
    try:
        with stored(tables) as url:
            extracted = extract(connect(url), year.site, year.settings, START, year.issued_at)
    except SourceError as error:
        return Reading(None, str(error))
    night = year.issued_at.date()
    empty = OBSERVATION.empty()
    return Reading(
        validate(extracted, empty, year.site, year.settings, night, year.issued_at, columns_before)
    )


def measure(profile: Profile, number: int, rate: float, seed: int) -> Case:
    """Plant one defect, by its place among the profile's, at one rate."""
    defect = DEFECTS[profile][number]
    clean = clean_year(profile, seed)
    year = clean.year
    tables, rows = defect.plant(year.tables, rate, np.random.default_rng(seed))
    about = (str(profile), defect.name, rate, seed)
    try:
        reading = read(year, tables, clean.columns)
    except Exception as error:  # a crash is a result, too
        return Case(*about, (), "", rows, 0, 0.0, 0.0, 0.0, (), crashed=f"{type(error).__name__}: {error}")
    told = tuple(sorted(reading.failed - clean.reading.failed))
    rows_told = min(reading.rows_told - clean.reading.rows_told, rows)
    if defect.rates == EVERYWHERE or reading.verdict is None:
        return Case(*about, told, reading.blocked, rows, rows_told, 0.0, 0.0, 0.0, ())
    truth = year.past.set_index(KEY)["value"]
    naive = _trusting(tables, year)
    trusted = naive.set_index(KEY)["value"].reindex(truth.index)
    kept = reading.hours.set_index(KEY)["value"].reindex(truth.index)
    losses: tuple[tuple[float, ...], ...] = ()
    if not reading.blocked and not defect.is_news:
        ours = forecasts_of(reading.hours, year, "ours")
        losses = losses_of([clean.forecasts, forecasts_of(naive, year, "trusting"), ours], year)
    wrong = [float((told.notna() & told.ne(truth)).mean()) for told in (trusted, kept)]
    lost = float((kept.isna() & trusted.eq(truth) & truth.notna()).mean())
    return Case(*about, told, reading.blocked, rows, rows_told, wrong[0], wrong[1], lost, losses)


def forecasts_of(observed: pd.DataFrame, year: Year, name: str) -> pd.DataFrame:
    """Both targets, a week ahead from each issue time, under a name: FORECAST rows."""
    parts = []
    for target in Target:
        panel = build_panel(observed, target, year.settings, year.issued_at, [year.site])
        for weeks in range(ISSUE_TIMES):
            issued_at = year.issued_at - weeks * WEEK
            known = as_known_at(panel, issued_at)
            model = Climatology.fit(known, year.settings, issued_at, target)
            parts.append(model.predict(known, issued_at))
    return pd.concat(parts, ignore_index=True).assign(model=name)


def losses_of(forecasts: Sequence[pd.DataFrame], year: Year) -> tuple[tuple[float, ...], ...]:
    """By issue time, the weighted quantile losses of both targets added up, a number for each forecaster.

    They are compared where all of them have something to say.
    """
    hours = scored_hours(pd.concat(forecasts, ignore_index=True), year.hours)
    sums = hours.groupby(["model", "issued_at", "target"])[["pinball", "outcome"]].sum()
    wql = (2 * sums["pinball"] / sums["outcome"]).rename("wql").reset_index()
    table = wql.pivot_table(index="issued_at", columns="model", values="wql", aggfunc="sum")
    names = [str(forecast["model"].iloc[0]) for forecast in forecasts]
    return tuple(tuple(map(float, row)) for row in table[names].to_numpy())


def _trusting(tables: Tables, year: Year) -> pd.DataFrame:
    ed = year.site.ed.unit_id if year.site.ed else ""
    hours = pd.date_range(START, year.issued_at, freq="h", inclusive="left", unit="us")
    trust = trusting_hours if year.settings.source.profile is Profile.HOURLY else trusting_events
    told = trust(tables, ed, hours)
    configured = [unit.unit_id for unit in year.site.units]
    return OBSERVATION.conform(told[told["unit_id"].isin(configured)].assign(site_id=year.site.site_id))
