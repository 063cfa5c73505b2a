"""The phase that settles what a finished backtest's forecasts were worth as staffing plans, and tells it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
import structlog

from forecasting import extract, report
from forecasting.config import Settings, Site
from forecasting.deployment import Deployment
from forecasting.evaluate import Estimate
from forecasting.models.catalogue import REFERENCE
from forecasting.outcome import BacktestRefused, SourceLost
from forecasting.pipeline.backtest.decisions import PastSite, forecast_paths
from forecasting.pipeline.backtest.folder import BacktestFolder
from forecasting.pipeline.backtest.opening import BacktestKey
from forecasting.pipeline.backtest.protocol import Contender
from forecasting.pipeline.backtest.worth import worth_by_week
from forecasting.pipeline.backtest.worth_figures import (
    MEASURES,
    WAITS,
    WorthFigures,
    worth_by_group,
    worth_figures,
)
from forecasting.pipeline.ed_load import past_loads
from forecasting.rules import rule_book
from forecasting.schema import FORECAST, Target
from forecasting.staffing import Turnover, turnover
from forecasting.staffing.turnover import NOTHING_KNOWN
from forecasting.staffing.worth import OURS, PERFECT
from forecasting.tracking import BacktestRuns

log = structlog.get_logger()

DOTS_PER_INCH = 110


@dataclass(frozen=True)
class SettledBacktest:
    """What a contender's forecasts were worth."""

    contender: str
    lead_days: int
    table: pd.DataFrame
    """See :func:`forecasting.pipeline.backtest.worth.worth_by_week`; of all sites."""
    figures: WorthFigures
    files: tuple[Path, Path]
    """The table and the plot."""

    @property
    def by_unit_type(self) -> pd.DataFrame:
        """Each way's sums by unit type, the float pools' heads apart."""
        return worth_by_group(self.table, "unit_type")

    @property
    def answers(self) -> list[str]:
        """The figures in a sentence each."""
        ours, bound = self.figures.ours, self.figures.perfect
        short, saved = (
            f"{_said(share)}, with perfect knowledge {_per_cent(best.value)}"
            for share, best in (
                (ours.short_at_equal_cost, bound.short_at_equal_cost),
                (ours.saved_at_equal_short, bound.saved_at_equal_short),
            )
        )
        return [
            f"head-hours short, of the fixed roster's at equal cost: {short}",
            f"saved of what the fixed roster pays, at equal head-hours short: {saved}",
            f"closed of the way from climatology's cost to perfect knowledge's: {_said(self.figures.closed)}",
        ]


def settle_backtest(
    place: Deployment, backtest_id: str, model: str | None = None, lead_days: int = 0
) -> SettledBacktest:
    """Settle one contender's forecasts against the roster and the hours that came; tell MLflow.

    The roster is the source's, as it stands there today.

    Args:
        place: this installation.
        backtest_id: of a backtest that was scored.
        model: name of the contender, such as ``glm`` or ``tft seed 7``; the only one besides the reference if
            left out. Of a target that it does not forecast the reference speaks.
        lead_days: see :func:`forecasting.pipeline.backtest.decisions.decided_dates`.

    Raises:
        BacktestRefused: there is no such backtest or contender, or nothing to settle.
        SourceLost: the source does not answer.
    """
    folder = BacktestKey(backtest_id, "").folder(place)
    contender = _contender(folder, model)
    runs = BacktestRuns(place.mlflow, place.artifacts)
    run_id = runs.find_backtest(backtest_id)
    pasts = [_past(place, folder, folder.settings.site(one), contender) for one in folder.protocol.site_ids]
    tables = [worth_by_week(past, folder.protocol.nights, lead_days) for past in pasts]
    table = pd.concat(tables, ignore_index=True)
    if table.empty:
        raise BacktestRefused(
            f"backtest {backtest_id} has no week of a unit with a roster, a forecast and an outcome"
        )
    settled = SettledBacktest(
        contender=contender.name,
        lead_days=lead_days,
        table=table,
        figures=worth_figures(table),
        files=_files(folder, contender, lead_days),
    )
    _write(settled, folder)
    if run_id:
        _tell(runs, run_id, settled)
    return settled


def _contender(folder: BacktestFolder, model: str | None) -> Contender:
    every = {one.name: one for one in folder.protocol.contenders}
    others = [name for name in every if name != REFERENCE] or [REFERENCE]
    if model is None and len(others) == 1:
        return every[others[0]]
    if model not in every:
        said = "no --model is named" if model is None else f"the backtest has no contender {model!r}"
        raise BacktestRefused(f"{said}; allowed are {', '.join(every)}")
    return every[model]


def _past(place: Deployment, folder: BacktestFolder, site: Site, contender: Contender) -> PastSite:
    settings, nights = folder.settings, folder.protocol.nights
    first = settings.issued_at(nights[0])
    until = settings.issued_at(nights[-1]) + timedelta(hours=settings.lead_hours)
    try:
        source = extract.connect(place.source)
        roster = extract.extract_roster(source, site, settings, first, until)
        coming_and_going = _turnover(source, site, settings, nights[0])
        load = past_loads(source, site, settings, nights)
    except extract.SourceError as error:
        raise SourceLost(str(error)) from error
    versions = folder.versions[folder.versions["site_id"] == site.site_id]
    return PastSite(
        settings=settings,
        site=site,
        rules=rule_book(settings),
        versions=versions,
        roster=roster,
        turnover=coming_and_going,
        paths=partial(
            forecast_paths, settings, versions, partial(_hourly, folder, site, contender), load=load
        ),
    )


def _turnover(source: sa.Engine, site: Site, settings: Settings, night: date) -> Turnover:
    """How patients came and went before the first night: every later week is planned with it."""
    issued_at = settings.issued_at(night)
    try:
        flows = extract.extract_flows(source, site, settings, issued_at)
    except extract.SourceUnreachable:
        raise
    except extract.SourceError as error:
        log.warning("the work of those who come and go is left out", site=site.site_id, why=str(error))
        return NOTHING_KNOWN
    return turnover(flows["inflow"], flows["departure"], issued_at, site.zone)


def _hourly(
    folder: BacktestFolder, site: Site, contender: Contender, night: date, target: Target
) -> pd.DataFrame:
    if target not in folder.protocol.targets:
        return FORECAST.empty()
    speaks = contender in folder.protocol.contenders_of(target)
    rows = folder.read_night(target, night, contender if speaks else Contender(REFERENCE))
    return rows[rows["site_id"] == site.site_id]


def _files(folder: BacktestFolder, contender: Contender, lead_days: int) -> tuple[Path, Path]:
    name = f"worth_{contender.name.replace(' ', '_')}_{lead_days}"
    return folder.root / f"{name}.csv", folder.plots / f"{name}.png"


def _write(settled: SettledBacktest, folder: BacktestFolder) -> None:
    table, plot = settled.files
    settled.table.to_csv(table, index=False)
    subtitle = (
        f"{', '.join(folder.protocol.site_ids)}; {settled.figures.weeks} weeks; forecasts by "
        f"{settled.contender}; dashed: the fixed roster."
    )
    planning = settled.table[settled.table["way"].isin([OURS, PERFECT])]
    choices = planning.groupby(["way", "price"], as_index=False)[MEASURES].sum()
    figure = report.worth_figure(choices, settled.figures.by_way, subtitle)
    plot.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(plot, dpi=DOTS_PER_INCH)


def _tell(runs: BacktestRuns, run_id: str, settled: SettledBacktest) -> None:
    told = {name: value for name, value in _metrics(settled) if math.isfinite(value)}
    runs.log_metrics(run_id, told)
    for path in settled.files:
        runs.log_file(run_id, path, "worth")
    by_group = pd.concat(
        worth_by_group(settled.table, by).assign(by=by) for by in ("site_id", "unit_type", "role")
    )
    runs.log_table(run_id, by_group, f"worth/by_group_{settled.lead_days}.csv")


def _metrics(settled: SettledBacktest) -> Iterator[tuple[str, float]]:
    place = f"worth_{settled.lead_days}/{settled.contender}"
    figures = settled.figures
    shares = {
        "closed": figures.closed,
        "short_at_equal_cost": figures.ours.short_at_equal_cost,
        "saved_at_equal_short": figures.ours.saved_at_equal_short,
    }
    for name, share in shares.items():
        for end in ("value", "low", "high"):
            yield f"{place}/{name}_percent{'' if end == 'value' else f'_{end}'}", 100 * getattr(share, end)
    for row in figures.by_way.to_dict("records"):
        way = re.sub(r"[^a-z]+", "_", str(row["way"]))
        yield from ((f"{place}/{way}/{measure}", float(row[measure])) for measure in [*MEASURES, *WAITS])


def _said(share: Estimate) -> str:
    if math.isnan(share.value):
        return "an unknown share (no price of a missing head leads there)"
    if math.isnan(share.low):
        return _per_cent(share.value)
    return f"{_per_cent(share.value)} ({_per_cent(share.low)} to {_per_cent(share.high)})"


def _per_cent(share: float) -> str:
    return "unknown" if math.isnan(share) else f"{100 * share:.1f} %"
