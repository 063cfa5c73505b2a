"""Where the transformer earns its place: arrivals that grow, that change their level, and that come in waves.

Each regime is drawn anew for every seed, as counts of a group of EDs over two years. All models are fitted
once, at the first issue time, and then read the newest counts at each; a change of level comes three days
before the first. The network's seed is that of its data. What it gains on another model, and an ensemble by
having it, is told with an interval from pairs of forecasts of the same hours. Nothing was chosen on these
seeds.

The waves, such as of influenza or weather, are shared by all EDs. One ED's history shows but two years of
them; a network sees those of all.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import structlog
from rich.console import Console
from rich.table import Table
from scipy.signal import lfilter

from benchmarks.iowa import LEVELS
from forecasting.config import Settings, Site, Unit, UnitType, read_settings
from forecasting.evaluate import Comparison, compare, scored_hours
from forecasting.features import build_panel
from forecasting.models import Climatology, Glm
from forecasting.models.counts import past_forecasts, smooth_forecast, stated_hours
from forecasting.models.ensemble import Ensemble, Fits, Learnt
from forecasting.models.gbm import Gbm
from forecasting.models.holdout import as_known_at, holdout_issue_times, holdout_start
from forecasting.models.interface import Forecaster
from forecasting.models.quantile_table import hours_long, hours_wide
from forecasting.schema import OBSERVATION, Target
from forecasting.simulate.arrivals import WEEKDAY_LEVEL, WEEKEND_HOURS, WORKDAY_HOURS

CONFIG = Path(__file__).parent.parent / "hospital.toml"
TARGET = Target.ED_ARRIVALS
FIRST = datetime(2026, 3, 4, 8, tzinfo=UTC)
HISTORY_DAYS = 730
ORIGINS = 8
DAYS_BETWEEN = 4
HOLDOUT_DAYS = 14
LEAD_DAYS = 7
HOURS_PER_DAY = 24
SEEDS = (1, 2)

DAY_SHOCK = 0.07
WAVE = 0.15
WAVE_DAYS = 12
CHANGE = 0.4
DAYS_SINCE_CHANGE = 3

TFT, CLIMATOLOGY = "tft", Climatology.name
WITHOUT, WITH = "ensemble", "ensemble with tft"
RIVALS = (CLIMATOLOGY, Glm.name, Gbm.name)
ENSEMBLES = {WITHOUT: (Glm.name, Gbm.name), WITH: (Glm.name, Gbm.name, TFT)}
HOURLY, DAILY = "hours", "day totals"
MEAN_WEIGHTS = np.array([0.075, 0.1, 0.2, 0.25, 0.2, 0.1, 0.075])
"""Share of the probability that lies nearest to each of the levels: the mean, from quantiles alone."""


@dataclass(frozen=True)
class Regime:
    """How the level of a group of EDs moves."""

    name: str
    eds: int
    level: Callable[[np.random.Generator, np.ndarray, int], np.ndarray]
    """(random numbers, day of each hour from the first issue time on, EDs) -> factors (EDs, hours)."""


def _growth(random: np.random.Generator, days: np.ndarray, eds: int) -> np.ndarray:
    doubling = 1.0 + days / HISTORY_DAYS
    return np.tile(2.0**doubling, (eds, 1))


def _change(random: np.random.Generator, days: np.ndarray, eds: int) -> np.ndarray:
    since = days >= -DAYS_SINCE_CHANGE
    direction = np.where(np.arange(eds) % 2, -1.0, 1.0)
    return np.asarray(1.0 + CHANGE * direction[:, None] * since)


def _waves(random: np.random.Generator, days: np.ndarray, eds: int) -> np.ndarray:
    kept = np.exp(-1.0 / (WAVE_DAYS * HOURS_PER_DAY))
    pushes = random.normal(0.0, WAVE * np.sqrt(1.0 - kept**2), len(days))
    wave = lfilter([1.0], [1.0, -kept], pushes)
    winter = 0.15 * np.cos(2 * np.pi * (days + 30) / 365.25)
    return np.asarray(np.exp(random.uniform(0.5, 1.5, eds)[:, None] * (wave + winter)))


REGIMES = {
    "growth": Regime("EDs that double in two years", 4, _growth),
    "change": Regime("EDs that gain or lose 40 % three days before the first issue time", 4, _change),
    "waves": Regime("many EDs under common waves", 12, _waves),
}


class _Transformer:
    """The transformer, as the other models are fitted."""

    name: ClassVar[str] = TFT

    @classmethod
    def fit(cls, panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target) -> Forecaster:
        """Train on the panel's hours before the holdout."""
        from forecasting.models import tft  # heavy

        with tempfile.TemporaryDirectory() as folder:
            return tft.train(panel, settings, issued_at, target, Path(folder))


def group_of(eds: int, seed: int) -> Settings:
    """The settings of a group of EDs, each a site, and the network's seed."""
    demo = read_settings(CONFIG)
    units = [
        Unit(unit_id="ed", name="Emergency", unit_type=UnitType.ED, beds=20 + 5 * (number % 6))
        for number in range(eds)
    ]
    sites = [
        Site(
            site_id=f"s{seed}x{number}",
            name=f"ED {number}",
            time_zone="America/New_York",
            country="US",
            units=(unit,),
        )
        for number, unit in enumerate(units)
    ]
    training = demo.training.model_copy(update={"seed": seed, "holdout_days": HOLDOUT_DAYS})
    return demo.model_copy(update={"sites": tuple(sites), "training": training})


def observations(regime: Regime, settings: Settings, seed: int) -> pd.DataFrame:
    """Counts of each ED, Poisson given a rate that has the simulator's week and days that are busier."""
    random = np.random.default_rng([seed, regime.eds])
    last = FIRST + timedelta(days=DAYS_BETWEEN * (ORIGINS - 1) + LEAD_DAYS)
    hours = pd.date_range(FIRST - timedelta(days=HISTORY_DAYS), last, freq="h", inclusive="left")
    days = ((hours - pd.Timestamp(FIRST)) / pd.Timedelta(days=1)).to_numpy()
    level = regime.level(random, days, len(settings.sites))
    tables = []
    for factor, site in zip(level, settings.sites, strict=True):
        local = hours.tz_convert(site.zone)
        by_hour = np.where(local.weekday >= 5, WEEKEND_HOURS[local.hour], WORKDAY_HOURS[local.hour])
        busier = random.gamma(DAY_SHOCK**-2, DAY_SHOCK**2, len(days) // HOURS_PER_DAY + 1)
        rate = site.units[0].beds / 8 * factor * by_hour * WEEKDAY_LEVEL[local.weekday]
        came = random.poisson(rate * busier[np.arange(len(days)) // HOURS_PER_DAY])
        table = pd.DataFrame(
            {"site_id": site.site_id, "unit_id": "ed", "target": TARGET.value, "valid_at": hours}
        )
        tables.append(table.assign(value=came.astype(float)))
    return OBSERVATION.conform(pd.concat(tables, ignore_index=True))


class _Once:
    """A model that forecasts each issue time once, however many ensembles it is in."""

    def __init__(self, model: Forecaster) -> None:
        self.name = model.name
        self.version = model.version
        self._model = model
        self._said: dict[datetime, pd.DataFrame] = {}

    def predict(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :meth:`forecasting.models.interface.Forecaster.predict`."""
        return self._model.predict(panel, issued_at)

    def smooth(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :class:`forecasting.models.counts.Smooth`."""
        if issued_at not in self._said:
            self._said[issued_at] = smooth_forecast(self._model, panel, issued_at)
        return self._said[issued_at]


def forecasts(settings: Settings, whole: pd.DataFrame) -> pd.DataFrame:
    """What every model says between the counts, a week from each issue time on.

    Args:
        settings: of the group of EDs.
        whole: the panel of all hours.

    Returns:
        Rows of :data:`forecasting.schema.FORECAST` by ``model``, the ensembles by their own names.
    """
    known = as_known_at(whole, FIRST)
    kinds: tuple[type[Fits], ...] = (Climatology, Glm, Gbm, _Transformer)
    now = {kind.name: _Once(kind.fit(known, settings, FIRST, TARGET)) for kind in kinds}
    # The transformer's training ends where the holdout begins; the others are fitted for it once more.
    opening = holdout_start(settings, FIRST)
    then: dict[str, Forecaster] = {
        kind.name: kind.fit(known, settings, opening, TARGET) for kind in (Glm, Gbm)
    }
    then[TFT] = now[TFT]
    nights = holdout_issue_times(settings, FIRST)
    past = {name: past_forecasts(model, known, nights) for name, model in then.items()}
    ensembles = {
        name: Ensemble(
            TARGET,
            LEVELS,
            {member: now[member] for member in members},
            Learnt.from_past({member: past[member] for member in members}, known, LEVELS, FIRST, TARGET),
        )
        for name, members in ENSEMBLES.items()
    }
    speakers: dict[str, Forecaster] = {**now, **ensembles}
    frames = []
    for number in range(ORIGINS):
        issued_at = FIRST + timedelta(days=DAYS_BETWEEN * number)
        seen = as_known_at(whole, issued_at)
        for name, model in speakers.items():
            frames.append(smooth_forecast(model, seen, issued_at).assign(model=name))
    every: pd.DataFrame = pd.concat(frames, ignore_index=True)
    return every[every["valid_at"] < every["issued_at"] + pd.Timedelta(days=LEAD_DAYS)]


def hours_of(forecast: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """The hours of :func:`forecasts` scored as they would be stated, by model."""
    said = []
    for model, of_model in forecast.groupby("model", sort=False):
        said.append(hours_long(stated_hours(hours_wide(of_model)), TARGET.value, str(model), ""))
    return scored_hours(pd.concat(said, ignore_index=True), outcomes)


def days_of(forecast: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """The total of each 24 hours by model: what was expected, from the quantiles of its hours, and came.

    Half its absolute error stands as ``pinball``, the loss of a median, so that totals compare as hours do.
    """
    came = outcomes.set_index(["site_id", "unit_id", "valid_at"])["value"]
    tables = []
    for model, of_model in forecast.groupby("model", sort=False):
        wide = hours_wide(of_model)
        hours = wide.index.to_frame(index=False)
        hours["said"] = wide.to_numpy() @ MEAN_WEIGHTS
        hours["outcome"] = came.reindex(pd.MultiIndex.from_frame(hours[came.index.names])).to_numpy()
        hours["day"] = (hours["valid_at"] - hours["issued_at"]).dt.days
        days = hours.groupby(["issued_at", "site_id", "unit_id", "day"], as_index=False)
        totals = days.agg(said=("said", "sum"), outcome=("outcome", "sum"), valid_at=("valid_at", "max"))
        totals["pinball"] = (totals["said"] - totals["outcome"]).abs() / 2
        tables.append(totals.assign(model=model))
    return pd.concat(tables, ignore_index=True)


@dataclass(frozen=True)
class Measured:
    """One regime, all seeds together."""

    regime: str
    losses: dict[str, dict[str, float]]
    """By what is scored, then by model: WQL of hours; error of day totals over their mean."""
    gains: dict[str, dict[str, Comparison]]
    """By what is scored, then by rival: what the transformer gains on it, and the ensemble by having it."""


def measure(regime: Regime, seeds: Sequence[int]) -> Measured:
    """Draw, fit, forecast and score a regime; the EDs of every seed are series of their own."""
    hours, days = [], []
    for seed in seeds:
        settings = group_of(regime.eds, seed)
        outcomes = observations(regime, settings, seed)
        over = outcomes["valid_at"].max().to_pydatetime() + timedelta(hours=1)
        said = forecasts(settings, build_panel(outcomes, TARGET, settings, over, settings.sites))
        hours.append(hours_of(said, outcomes))
        days.append(days_of(said, outcomes))
    losses, gains = {}, {}
    for what, parts in {HOURLY: hours, DAILY: days}.items():
        scored = pd.concat(parts, ignore_index=True)
        sums = scored.groupby("model", sort=False)[["pinball", "outcome"]].sum()
        losses[what] = {
            str(name): float(loss) for name, loss in (2 * sums["pinball"] / sums["outcome"]).items()
        }
        gains[what] = {rival: compare(scored, TFT, rival) for rival in RIVALS}
        gains[what][WITHOUT] = compare(scored, WITH, WITHOUT)
    return Measured(regime.name, losses, gains)


def table_of(measured: Measured) -> Table:
    """One row a model: its losses, and what is gained on it."""
    table = Table("model", title=measured.regime)
    for what in measured.losses:
        table.add_column(f"loss, {what}", justify="right")
        table.add_column("the tft gains on it (90 %)", justify="right")
    for model in measured.losses[HOURLY]:
        cells = []
        for what, losses in measured.losses.items():
            cells += [f"{losses[model]:.4f}", gain_in_words(measured.gains[what].get(model))]
        table.add_row(model, *cells)
    return table


def gain_in_words(gain: Comparison | None) -> str:
    """The gain in percent of the rival's loss, its interval, and whether it is a win, a tie or a loss."""
    if gain is None:
        return ""
    share = 100 / gain.champion_wql
    verdict = "wins" if gain.low > 0 else "loses" if gain.high < 0 else "ties"
    return f"{gain.difference * share:+.1f} % ({gain.low * share:+.1f} to {gain.high * share:+.1f}) {verdict}"


def main() -> None:
    """Print a table a regime."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS, help="of the data and the network")
    parser.add_argument("--regimes", nargs="+", choices=list(REGIMES), default=list(REGIMES))
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console(width=150)
    told = []
    for name in arguments.regimes:
        told.append(measure(REGIMES[name], arguments.seeds))
        console.print(table_of(told[-1]))
    if arguments.json:
        record = {"seeds": list(arguments.seeds), "regimes": [asdict(one) for one in told]}
        arguments.json.write_text(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
