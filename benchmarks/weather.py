"""What the temperature is worth to the GLM of ED arrivals, by how much of it is known ahead.

The demo's two hospitals are played for three years, with the simulator's own effect of heat and of snow and
storms, of which a temperature tells little; forecasts have errors of 1.2 to 3.6 °C that grow with the lead.
Iowa's ED (:mod:`benchmarks.iowa`) has its own temperatures, and no forecasts of them: those are made of what
came, with the same errors. Each issue time is shown what had been told by then. A week ahead from issue times
two weeks apart over a year, fitted anew every eight weeks:

- **none**: without weather;
- **observed**: the past's temperatures; ahead, what fades of the last departure from the climate;
- **forecast**: forecasts besides;
- **as it came**: what came, known ahead: no forecast can be worth more.

The effects' priors are round numbers, chosen on none of this.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import structlog
from rich.console import Console
from rich.table import Table

from benchmarks import iowa
from benchmarks.regimes import gain_in_words
from forecasting.config import Settings, Site, read_settings
from forecasting.evaluate import compare, scored_hours
from forecasting.features import build_panel
from forecasting.models import Glm
from forecasting.models.baseline import count_quantiles
from forecasting.models.holdout import as_known_at
from forecasting.models.interface import forecast_frame
from forecasting.schema import OBSERVATION, Target
from forecasting.simulate.arrivals import draw_arrivals
from forecasting.simulate.clock import HOUR, wall_clock
from forecasting.simulate.hospital import Law, site_law
from forecasting.simulate.streams import Streams
from forecasting.simulate.told_weather import Temperature, simulated_temperature, told_weather

CONFIG = Path("hospital.toml")
TARGET = Target.ED_ARRIVALS
SEEDS = (7,)
ORIGINS = 26
WEEKS_BETWEEN = 2
REFIT_EVERY = 4
HISTORY = timedelta(days=730)
FIRST = datetime(2025, 6, 2, 7, tzinfo=UTC)
NONE, OBSERVED, FORECAST, CAME = "none", "observed", "forecast", "as it came"
HOURS, DAYS = "WQL of hours", "error of day totals"
FREEZING_F, CELSIUS_PER_FAHRENHEIT = 32.0, 5 / 9
LEAD_DAYS = 7
YEAR_DAYS = 365.25


@dataclass(frozen=True)
class Known:
    """One ED: what came, and what was told of its weather."""

    settings: Settings
    site: Site
    arrivals: pd.DataFrame
    """OBSERVATION rows."""
    told: pd.DataFrame
    """WEATHER rows, of observations and of forecasts."""
    origins: tuple[datetime, ...]


def simulated(seed: int) -> Iterator[Known]:
    """The demo's hospitals, site after site."""
    settings = read_settings(CONFIG)
    origins = tuple(FIRST + timedelta(weeks=WEEKS_BETWEEN * number) for number in range(ORIGINS))
    start, until = FIRST - HISTORY, origins[-1] + timedelta(days=LEAD_DAYS + 2)
    for site in settings.sites:
        law = site_law(site, start, until, seed)
        streams = Streams(seed, site.site_id)
        temperature = simulated_temperature(law.clock, law.weather, site.country)
        told = told_weather(law.clock, temperature, law.span, streams).assign(site_id=site.site_id)
        yield Known(settings, site, _drawn(law, streams), told, origins)


def _drawn(law: Law, streams: Streams) -> pd.DataFrame:
    arrived = draw_arrivals(law.rates.drawn, streams)
    counts = np.bincount(arrived // HOUR, minlength=len(law.clock.offset)).astype(float)
    kept = slice(law.span[0] // HOUR, law.span[1] // HOUR)
    ed = law.site.ed.unit_id if law.site.ed else ""
    table = {"site_id": law.site.site_id, "unit_id": ed, "target": TARGET.value}
    rows = pd.DataFrame({"valid_at": law.clock.hours[kept], "value": counts[kept]}).assign(**table)
    return OBSERVATION.conform(rows)


def of_iowa(span: iowa.Span) -> Iterator[Known]:
    """The real ED, with forecasts made of the temperatures that came."""
    settings, arrivals = iowa.settings(), iowa.history()
    read = pd.read_csv(iowa.DATA, usecols=["temperature_f"])["temperature_f"].to_numpy(dtype=float)
    celsius = (read - FREEZING_F) * CELSIUS_PER_FAHRENHEIT
    hours = pd.DatetimeIndex(arrivals["valid_at"])
    clock = wall_clock(ZoneInfo(iowa.ZONE), hours[0], hours[-1])
    by_hour = pd.Series(celsius, hours)
    by_hour = by_hour[~by_hour.index.duplicated()].reindex(clock.hours).interpolate().bfill()
    came = by_hour.to_numpy()
    days = pd.Series(came).groupby(clock.day).mean().to_numpy()
    turn = 2 * np.pi * clock.day_of_year / YEAR_DAYS
    waves = np.stack([np.ones_like(turn), np.cos(turn), np.sin(turn), np.cos(2 * turn), np.sin(2 * turn)], 1)
    departure = days - waves @ np.linalg.lstsq(waves, days, rcond=None)[0]
    temperature = Temperature(came - departure[clock.day], departure, float(departure.std()))
    told = told_weather(clock, temperature, (0, len(came) * HOUR), Streams(1, iowa.SITE))
    yield Known(
        settings,
        settings.sites[0],
        arrivals,
        told.assign(site_id=iowa.SITE),
        tuple(span.origins[::WEEKS_BETWEEN]),
    )


def what_is_told(known: Known) -> dict[str, pd.DataFrame | None]:
    """The weather of each case."""
    observed = known.told[known.told["issued_at"] >= known.told["valid_at"]]
    as_it_came = observed.assign(issued_at=observed["issued_at"].min())
    return {NONE: None, OBSERVED: observed, FORECAST: known.told, CAME: as_it_came}


def forecasts(known: Known) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the GLM says from each issue time: FORECAST rows, and expected totals of days, by ``model``."""
    rows, totals = [], []
    over = known.origins[-1] + timedelta(days=LEAD_DAYS)
    past = known.arrivals[known.arrivals["valid_at"] < over]
    levels = known.settings.horizon.quantile_levels
    for name, weather in what_is_told(known).items():
        whole = build_panel(past, TARGET, known.settings, over, [known.site], weather)
        for number, origin in enumerate(known.origins):
            reach = origin + timedelta(hours=known.settings.lead_hours)
            panel = as_known_at(whole[whole["valid_at"] < reach], origin)
            if number % REFIT_EVERY == 0:
                model = Glm.fit(panel, known.settings, origin, TARGET)
            means = model.means(panel, origin)
            values = {
                key: count_quantiles(mean, model.regressions[key].dispersion, levels)
                for key, mean in means.items()
            }
            rows.append(forecast_frame(values, levels, origin, TARGET, name, model.version))
            totals.append(_totals(means, origin).assign(model=name))
    hours = pd.concat(rows, ignore_index=True)
    within = hours["valid_at"] < hours["issued_at"] + pd.Timedelta(days=LEAD_DAYS)
    return hours[within], pd.concat(totals, ignore_index=True)


def _totals(means: Mapping[tuple[str, str], np.ndarray], origin: datetime) -> pd.DataFrame:
    """Expected arrivals of each 24 hours of a week."""
    (((site_id, unit_id), mean),) = means.items()
    said = mean[: 24 * LEAD_DAYS].reshape(LEAD_DAYS, 24).sum(axis=1)
    ends = [pd.Timestamp(origin) + pd.Timedelta(days=day + 1, hours=-1) for day in range(LEAD_DAYS)]
    return pd.DataFrame(
        {"issued_at": origin, "site_id": site_id, "unit_id": unit_id, "valid_at": ends, "said": said}
    )


def scored(known: Known) -> dict[str, pd.DataFrame]:
    """By what is scored, rows with ``pinball`` and ``outcome`` by ``model``."""
    hours, totals = forecasts(known)
    came = known.arrivals.set_index("valid_at")["value"]
    day = came.rolling(24).sum().reindex(totals["valid_at"]).to_numpy()
    days = totals.assign(outcome=day, pinball=np.abs(totals["said"] - day) / 2).dropna()
    return {HOURS: scored_hours(hours, known.arrivals), DAYS: days}


def measured(of: Callable[[], Iterator[Known]], title: str) -> Table:
    """One row a case: its losses, and what it gains on the GLM without weather."""
    parts = [scored(known) for known in of()]
    table = Table("weather", title=title)
    together = {what: pd.concat([part[what] for part in parts], ignore_index=True) for what in (HOURS, DAYS)}
    for what in together:
        table.add_column(what, justify="right")
        table.add_column("gain on none (90 %)", justify="right")
    for name in (NONE, OBSERVED, FORECAST, CAME):
        cells = []
        for rows in together.values():
            own = rows[rows["model"] == name]
            cells.append(f"{2 * own['pinball'].sum() / own['outcome'].sum():.5f}")
            cells.append(gain_in_words(None if name == NONE else compare(rows, name, NONE)))
        table.add_row(name, *cells)
    return table


def main() -> None:
    """Print a table for each simulated seed and each span of Iowa's ED."""
    spans = {span.name: span for span in (iowa.EARLIER, iowa.VALIDATION, iowa.TEST)}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS, help="of simulated hospitals")
    parser.add_argument(
        "--spans", nargs="*", choices=list(spans), default=[iowa.TEST.name], help="of Iowa's ED"
    )
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console(width=150)
    for seed in arguments.seeds:
        console.print(measured(partial(simulated, seed), f"simulated, seed {seed}"))
    for name in arguments.spans:
        if not iowa.DATA.exists():
            print(f"weather: Iowa is skipped, {iowa.DATA} is not there")
            return
        console.print(measured(partial(of_iowa, spans[name]), f"Iowa, {name}"))


if __name__ == "__main__":
    main()
