"""How near our forecasts come to what is possible, on simulated hospitals whose law is known.

The demo's sites are simulated for two years into a database; from it observations and flows are extracted as
they were known at each of many issue times in the last months, and every model forecasts from them. Census
is measured beside the ideal forecaster, who knows each patient's survival law and the law of who comes (see
``ideal_census``); arrivals beside the one who knows the hour's rate, weather included, but not the shocks.

The flow model's constants were chosen by pinball loss over all leads on other seeds, 101 and 102.

The census bound supposes that beds are always free. In wards that fill up, who waits takes each bed that is
left, the census hardly moves, and even persistence comes near the bound: read a ward's ratio beside those of
persistence and climatology. In an ED the bound leaves out that whole days are busier, and the wait for a bed.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import sqlalchemy as sa
import structlog
from rich.console import Console
from rich.table import Table
from scipy.stats import nbinom

from benchmarks.ideal_census import ideal_census
from forecasting import evaluate
from forecasting.config import Settings, Site, read_settings
from forecasting.extract import connect, extract, extract_flows
from forecasting.features import build_panel
from forecasting.models import Climatology
from forecasting.models.flow import Flow, Flows
from forecasting.models.holdout import as_known_at
from forecasting.models.interface import forecast_frame, series_of
from forecasting.schema import Target
from forecasting.simulate import simulate_sites
from forecasting.simulate.arrivals import DAY_SHOCK, HOUR_SHOCK, QUARTER_SHOCK
from forecasting.simulate.hospital import Hospital
from forecasting.simulate.source import write_source

CONFIG = Path(__file__).parent.parent / "hospital.toml"
START = datetime(2024, 10, 1, tzinfo=UTC)
UNTIL = datetime(2026, 10, 1, tzinfo=UTC)
LAST_NIGHT = date(2026, 9, 22)
SEED = 7
ORIGINS = 40
DAYS_BETWEEN = 3

SCORED_LEADS = (24, 72)
CENSUS_BAR = 1.08
ARRIVALS_BAR = 1.03
COVERAGE, COVERAGE_BAR = 0.80, 0.03
ORACLE = "oracle"
HOUR = ["issued_at", "site_id", "unit_id", "valid_at"]
UNIT = ["site_id", "unit_id"]


@dataclass(frozen=True)
class Known:
    """What a model may read at an issue time: one site's panel of one target, and its flows."""

    panel: pd.DataFrame
    flows: Flows
    settings: Settings
    issued_at: datetime


Model = Callable[[Known], pd.DataFrame]


def persistence(known: Known) -> pd.DataFrame:
    """The last census observed, for every hour and level."""
    levels, leads = known.settings.horizon.quantile_levels, known.settings.lead_hours
    last = {key: rows["value"].dropna().to_numpy() for key, rows in series_of(known.panel)}
    values = {key: np.full((leads, len(levels)), seen[-1]) for key, seen in last.items() if len(seen)}
    return forecast_frame(values, levels, known.issued_at, Target.BED_CENSUS, "persistence", "1")


def climatology(target: Target) -> Model:
    """The baseline of a target."""

    def forecast(known: Known) -> pd.DataFrame:
        fitted = Climatology.fit(known.panel, known.settings, known.issued_at, target)
        return fitted.predict(known.panel, known.issued_at)

    return forecast


def flow(known: Known) -> pd.DataFrame:
    """The census flow model."""
    fitted = Flow.fit(known.panel, known.flows, known.settings, known.issued_at, Target.BED_CENSUS)
    return fitted.predict(known.panel, known.issued_at)


CENSUS_MODELS: dict[str, Model] = {
    "persistence": persistence,
    "climatology": climatology(Target.BED_CENSUS),
    "flow": flow,
}
ARRIVALS_MODELS: dict[str, Model] = {"climatology": climatology(Target.ED_ARRIVALS)}


@dataclass(frozen=True)
class Scored:
    """Census hours of every model with the ideal forecaster's bound, and arrivals' WQL over the oracle's."""

    census: pd.DataFrame
    """Per model, issue time, unit and lead: the median's error, whether the 80 % interval held, the bound."""
    arrivals: dict[str, float]


def measure(settings: Settings, seed: int, origins: int, console: Console) -> Scored:
    """Simulate, extract as of each issue time, forecast and score, a site after the other."""
    nights = [LAST_NIGHT - timedelta(days=DAYS_BETWEEN * number) for number in range(origins)]
    issue_times = [settings.issued_at(night) for night in nights]
    census, arrivals, outcomes = [], [], []
    for site, hospital in zip(settings.sites, simulate_sites(settings, START, UNTIL, seed), strict=True):
        with tempfile.TemporaryDirectory() as folder, console.status(site.name):
            url = f"sqlite:///{Path(folder) / 'source.db'}"
            engine = sa.create_engine(url)
            write_source(hospital, engine)
            engine.dispose()
            source = connect(url)
            observed = extract(source, site, settings, START, UNTIL)["observation"]
            panels = {target: build_panel(observed, target, settings, UNTIL, [site]) for target in Target}
            spoken = []
            for issued_at in issue_times:
                flows = Flows(**extract_flows(source, site, settings, issued_at))
                known = {
                    target: Known(as_known_at(panel, issued_at), flows, settings, issued_at)
                    for target, panel in panels.items()
                }
                spoken += _all(CENSUS_MODELS, known[Target.BED_CENSUS])
                arrivals += _all(ARRIVALS_MODELS, known[Target.ED_ARRIVALS])
                arrivals.append(_oracle(hospital, site, known[Target.ED_ARRIVALS]))
        outcomes.append(observed)
        census.append(_against_the_ideal(pd.concat(spoken), observed, hospital, site, seed))
    scores = evaluate.score(pd.concat(arrivals), pd.concat(outcomes), reference=ORACLE)
    overall = scores[scores["site_id"] == evaluate.ALL].set_index("model")["wql"]
    return Scored(pd.concat(census, ignore_index=True), (overall / overall[ORACLE]).to_dict())


def _all(models: Mapping[str, Model], known: Known) -> list[pd.DataFrame]:
    return [model(known).assign(model=name) for name, model in models.items()]


def _oracle(hospital: Hospital, site: Site, known: Known) -> pd.DataFrame:
    """Arrivals of the known rate, whose shocks are only known in law: negative binomial of their variance."""
    levels, leads = known.settings.horizon.quantile_levels, known.settings.lead_hours
    truth = hospital.truth.set_index("valid_at")["expected_rate"]
    shocks = np.array([DAY_SHOCK, QUARTER_SHOCK, HOUR_SHOCK]) / truth.mean()
    variance = float(np.prod(1 + shocks) - 1)
    hours = pd.date_range(known.issued_at, periods=leads, freq="h")
    rate = truth.reindex(hours).to_numpy()[:, None]
    values = nbinom.ppf(levels, 1 / variance, 1 / (1 + rate * variance))
    unit_id = site.ed.unit_id if site.ed else ""
    key = {(site.site_id, unit_id): np.asarray(values)}
    return forecast_frame(key, levels, known.issued_at, Target.ED_ARRIVALS, ORACLE, "1")


def _against_the_ideal(
    forecasts: pd.DataFrame, observed: pd.DataFrame, hospital: Hospital, site: Site, seed: int
) -> pd.DataFrame:
    wide = forecasts.pivot_table(index=["model", *HOUR], columns="quantile", values="value").reset_index()
    census = observed[observed["target"] == Target.BED_CENSUS].dropna(subset=["value"])
    hours = wide.merge(census[["site_id", "unit_id", "valid_at", "value"]], on=[*UNIT, "valid_at"])
    lead = (hours["valid_at"] - hours["issued_at"]).dt.total_seconds().astype(int) // 3600
    inside = (hours["value"] >= hours[0.1]) & (hours["value"] <= hours[0.9])
    table = hours[["model", *HOUR]].assign(
        lead=lead, error=(hours["value"] - hours[0.5]).abs(), inside=inside.astype(float), bound=np.nan
    )
    ideal = {unit.unit_id: ideal_census(hospital, site, unit, seed) for unit in site.units}
    bounded = table["lead"].isin(SCORED_LEADS)
    asked = table.loc[bounded, ["unit_id", "issued_at", "lead"]].drop_duplicates()
    places = zip(asked["unit_id"], asked["issued_at"], asked["lead"], strict=True)
    bounds = asked.assign(
        bound=[ideal[unit].least_mae(issued_at, hours) for unit, issued_at, hours in places]
    )
    known = table.drop(columns="bound").merge(bounds, on=["unit_id", "issued_at", "lead"], how="left")
    return known.reset_index(drop=True)


def ratios(census: pd.DataFrame, by: str) -> dict[str, dict[int, float]]:
    """Mean absolute error over the ideal forecaster's bound, by group and lead."""
    scored = census[census["lead"].isin(SCORED_LEADS)]
    error = scored.pivot_table(index=by, columns="lead", values="error")
    ratio = error / scored.pivot_table(index=by, columns="lead", values="bound")
    return {str(group): {lead: float(row[lead]) for lead in SCORED_LEADS} for group, row in ratio.iterrows()}


def worse_than_persistence(census: pd.DataFrame, model: str) -> list[int]:
    """The leads at which a model's error over all units is above persistence's."""
    means = census.pivot_table(index="lead", columns="model", values="error")
    return [int(lead) for lead in means.index[means[model] > means["persistence"]]]


def main() -> None:
    """Print tables, and exit with 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--seed", type=int, default=SEED, help="of the simulated hospitals")
    parser.add_argument("--origins", type=int, default=ORIGINS, help="how many issue times, three days apart")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    settings = read_settings(CONFIG)
    console = Console()
    scored = measure(settings, arguments.seed, arguments.origins, console)
    _show(scored, console)
    figures = Figures.of(scored)
    if arguments.json:
        record = {"seed": arguments.seed, "origins": arguments.origins, **asdict(figures)}
        arguments.json.write_text(json.dumps(record) + "\n")
    print(
        f"accuracy-simulated: census {figures.worst_over_ideal:.2f} x the ideal ({CENSUS_BAR:.2f}), "
        f"arrivals {figures.best_over_oracle:.3f} x the oracle ({ARRIVALS_BAR:.2f}), "
        f"{len(figures.leads_worse_than_persistence)} leads worse than persistence (0), "
        f"{len(figures.units_off)} units off {COVERAGE:.0%} by more than {COVERAGE_BAR:.0%} (0)"
    )
    sys.exit(0 if figures.within else 1)


@dataclass(frozen=True)
class Figures:
    """What is held against the bars."""

    over_ideal: dict[str, dict[int, float]]
    """By model and lead: MAE over the bound, all units together."""
    over_ideal_by_unit: dict[str, dict[int, float]]
    """The same of the flow, by unit."""
    coverage: dict[str, float]
    """Share of the hours of a unit inside the flow's 80 % interval."""
    leads_worse_than_persistence: list[int]
    arrivals_over_oracle: dict[str, float]

    @classmethod
    def of(cls, scored: Scored) -> Self:
        """The figures of a measurement."""
        flows = scored.census[scored.census["model"] == Flow.name]
        place = flows["site_id"] + "/" + flows["unit_id"]
        return cls(
            over_ideal=ratios(scored.census, "model"),
            over_ideal_by_unit=ratios(flows.assign(unit=place), "unit"),
            coverage={str(unit): float(held) for unit, held in flows.groupby(place)["inside"].mean().items()},
            leads_worse_than_persistence=worse_than_persistence(scored.census, Flow.name),
            arrivals_over_oracle=scored.arrivals,
        )

    @property
    def worst_over_ideal(self) -> float:
        """The flow's larger ratio."""
        return max(self.over_ideal[Flow.name].values())

    @property
    def best_over_oracle(self) -> float:
        """The smallest ratio of any model of arrivals."""
        return min(ratio for model, ratio in self.arrivals_over_oracle.items() if model != ORACLE)

    @property
    def units_off(self) -> list[str]:
        """The units whose intervals hold too much or too little."""
        return [unit for unit, held in self.coverage.items() if abs(held - COVERAGE) > COVERAGE_BAR]

    @property
    def within(self) -> bool:
        """Whether every bar is reached."""
        near = self.worst_over_ideal <= CENSUS_BAR and self.best_over_oracle <= ARRIVALS_BAR
        return near and not self.leads_worse_than_persistence and not self.units_off


def _show(scored: Scored, console: Console) -> None:
    figures = Figures.of(scored)
    leads = [f"{lead} h" for lead in SCORED_LEADS]
    table = Table("model", "unit", *leads, "80 % holds", title="census: MAE over the ideal forecaster's")
    for model, of_model in figures.over_ideal.items():
        table.add_row(model, "all", *(f"{of_model[lead]:.2f}" for lead in SCORED_LEADS), "")
    for unit, of_unit in figures.over_ideal_by_unit.items():
        cells = (f"{of_unit[lead]:.2f}" for lead in SCORED_LEADS)
        table.add_row(Flow.name, unit, *cells, f"{figures.coverage[unit]:.1%}")
    console.print(table)
    arrivals = Table("model", "WQL over the oracle's", title="arrivals")
    for model, ratio in figures.arrivals_over_oracle.items():
        arrivals.add_row(model, f"{ratio:.3f}")
    console.print(arrivals)


if __name__ == "__main__":
    main()
