"""What an analyst must know before reading the scores: who stood in, who is missing, what is not sure."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from forecasting.blocks import HOUR
from forecasting.config import Settings
from forecasting.models.catalogue import REFERENCE
from forecasting.pipeline.backtest.folder import Scores
from forecasting.pipeline.backtest.protocol import BacktestProtocol
from forecasting.pipeline.backtest.tally import ALL
from forecasting.schema import Target


def remarks_of(found: Scores, settings: Settings, protocol: BacktestProtocol) -> list[str]:
    """A sentence for each thing that a reader of the scores would not expect."""
    remarks = []
    if len(protocol.nights) == 1:
        remarks.append(
            f"one issue time, {protocol.first}, is too few to tell noise from skill: no interval can be "
            f"given; let --last be at least --step ({protocol.step_days} days) after --first"
        )
    remarks += _stood_in(found.voices, protocol)
    for target in protocol.targets:
        remarks += _missing(found, target, settings, protocol)
    return remarks


def _stood_in(voices: pd.DataFrame, protocol: BacktestProtocol) -> Iterator[str]:
    noted = voices[voices["note"] != ""]
    for (target, model, note), rows in noted.groupby(["target", "model", "note"]):
        series = ", ".join(rows["site_id"] + "/" + rows["unit_id"])
        who = f"{REFERENCE} was fitted anew" if model == REFERENCE else f"{REFERENCE} stood in for {model}"
        yield (
            f"{target}: {who} in {series} from up to {rows['issue_times'].max()} of "
            f"{len(protocol.nights)} issue times: {note}"
        )


def _missing(found: Scores, target: Target, settings: Settings, protocol: BacktestProtocol) -> Iterator[str]:
    for contender in protocol.contenders:
        if contender not in protocol.contenders_of(target):
            yield f"{target.value}: {contender.name} takes no part, it does not forecast this target"
    voices = found.voices[found.voices["target"] == target]
    spoken = set(zip(voices["site_id"], voices["unit_id"], strict=True))
    silent = [
        f"{site.site_id}/{unit.unit_id}"
        for site in map(settings.site, protocol.site_ids)
        for unit in site.units
        if (target is Target.BED_CENSUS or unit == site.ed) and (site.site_id, unit.unit_id) not in spoken
    ]
    if silent:
        yield f"{target.value}: left out, never observed before: {', '.join(silent)}"
    table = found.table
    of_hours = table[(table["target"] == target) & (table["by"] == ALL) & (table["period"] == HOUR)]
    told = int(voices.loc[voices["model"] == REFERENCE, "hours"].sum())
    scored = int(of_hours["hours"].max()) if len(of_hours) else 0
    if scored < told:
        yield f"{target.value}: {scored:,} of {told:,} forecast hours are scored, the others have no outcome"
