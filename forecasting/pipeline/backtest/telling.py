"""Scores to people: plots, MLflow, and what could not be compared."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from forecasting import report
from forecasting.blocks import HOUR
from forecasting.config import Settings, Site, Unit
from forecasting.deployment import Deployment
from forecasting.models.catalogue import REFERENCE
from forecasting.pipeline.backtest.folder import BacktestFolder
from forecasting.pipeline.backtest.history import outcomes as outcomes_of
from forecasting.pipeline.backtest.opening import BacktestKey
from forecasting.pipeline.backtest.protocol import BacktestProtocol, Contender
from forecasting.pipeline.backtest.scoring import ALL, calibration_of, hours_of, scores_of, stand_ins
from forecasting.schema import Target
from forecasting.tracking import BacktestRuns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURES = ["wql", "skill", "skill_low", "skill_high", "mae", "bias", "pinball"]
COVERAGES = ["coverage_80", "coverage_90", "pit_80", "pit_90"]
FLOORS = ["floor", "gap_closed"]
BY_GROUP = ["wql", "skill", "coverage_80", "coverage_90"]
HEADINGS = {"lead_day": "days ahead", "unit": "unit", "shift": "shift"}
FANS = 3
"""Issue times in a page of fans: the first, the last, and one between."""
SITES_WITH_FANS = 4
DOTS_PER_INCH = 110


@dataclass(frozen=True)
class BacktestResult:
    """What came of a backtest, for who asked it."""

    scores: pd.DataFrame
    """See :func:`forecasting.pipeline.backtest.scoring.scores_of`; of all targets."""
    remarks: list[str]
    """Where the reference stood in for a contender, and which series nobody forecast: a sentence each."""
    folder: Path
    plots: list[Path]

    @property
    def answers(self) -> list[str]:
        """Which model is best over the hours, in a sentence per target."""
        overall = self.scores[(self.scores["by"] == ALL) & (self.scores["period"] == HOUR)]
        return [f"{target}: {report.answer(rows)}" for target, rows in overall.groupby("target", sort=False)]


def score_backtest(place: Deployment, key: BacktestKey) -> int:
    """Join the parts, and score them; returns how many rows of scores were written."""
    folder = key.folder(place)
    settings, protocol = folder.settings, folder.protocol
    folder.join_parts()
    forecasts, came = folder.read_forecasts(), outcomes_of(folder.versions)
    names = [contender.name for contender in protocol.contenders]
    tables = [scores_of(hours_of(forecasts, came, target, settings), names) for target in protocol.targets]
    scores = pd.concat(tables, ignore_index=True)
    folder.write_scores(scores)
    return len(scores)


def tell_backtest(place: Deployment, key: BacktestKey) -> BacktestResult:
    """Draw the plots, and tell MLflow: a parent that answers, and a child for each contender and target."""
    folder = key.folder(place)
    settings, protocol = folder.settings, folder.protocol
    forecasts, came, scores = folder.read_forecasts(), outcomes_of(folder.versions), folder.read_scores()
    runs = BacktestRuns(place.mlflow, place.artifacts)
    remarks = _remarks(forecasts, settings, protocol)
    plots = []
    for target in protocol.targets:
        of_target = scores[scores["target"] == target]
        spoken = forecasts[(forecasts["target"] == target) & (forecasts["period"] == HOUR)]
        drawn = _save(folder, target.value, _comparisons(spoken, came, of_target, target, folder))
        plots += drawn
        for path in drawn:
            runs.log_file(key.mlflow_run_id, path, f"plots/{target.value}")
        for contender in protocol.contenders:
            mine = spoken[spoken["model"] == contender.name]
            fans = _save(
                folder,
                f"{target.value}/{contender.name.replace(' ', '_')}",
                _fans(mine, came, of_target, target, settings),
            )
            plots += fans
            _tell_contender(runs, key, protocol, contender, target, of_target, mine, [*fans, *drawn])
    overall = scores[(scores["by"] == ALL) & (scores["period"] == HOUR)]
    known = overall.melt(["target", "model"], ["wql", "skill"]).dropna()
    names = known["target"] + "/" + known["model"] + "/" + known["variable"]
    runs.log_metrics(key.mlflow_run_id, dict(zip(names, known["value"].astype(float), strict=True)))
    pages = [
        f"[{target.value}: charts of all models](#{runs.comparison(key.backtest_id, target.value)})"
        for target in protocol.targets
    ]
    text = [*pages, "", report.scores_markdown(scores, HEADINGS), *(f"* {remark}" for remark in remarks)]
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
    scores: pd.DataFrame,
    forecasts: pd.DataFrame,
    plots: list[Path],
) -> None:
    run_id = runs.open_contender(
        key.mlflow_run_id,
        f"{target.value} {contender.name}",
        {"backtest_id": key.backtest_id, "target": target.value, "model": contender.model},
    )
    asked = protocol.as_json()
    params = {name: asked[name] for name in ("first", "last", "step_days", "refit_days")}
    seed = {} if contender.seed is None else {"seed": contender.seed}
    sites = ", ".join(protocol.site_ids)
    runs.log_params(
        run_id, {"target": target.value, "model": contender.model, **seed, **params, "sites": sites}
    )
    mine = scores[scores["model"] == contender.name]
    stood_in = forecasts["note"].ne("").mean() if len(forecasts) else math.nan
    metrics = {**dict(_metrics(mine)), "stood_in_share": float(stood_in)}
    runs.log_metrics(run_id, {name: value for name, value in metrics.items() if math.isfinite(value)})
    by_lead = mine[(mine["by"] == "lead_day") & (mine["period"] == HOUR)]
    curves = {
        f"by_lead_day/{name}": dict(zip(by_lead["group"].astype(int), by_lead[name], strict=True))
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
            yield from ((name, float(row[name])) for name in [*overall, "hours"])
        elif row["by"] == ALL:
            yield from ((f"period_{row['period']}/{name}", float(row[name])) for name in overall)
        elif row["period"] == HOUR:
            group = str(row["group"]).replace("/", ".")
            for name in BY_GROUP if row["by"] == "unit" else BY_GROUP[:2]:
                yield f"{name}_by_{row['by']}/{group}", float(row[name])


def _comparisons(
    forecasts: pd.DataFrame, came: pd.DataFrame, scores: pd.DataFrame, target: Target, folder: BacktestFolder
) -> Iterator[tuple[str, Figure]]:
    """Plots of all contenders of a target, by the name of their file."""
    settings, protocol = folder.settings, folder.protocol
    hours = hours_of(forecasts, came, target, settings)
    if hours.empty:
        return
    title = report.MEASURE[target]
    subtitle = _subtitle(protocol)
    scores = scores[scores["period"] == HOUR]
    by_lead = scores[scores["by"] == "lead_day"]
    by_lead = by_lead.assign(lead_day=by_lead["group"].astype(int))
    yield "skill_by_lead", report.skill_figure(by_lead, title, subtitle, REFERENCE)
    names = [contender.name for contender in protocol.contenders]
    calibration = calibration_of(hours, settings.horizon.quantile_levels, names)
    inner = calibration[calibration["pit_to"] < 1].rename(columns={"pit_to": "level"})
    yield "reliability", report.reliability_figure(inner, title, subtitle)
    yield "pit_histogram", report.pit_figure(calibration, title, subtitle)
    by_unit = scores[scores["by"] == "unit"].rename(columns={"group": "series"})
    yield "coverage_by_unit", report.coverage_figure(by_unit, title, subtitle)


def _fans(
    forecasts: pd.DataFrame, came: pd.DataFrame, scores: pd.DataFrame, target: Target, settings: Settings
) -> Iterator[tuple[str, Figure]]:
    """A contender's fans for the busiest unit of each of the first sites."""
    of_target = came[came["target"] == target]
    busy = of_target.groupby(["site_id", "unit_id"])["value"].sum().sort_values(ascending=False)
    spoken = set(zip(forecasts["site_id"], forecasts["unit_id"], strict=True))
    busiest: dict[str, str] = {}
    for site_id, unit_id in busy.index:
        if (site_id, unit_id) in spoken:
            busiest.setdefault(site_id, unit_id)
    for site_id, unit_id in list(busiest.items())[:SITES_WITH_FANS]:
        site, unit = _unit(settings, site_id, unit_id)
        of_unit = (forecasts["site_id"] == site_id) & (forecasts["unit_id"] == unit_id)
        times = _spread_out(sorted(forecasts.loc[of_unit, "issued_at"].unique()))
        figure = report.past_fans_figure(came, forecasts, site, unit, target, times)
        yield f"fans_{site_id}_{unit_id}", figure


def _unit(settings: Settings, site_id: str, unit_id: str) -> tuple[Site, Unit]:
    site = settings.site(site_id)
    return site, next(unit for unit in site.units if unit.unit_id == unit_id)


def _spread_out(times: list[datetime]) -> list[datetime]:
    places = {round(number * (len(times) - 1) / (FANS - 1)) for number in range(FANS)}
    return [times[place] for place in sorted(places)]


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


def _remarks(forecasts: pd.DataFrame, settings: Settings, protocol: BacktestProtocol) -> list[str]:
    remarks = []
    for (target, model, note), rows in stand_ins(forecasts).groupby(["target", "model", "note"]):
        series = [f"{row.site_id}/{row.unit_id}" for row in rows.itertuples()]
        remarks.append(
            f"{target}: {REFERENCE} stood in for {model} in {', '.join(series)} "
            f"from up to {rows['issue_times'].max()} of {len(protocol.nights)} issue times: {note}"
        )
    spoken = set(zip(forecasts["target"], forecasts["site_id"], forecasts["unit_id"], strict=True))
    for target in protocol.targets:
        silent = [
            f"{site.site_id}/{unit.unit_id}"
            for site in map(settings.site, protocol.site_ids)
            for unit in site.units
            if (target is Target.BED_CENSUS or unit == site.ed)
            and (target.value, site.site_id, unit.unit_id) not in spoken
        ]
        if silent:
            remarks.append(f"{target.value}: left out, never observed before: {', '.join(silent)}")
    return remarks
