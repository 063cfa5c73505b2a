"""Paths of the census and of arrivals by the forecaster who knows a simulated hospital's law."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from benchmarks.oracle_census import OracleCensus
from forecasting.pipeline.backtest.decisions import PathsTold
from forecasting.schema import Target


def law_paths(
    oracle: OracleCensus, issue_times: Sequence[datetime], leads: Sequence[int]
) -> Iterator[PathsTold]:
    """Of each issue time every unit's census, and the ED's arrivals of the same futures.

    Args:
        oracle: of a site.
        issue_times: rising.
        leads: whole hours from the issue time on, rising.
    """
    units = oracle.law.site.units
    for issued_at, census in zip(issue_times, oracle.futures(issue_times, leads), strict=True):
        hours = pd.DatetimeIndex([pd.Timestamp(issued_at) + pd.Timedelta(hours=lead) for lead in leads])
        hours = hours.tz_convert("UTC").as_unit("us")
        told = {
            (unit.unit_id, Target.BED_CENSUS): pd.DataFrame(futures.T, index=hours)
            for unit, futures in zip(units, np.moveaxis(census, 1, 0), strict=True)
        }
        if ed := oracle.law.site.ed:
            arrivals = oracle.arrivals(issued_at, leads)
            told[ed.unit_id, Target.ED_ARRIVALS] = pd.DataFrame(arrivals.T, index=hours)
        yield told
