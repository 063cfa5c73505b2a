"""Scores to people: plots, MLflow, and what could not be compared."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from forecasting import report
from forecasting.blocks import HOUR
from forecasting.config import Settings, Site, Unit
from forecasting.deployment import Deployment
from forecasting.models.catalogue import REFERENCE
from forecasting.pipeline.backtest.folder import INTERPRETED, BacktestFolder, Scores
from forecasting.pipeline.backtest.history import outcomes as outcomes_of
from forecasting.pipeline.backtest.opening import BacktestKey
from forecasting.pipeline.backtest.protocol import BacktestProtocol, Contender
from forecasting.pipeline.backtest.remarks import remarks_of
from forecasting.pipeline.backtest.tally import ALL
from forecasting.schema import Target
from forecasting.tracking import BacktestRuns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURES = ["wql", "skill", "skill_low", "skill_high", "mae", "bias", "pinball"]
COVERAGES = ["coverage_80", "coverage_90", "pit_80", "pit_90"]
FLOORS = ["floor", "gap_closed"]
BY_GROUP = ["wql", "skill", "coverage_80", "coverage_90"]
HEADINGS = {"lead_day": "days ahead", "site": "site", "unit": "unit", "shift": "shift"}
FANS = 3
"""Issue times in a page of fans: the first, the last, and one between."""
SITES_WITH_FANS = 4
DOTS_PER_INCH = 110


@dataclass(frozen=True)
class BacktestResult:
    """What came of a backtest, for who asked it."""

    scores: pd.DataFrame
    """See :func:`forecasting.pipeline.backtest.tally.scores_of`; of all targets."""
    remarks: list[str]
    """Where the reference stood in for a contender, and which series nobody forecast: a sentence each."""
    folder: Path
    plots: list[Path]

    @property
    def answers(self) -> list[str]:
        """Which model is best over the hours, in a sentence per target."""
        overall = self.scores[(self.scores["by"] == ALL) & (self.scores["period"] == HOUR)]
        return [f"{target}: {report.answer(rows)}" for target, rows in overall.groupby("target", sort=False)]


def tell_backtest(place: Deployment, key: BacktestKey) -> BacktestResult:
    """Draw the plots, and tell MLflow: a parent that answers, and a child for each contender and target."""
    folder = key.folder(place)
    protocol, found = folder.protocol, folder.read_scores()
    scores, came = found.table, outcomes_of(folder.versions)
    runs = BacktestRuns(place.mlflow, place.artifacts)
    remarks = remarks_of(found, folder.settings, protocol)
    plots = []
    for target in protocol.targets:
        of_target = Scores(
            *(table[table["target"] == target] for table in (found.table, found.calibration, found.voices))
        )
        drawn = _save(folder, target.value, _comparisons(of_target, target, protocol))
        plots += drawn
        for path in drawn:
            runs.log_file(key.mlflow_run_id, path, f"plots/{target.value}")
        for contender in protocol.contenders_of(target):
            own = _save(
                folder,
                f"{target.value}/{contender.name.replace(' ', '_')}",
                chain(
                    _fans(folder, contender, target, of_target.voices, came),
                    _interpretations(folder, contender, target),
                ),
            )
            plots += own
            _tell_contender(runs, key, protocol, contender, target, of_target, [*own, *drawn])
    overall = scores[(scores["by"] == ALL) & (scores["period"] == HOUR)]
    said = {
        f"{row['target']}/{row['model']}/{_in_mlflow(name)}": _figure(name, float(row[name]))
        for row in overall.to_dict("records")
        for name in ("wql", "skill")
        if math.isfinite(row[name])
    }
    runs.log_metrics(key.mlflow_run_id, said)
    pages = [
        f"[{target.value}: charts of all models](#{runs.comparison(key.backtest_id, target.value)})"
        for target in protocol.targets
    ]
    text = [
        report.answers_markdown(scores),
        *(f"* {remark}" for remark in remarks),
        "",
        *pages,
        "",
        report.scores_markdown(scores, HEADINGS),
    ]
    runs.describe(key.mlflow_run_id, "\n".join(text))
    for path in (folder.scores, folder.forecasts):
        runs.log_file(key.mlflow_run_id, path)
    runs.close(key.mlflow_run_id, succeeded=True)
    return BacktestResult(scores, remarks, folder.root, plots)


def backtest_page(place: Deployment, key: BacktestKey, server: str) -> str:
    """The page on an MLflow server where a backtest's answer stands."""
    return BacktestRuns(place.mlflow, place.artifacts).page_of(server, key.mlflow_run_id)


def _tell_contender(
    runs: BacktestRuns,
    key: BacktestKey,
    protocol: BacktestProtocol,
    contender: Contender,
    target: Target,
    found: Scores,
    plots: list[Path],
) -> None:
    run_id = runs.open_contender(
        key.mlflow_run_id,
        f"{target.value} {contender.name}",
        {"backtest_id": key.backtest_id, "target": target.value, "model": contender.model},
    )
    asked = protocol.as_json()
    seeded = {} if contender.seed is None else {"seed": contender.seed}
    params = {
        "target": target.value,
        "model": contender.model,
        **seeded,
        **{name: asked[name] for name in ("first", "last", "step_days", "refit_days")},
        "sites": ", ".join(protocol.site_ids),
    }
    runs.log_params(run_id, params)
    mine = found.table[found.table["model"] == contender.name]
    metrics = {**dict(_metrics(mine)), "stood_in_share": _stood_in(found.voices, contender)}
    runs.log_metrics(run_id, {name: value for name, value in metrics.items() if math.isfinite(value)})
    by_lead = mine[(mine["by"] == "lead_day") & (mine["period"] == HOUR)]
    curves = {
        f"by_lead_day/{_in_mlflow(name)}": {
            int(row["group"]): _figure(name, float(row[name])) for row in by_lead.to_dict("records")
        }
        for name in BY_GROUP
        if by_lead[name].notna().all()
    }
    runs.log_curves(run_id, curves)
    for path in plots:
        runs.log_file(run_id, path, "plots")
    runs.log_table(run_id, mine, "scores.csv")
    runs.close(run_id, succeeded=True)


def _metrics(scores: pd.DataFrame) -> Iterator[tuple[str, float]]:
    """Each score under the name it has in MLflow, where what stands before a slash is a section of charts."""
    for row in scores.to_dict("records"):
        overall = [*MEASURES, *COVERAGES, *(name for name in FLOORS if name in row)]
        if row["by"] == ALL and row["period"] == HOUR:
            names = {name: _in_mlflow(name) for name in [*overall, "hours"]}
        elif row["by"] == ALL:
            names = {name: f"period_{row['period']}/{_in_mlflow(name)}" for name in overall}
        elif row["period"] == HOUR:
            group = str(row["group"]).replace("/", ".")
            told = BY_GROUP if row["by"] == "unit" else BY_GROUP[:2]
            names = {name: f"{_in_mlflow(name)}_by_{row['by']}/{group}" for name in told}
        else:
            names = {}
        yield from ((told, _figure(name, float(row[name]))) for name, told in names.items())


def _in_mlflow(measure: str) -> str:
    return measure.replace("skill", "skill_percent")


def _figure(measure: str, value: float) -> float:
    """MLflow's charts write two decimals: too few for a skill that is a share."""
    return 100 * value if measure.startswith("skill") else value


def _stood_in(voices: pd.DataFrame, contender: Contender) -> float:
    """Share of a contender's hours in which the reference spoke."""
    mine = voices[voices["model"] == contender.name]
    return float(mine.loc[mine["note"] != "", "hours"].sum() / mine["hours"].sum()) if len(mine) else math.nan


def _comparisons(found: Scores, target: Target, protocol: BacktestProtocol) -> Iterator[tuple[str, Figure]]:
    """Plots of all contenders of a target, by the name of their file."""
    scores = found.table[found.table["period"] == HOUR]
    if scores.empty:
        return
    title, subtitle = report.MEASURE[target], _subtitle(protocol)
    by_lead = scores[scores["by"] == "lead_day"]
    by_lead = by_lead.assign(lead_day=by_lead["group"].astype(int))
    yield "skill_by_lead", report.skill_figure(by_lead, title, subtitle, REFERENCE)
    calibration = found.calibration
    inner = calibration[calibration["pit_to"] < 1].rename(columns={"pit_to": "level"})
    yield "reliability", report.reliability_figure(inner, title, subtitle)
    yield "pit_histogram", report.pit_figure(calibration, title, subtitle)
    by_unit = scores[scores["by"] == "unit"].rename(columns={"group": "series"})
    yield "coverage_by_unit", report.coverage_figure(by_unit, title, subtitle)


def _fans(
    folder: BacktestFolder, contender: Contender, target: Target, voices: pd.DataFrame, came: pd.DataFrame
) -> Iterator[tuple[str, Figure]]:
    """A contender's fans for the busiest unit of each of the first sites."""
    settings, protocol = folder.settings, folder.protocol
    of_target = came[(came["target"] == target) & (came["valid_at"] >= settings.issued_at(protocol.first))]
    busy = of_target.groupby(["site_id", "unit_id"])["value"].sum().sort_values(ascending=False)
    mine = voices[voices["model"] == contender.name]
    spoken = set(zip(mine["site_id"], mine["unit_id"], strict=True))
    busiest: dict[str, str] = {}
    for site_id, unit_id in busy.index:
        if (site_id, unit_id) in spoken:
            busiest.setdefault(site_id, unit_id)
    rows = pd.concat(folder.read_night(target, night, contender) for night in _spread_out(protocol.nights))
    hourly = rows[rows["period"] == HOUR]
    too_small = came["value"].gt(0) & came["value"].lt(settings.privacy.smallest_count)
    shown = came.assign(value=came["value"].mask(too_small))
    for site_id, unit_id in list(busiest.items())[:SITES_WITH_FANS]:
        site, unit = _unit(settings, site_id, unit_id)
        of_unit = (hourly["site_id"] == site_id) & (hourly["unit_id"] == unit_id)
        times = sorted(hourly.loc[of_unit, "issued_at"].unique())
        if times:
            figure = report.past_fans_figure(shown, hourly, site, unit, target, times)
            yield f"fans_{site_id}_{unit_id}", figure


def _interpretations(
    folder: BacktestFolder, contender: Contender, target: Target
) -> Iterator[tuple[str, Figure]]:
    """What a contender that can tell it looks at, mean over its refits."""
    variables, attention = (folder.read_interpretation(target, contender, name) for name in INTERPRETED)
    if variables.empty:
        return
    variables = variables.groupby(["part", "variable"])["importance"].mean().reset_index()
    attention = attention.groupby(["lead", "hour"])["attention"].mean().reset_index()
    title = f"{report.MEASURE[target]}, {contender.name}"
    figures = report.interpretation_figures(variables, attention, title, _subtitle(folder.protocol))
    yield from figures.items()


def _unit(settings: Settings, site_id: str, unit_id: str) -> tuple[Site, Unit]:
    site = settings.site(site_id)
    return site, next(unit for unit in site.units if unit.unit_id == unit_id)


def _spread_out(nights: Sequence[date]) -> list[date]:
    places = {round(number * (len(nights) - 1) / (FANS - 1)) for number in range(FANS)}
    return [nights[place] for place in sorted(places)]


def _save(folder: BacktestFolder, name: str, figures: Iterator[tuple[str, Figure]]) -> list[Path]:
    paths = []
    place = folder.plots / name
    for file, figure in figures:
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"{file}.png"
        figure.savefig(path, dpi=DOTS_PER_INCH)
        paths.append(path)
    return paths


def _subtitle(protocol: BacktestProtocol) -> str:
    nights = protocol.nights
    times = (
        f"{len(nights)} issue times, {nights[0]} to {nights[-1]}"
        if len(nights) > 1
        else f"issued on {nights[0]}"
    )
    return f"{', '.join(protocol.site_ids)}; {times}; fitted every {protocol.refit_days} days."
