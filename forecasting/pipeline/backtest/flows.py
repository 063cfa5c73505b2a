"""The flow of patients at each issue time, counted in the source once and kept with the backtest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from forecasting import extract
from forecasting.models import Flows
from forecasting.models.catalogue import CATALOGUE
from forecasting.outcome import SourceLost, TrainingFailed
from forecasting.pipeline.backtest.folder import BacktestFolder
from forecasting.pipeline.backtest.protocol import Part
from forecasting.schema import DEPARTURE, INFLOW, PRESENT
from forecasting.staging import Stage

if TYPE_CHECKING:
    from forecasting.pipeline.backtest.workers import Progress

TABLES = (INFLOW, DEPARTURE, PRESENT)
REFUSED = "refused"
GATHERED = "gathered"


def gather_flows(
    source: str, folder: BacktestFolder, parts: Sequence[Part], told: Progress | None = None
) -> None:
    """Count what the parts' models ask of the flow and is not there yet, site by site and night by night.

    The source is asked as it is today: a stay that was entered late counts as if it had been on time. What
    happened at or after the issue time does not enter.

    Args:
        source: SQLAlchemy URL of the hospitals' database.
        folder: of the backtest.
        parts: what is to be forecast.
        told: what to tell whenever a night of a site is counted.

    Raises:
        SourceLost: the source does not answer.
    """
    asked = [part for part in parts if CATALOGUE[part.contender.model].of_flows and not folder.has(part)]
    nights = sorted({night for part in asked for night in part.nights})
    stages = [folder.flows(night, site_id) for night in nights for site_id in folder.protocol.site_ids]
    missing = [stage for stage in stages if not stage.has(f"{GATHERED}.json")]
    if not missing:
        return
    settings = folder.settings
    try:
        engine = extract.connect(source)
        for done, stage in enumerate(missing, len(stages) - len(missing) + 1):
            site = settings.site(stage.site_id)
            try:
                tables = extract.extract_flows(engine, site, settings, settings.issued_at(stage.night))
            except extract.SourceUnreachable:
                raise
            except extract.SourceError as error:
                stage.write_record(REFUSED, str(error))
            else:
                for table in TABLES:
                    stage.write(table, tables[table.name])
            stage.write_record(GATHERED, True)
            if told:
                told("flow of patients", done, len(stages))
    except extract.SourceUnreachable as error:
        raise SourceLost(str(error)) from error


def flows_at(folder: BacktestFolder, night: date) -> Flows:
    """The flow of all sites as it was known at a night's issue time.

    Raises:
        TrainingFailed: it could be counted of no site; the message says why.
    """
    stages = [folder.flows(night, site_id) for site_id in folder.protocol.site_ids]
    refused = [str(stage.read_record(REFUSED)) for stage in stages if stage.has(f"{REFUSED}.json")]
    if len(refused) == len(stages):
        raise TrainingFailed(f"the source tells no flow of patients: {refused[0]}")
    return Flows.together(_flows(stage) for stage in stages if not stage.has(f"{REFUSED}.json"))


def _flows(stage: Stage) -> Flows:
    return Flows(inflow=stage.read(INFLOW), departure=stage.read(DEPARTURE), present=stage.read(PRESENT))
