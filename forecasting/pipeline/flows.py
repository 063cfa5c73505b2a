"""A site's flow of patients: counted for a night, staged, and told as known at an issue time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd
import sqlalchemy as sa
import structlog

from forecasting import extract
from forecasting.config import Settings
from forecasting.schema import INFLOW, PASSAGE, PRESENT
from forecasting.staging import Stage

if TYPE_CHECKING:
    from forecasting.models import Flows

log = structlog.get_logger()

STAGED = {"inflow": INFLOW, "passage": PASSAGE, "present": PRESENT, "present_then": PRESENT}


def stage_flows(stage: Stage, source: sa.Engine, settings: Settings, issued_at: datetime) -> None:
    """Count the site's flow as known at the issue time and at those of the holdout, and stage the counts.

    A flow that can't be counted, or that the profile does not tell, is staged as none: the flow model is then
    silent, and the night goes on.
    """
    record = {name: table.empty() for name, table in STAGED.items()}
    if settings.source.profile.has_flows:
        record |= _counted(stage.site_id, source, settings, issued_at)
    for name, table in STAGED.items():
        stage.write(table, record[name], name)


def _counted(
    site_id: str, source: sa.Engine, settings: Settings, issued_at: datetime
) -> dict[str, pd.DataFrame]:
    from forecasting.models import holdout_issue_times

    times = [*holdout_issue_times(settings, issued_at), issued_at]
    try:
        return extract.extract_flow_record(source, settings.site(site_id), settings, times)
    except Exception as error:
        # Whatever is wrong with the flow must not cost a hospital the hours that could be read.
        log.exception("no flows", site=site_id, stage="extract", why=str(error))
        return {}


def staged_flows(stage: Stage, issued_at: datetime) -> Flows:
    """The site's flow as known at an issue time: the night's, or one of its holdout.

    None is known of another issue time, of a source whose flow could not be counted, and of a night that
    staged none.
    """
    from forecasting.models import Flows

    if not all(stage.has(f"{name}.parquet") for name in STAGED):
        return Flows.none()
    record = {name: stage.read(table, name) for name, table in STAGED.items()}
    return Flows(**extract.flows_at(record, issued_at))
