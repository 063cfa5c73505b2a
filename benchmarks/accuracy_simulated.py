"""How near our forecasts come to what is possible, on simulated hospitals whose law is known.

The demo's sites are simulated for two years into a database; from it observations and flows are extracted as
they were known at each of many issue times in the last months, and every model forecasts from them. Census
is measured beside the ideal forecaster, who knows each patient's survival law and the law of who comes (see
``ideal_census``); arrivals beside the one who knows the hour's rate, weather included, but not the shocks.

The flow's constants were chosen on other seeds, 101 and 102; the rate of the calibration's feedback on 101.

The bound supposes that beds are always free and days alike. In wards that fill up, who waits takes each bed
that is left, the census hardly moves, and even persistence comes near the bound; in an ED whole days are
busier and patients wait, and nobody reaches it. So the forecaster who knows the whole law stands beside it
(``oracle_census``).

A unit's census of one week says much of the next: 40 issue times tell its coverage no better than the printed
interval says.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Sequence
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

from benchmarks.census_walk import census_walk
from benchmarks.ideal_census import ideal_census
from benchmarks.oracle_census import OracleCensus
from forecasting import evaluate
from forecasting.config import Settings, Site, read_settings
from forecasting.extract import connect, extract, extract_flows
from forecasting.features import build_panel
from forecasting.models import Climatology
from forecasting.models.ensemble import Ensemble
from forecasting.models.flow import Flows
from forecasting.models.gbm import Gbm
from forecasting.models.holdout import as_known_at
from forecasting.models.interface import forecast_frame
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
OURS = Ensemble.name
RIVALS = ("persistence", Gbm.name)
LEARNT_FROM = 20
"""Issue times before the scored ones, of which the ensemble learns."""
HOUR = ["issued_at", "site_id", "unit_id", "valid_at"]
UNIT = ["site_id", "unit_id"]


@dataclass(frozen=True)
class Scored:
    """Census hours of every model with the ideal forecaster's bound, and arrivals' WQL over the oracle's."""

    census: pd.DataFrame
    """Per model, issue time, unit and lead: outcome, the median's error, mean pinball loss, whether the 80 %
    interval held; at the scored leads the bound. Of the oracle, only those leads and the error."""
    arrivals: dict[str, float]


def measure(settings: Settings, seed: int, origins: int, console: Console) -> Scored:
    """Simulate, extract as of each issue time, forecast and score, a site after the other."""
    nights = [LAST_NIGHT - timedelta(days=DAYS_BETWEEN * number) for number in range(origins + LEARNT_FROM)]
    issue_times = [settings.issued_at(night) for night in reversed(nights)]
    scored = issue_times[LEARNT_FROM:]
    census, arrivals, outcomes = [], [], []
    for site, hospital in zip(settings.sites, simulate_sites(settings, START, UNTIL, seed), strict=True):
        with console.status(site.name):
            source = _extracted(settings, site, hospital, issue_times)
            panel = build_panel(source.observed, Target.BED_CENSUS, settings, UNTIL, [site])
            told = census_walk(panel, source.flows, settings, issue_times, LEARNT_FROM)
            arrivals += _arrivals(settings, site, hospital, source.observed, scored)
            outcomes.append(source.observed)
            oracle = OracleCensus.of(site, (START, UNTIL), seed, issue_times[0])
            known = pd.concat(
                [_errors(told, source.observed), _oracle_errors(oracle, source.observed, scored)]
            )
            census.append(_bounded(known, hospital, site, seed))
    scores = evaluate.score(pd.concat(arrivals), pd.concat(outcomes), reference=ORACLE)
    overall = scores[scores["site_id"] == evaluate.ALL].set_index("model")["wql"]
    return Scored(pd.concat(census, ignore_index=True), (overall / overall[ORACLE]).to_dict())


@dataclass(frozen=True)
class _Source:
    observed: pd.DataFrame
    flows: dict[datetime, Flows]


def _extracted(
    settings: Settings, site: Site, hospital: Hospital, issue_times: Sequence[datetime]
) -> _Source:
    """A simulated site's observations, and its flows as known at each issue time, through a database."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'source.db'}"
        engine = sa.create_engine(url)
        write_source(hospital, engine)
        engine.dispose()
        source = connect(url)
        observed = extract(source, site, settings, START, UNTIL)["observation"]
        return _Source(
            observed, {at: Flows(**extract_flows(source, site, settings, at)) for at in issue_times}
        )


def _arrivals(
    settings: Settings,
    site: Site,
    hospital: Hospital,
    observed: pd.DataFrame,
    issue_times: Sequence[datetime],
) -> list[pd.DataFrame]:
    """The forecasts of arrivals by climatology and by the oracle."""
    panel = build_panel(observed, Target.ED_ARRIVALS, settings, UNTIL, [site])
    told = []
    for issued_at in issue_times:
        known = as_known_at(panel, issued_at)
        fitted = Climatology.fit(known, settings, issued_at, Target.ED_ARRIVALS)
        told += [fitted.predict(known, issued_at), _oracle(hospital, site, settings, issued_at)]
    return told


def _oracle(hospital: Hospital, site: Site, settings: Settings, issued_at: datetime) -> pd.DataFrame:
    """Arrivals of the known rate, whose shocks are only known in law: negative binomial of their variance."""
    levels, leads = settings.horizon.quantile_levels, settings.lead_hours
    truth = hospital.truth.set_index("valid_at")["expected_rate"]
    shocks = np.array([DAY_SHOCK, QUARTER_SHOCK, HOUR_SHOCK]) / truth.mean()
    variance = float(np.prod(1 + shocks) - 1)
    hours = pd.date_range(issued_at, periods=leads, freq="h")
    rate = truth.reindex(hours).to_numpy()[:, None]
    values = nbinom.ppf(levels, 1 / variance, 1 / (1 + rate * variance))
    unit_id = site.ed.unit_id if site.ed else ""
    key = {(site.site_id, unit_id): np.asarray(values)}
    return forecast_frame(key, levels, issued_at, Target.ED_ARRIVALS, ORACLE, "1")


def _errors(forecasts: pd.DataFrame, observed: pd.DataFrame) -> pd.DataFrame:
    """Of each hour told: the outcome, the median's error, the mean pinball loss, whether 80 % held it."""
    wide = forecasts.pivot_table(index=["model", *HOUR], columns="quantile", values="value").reset_index()
    hours = _with_outcome(wide, observed)
    outcome = hours["outcome"].to_numpy()
    levels = np.array(sorted(forecasts["quantile"].unique()))
    above = outcome[:, None] - hours[levels].to_numpy()
    return hours[["model", *HOUR, "lead", "outcome"]].assign(
        error=np.abs(outcome - hours[0.5].to_numpy()),
        pinball=np.maximum(levels * above, (levels - 1) * above).mean(axis=1),
        inside=((outcome >= hours[0.1]) & (outcome <= hours[0.9])).astype(float),
    )


def _oracle_errors(
    oracle: OracleCensus, observed: pd.DataFrame, issue_times: Sequence[datetime]
) -> pd.DataFrame:
    """The error of the oracle's median at the scored leads."""
    site = oracle.law.site
    futures = oracle.futures(issue_times, SCORED_LEADS)
    rows = [
        {
            "model": ORACLE,
            "issued_at": pd.Timestamp(issued_at).tz_convert("UTC"),
            "site_id": site.site_id,
            "unit_id": unit.unit_id,
            "valid_at": pd.Timestamp(issued_at).tz_convert("UTC") + pd.Timedelta(hours=lead),
            "median": median,
        }
        for issued_at, census in zip(issue_times, futures, strict=True)
        for unit, by_lead in zip(site.units, np.median(census, axis=0), strict=True)
        for lead, median in zip(SCORED_LEADS, by_lead.tolist(), strict=True)
    ]
    hours = _with_outcome(pd.DataFrame(rows), observed)
    return hours.assign(error=(hours["outcome"] - hours["median"]).abs()).drop(columns="median")


def _with_outcome(hours: pd.DataFrame, observed: pd.DataFrame) -> pd.DataFrame:
    census = observed[observed["target"] == Target.BED_CENSUS].dropna(subset=["value"])
    came = census[[*UNIT, "valid_at", "value"]].rename(columns={"value": "outcome"})
    known = hours.merge(came, on=[*UNIT, "valid_at"])
    return known.assign(lead=(known["valid_at"] - known["issued_at"]).dt.total_seconds().astype(int) // 3600)


def _bounded(hours: pd.DataFrame, hospital: Hospital, site: Site, seed: int) -> pd.DataFrame:
    """The hours with the ideal forecaster's bound at the scored leads."""
    ideal = {unit.unit_id: ideal_census(hospital, site, unit, seed) for unit in site.units}
    place = ["unit_id", "issued_at", "lead"]
    asked = hours.loc[hours["lead"].isin(SCORED_LEADS), place].drop_duplicates()
    places = zip(asked["unit_id"], asked["issued_at"], asked["lead"], strict=True)
    bounds = asked.assign(bound=[ideal[unit].least_mae(at, lead) for unit, at, lead in places])
    return hours.merge(bounds, on=place, how="left").reset_index(drop=True)


def gains(census: pd.DataFrame, model: str, rival: str) -> dict[str, dict[str, float]]:
    """By which share of the rival's loss a model is better: pinball over all leads, the error at two.

    Paired by hour, with the interval of :func:`forecasting.evaluate.compare`.
    """
    told = census[census["model"].isin([model, rival])]
    hours = {"all leads": told}
    for lead in SCORED_LEADS:
        at = told[told["lead"] == lead]
        hours[f"{lead} h"] = at.assign(pinball=at["error"])
    found = {name: evaluate.compare(some, model, rival) for name, some in hours.items()}
    return {
        name: {
            "gain": of.difference / of.champion_wql,
            "low": of.low / of.champion_wql,
            "high": of.high / of.champion_wql,
        }
        for name, of in found.items()
    }


def coverage(census: pd.DataFrame, model: str) -> dict[str, dict[str, float]]:
    """By unit the share of hours inside the 80 % interval, ``held``, and that share's interval."""
    told = census[census["model"] == model]
    place = told["site_id"] + "/" + told["unit_id"]
    # A WQL is twice the sum of losses over that of outcomes: here, of hours held over hours.
    share = told.assign(unit=place, pinball=told["inside"] / 2, outcome=1.0)
    table = evaluate.wql_intervals(share, ["unit"])
    return {
        str(unit): {"held": float(held), "low": float(low), "high": float(high)}
        for unit, held, low, high in zip(
            table["unit"], table["wql"], table["low"], table["high"], strict=True
        )
    }


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
    console = Console(width=120)
    figures = Figures.of(measure(settings, arguments.seed, arguments.origins, console))
    show(figures, console)
    if arguments.json:
        record = {"seed": arguments.seed, "origins": arguments.origins, **asdict(figures)}
        arguments.json.write_text(json.dumps(record) + "\n")
    print(
        f"accuracy-simulated: census {figures.worst_over_ideal:.2f} x the ideal ({CENSUS_BAR:.2f}), "
        f"arrivals {figures.best_over_oracle:.3f} x the oracle ({ARRIVALS_BAR:.2f}), "
        f"{len(figures.leads_worse_than_persistence)} leads worse than persistence (0), "
        f"{len(figures.rivals_not_beaten)} comparisons within noise (0), "
        f"{len(figures.units_off)} units off {COVERAGE:.0%} by more than {COVERAGE_BAR:.0%} (0)"
    )
    sys.exit(0 if figures.within else 1)


@dataclass(frozen=True)
class Figures:
    """What is held against the bars."""

    over_ideal: dict[str, dict[int, float]]
    """By model and lead: MAE over the bound, all units together."""
    over_ideal_by_unit: dict[str, dict[str, dict[int, float]]]
    """The same of the ensemble and of the oracle, by unit."""
    coverage: dict[str, dict[str, float]]
    """By unit the share of hours inside the ensemble's 80 % interval, and the interval of that share."""
    gains: dict[str, dict[str, dict[str, float]]]
    """By rival and lead, by which share of the rival's loss the ensemble is better, and its interval."""
    leads_worse_than_persistence: list[int]
    arrivals_over_oracle: dict[str, float]

    @classmethod
    def of(cls, scored: Scored) -> Self:
        """The figures of a measurement."""
        place = scored.census["site_id"] + "/" + scored.census["unit_id"]
        by_unit = scored.census.assign(unit=place)
        return cls(
            over_ideal=ratios(scored.census, "model"),
            over_ideal_by_unit={
                model: ratios(by_unit[by_unit["model"] == model], "unit") for model in (OURS, ORACLE)
            },
            coverage=coverage(scored.census, OURS),
            gains={rival: gains(scored.census, OURS, rival) for rival in RIVALS},
            leads_worse_than_persistence=worse_than_persistence(scored.census, OURS),
            arrivals_over_oracle=scored.arrivals,
        )

    @property
    def worst_over_ideal(self) -> float:
        """The ensemble's larger ratio."""
        return max(self.over_ideal[OURS].values())

    @property
    def best_over_oracle(self) -> float:
        """The smallest ratio of any model of arrivals."""
        return min(ratio for model, ratio in self.arrivals_over_oracle.items() if model != ORACLE)

    @property
    def rivals_not_beaten(self) -> list[str]:
        """Rival and lead where chance may explain the gain."""
        return [
            f"{rival} {lead}"
            for rival, by_lead in self.gains.items()
            for lead, gain in by_lead.items()
            if not gain["low"] > 0
        ]

    @property
    def units_off(self) -> list[str]:
        """The units whose intervals hold too much or too little."""
        return [unit for unit, of in self.coverage.items() if abs(of["held"] - COVERAGE) > COVERAGE_BAR]

    @property
    def within(self) -> bool:
        """Whether every bar is reached."""
        near = self.worst_over_ideal <= CENSUS_BAR and self.best_over_oracle <= ARRIVALS_BAR
        better = not self.leads_worse_than_persistence and not self.rivals_not_beaten
        return near and better and not self.units_off


def show(figures: Figures, console: Console) -> None:
    """The figures as tables."""
    leads = [f"{lead} h" for lead in SCORED_LEADS]
    models = Table("model", *leads, title="census: MAE over the ideal forecaster's bound")
    for model, ratio in figures.over_ideal.items():
        models.add_row(model, *(f"{ratio[lead]:.2f}" for lead in SCORED_LEADS))
    console.print(models)
    ours, oracle = (figures.over_ideal_by_unit[model] for model in (OURS, ORACLE))
    heads = [head for lead in leads for head in (f"{OURS} {lead}", f"{ORACLE} {lead}")]
    units = Table("unit", *heads, "80 % holds", "90 % interval", title="by unit")
    for unit, held in figures.coverage.items():
        cells = [f"{of[unit][lead]:.2f}" for lead in SCORED_LEADS for of in (ours, oracle)]
        units.add_row(unit, *cells, f"{held['held']:.1%}", f"{held['low']:.0%} to {held['high']:.0%}")
    console.print(units)
    better = Table("better than", "at", "by", "90 % interval", title=f"the {OURS}'s gain, paired")
    for rival, by_lead in figures.gains.items():
        for lead, gain in by_lead.items():
            better.add_row(rival, lead, f"{gain['gain']:.1%}", f"{gain['low']:.1%} to {gain['high']:.1%}")
    console.print(better)
    arrivals = Table("model", "WQL over the oracle's", title="arrivals")
    for model, over in figures.arrivals_over_oracle.items():
        arrivals.add_row(model, f"{over:.3f}")
    console.print(arrivals)


if __name__ == "__main__":
    main()
