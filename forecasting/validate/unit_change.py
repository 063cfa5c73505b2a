"""Units whose patients have gone, or come, for good: closed, opened, renamed or merged. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

HOUR = pd.Timedelta(hours=1)
LEAST_HOURS = 24
TIMES_LONGER = 2
"""A unit is taken for closed when it has been empty for so many times its longest spell before."""
FEWEST_PATIENTS = 1.0
USUAL_DAYS = 28
MIDWAY = pd.Timedelta(days=7)
"""Two units of a site that begin further apart than this did not begin with the source."""
NEWS_DAYS = 7
"""For so long it is told that a unit has begun."""
NOISE = 2.0
"""A unit that took in another's patients has more than before by so many roots of what it had."""

COLUMNS = ["unit_id", "empty_hours", "empty_since", "usual", "taken_in_by", "gained", "opened_at"]


def unit_changes(census: pd.DataFrame, configured: Sequence[str], issued_at: datetime) -> pd.DataFrame:
    """What became of a site's configured units of late.

    Args:
        census: ``unit_id, valid_at, value``, the known hours of its units, also of those that are not
            configured.
        configured: unit ids.
        issued_at: the issue time.

    Returns:
        A row for each configured unit that ever had a patient: ``empty_hours`` and ``empty_since`` where it
        has been empty, or silent beside others, for longer than is its way (else 0, none), its ``usual``
        census before, the unit that has gained about as many since, if any (``taken_in_by``, ``gained``);
        and ``opened_at``, its first patient's hour, where that is news.
    """
    wide = census.pivot_table(index="valid_at", columns="unit_id", values="value").sort_index()
    present = {unit: series[series > 0].index for unit, series in wide.items() if series.gt(0).any()}
    if not present:
        return pd.DataFrame(columns=COLUMNS)
    first = min(hours[0] for hours in present.values())
    last = max(hours[-1] for hours in present.values())
    rows = []
    for unit_id in configured:
        if unit_id not in present:
            continue
        hours = present[unit_id]
        empty, usual = (
            int((last - hours[-1]) / HOUR),
            _mean_before(wide[unit_id], hours[-1] + HOUR, USUAL_DAYS),
        )
        spell = int(np.diff(hours).max() / HOUR) if len(hours) > 1 else 0
        closed = empty >= max(LEAST_HOURS, TIMES_LONGER * spell) and usual >= FEWEST_PATIENTS
        taken_in_by, gained = _successor(wide, unit_id, hours[-1] + HOUR, usual) if closed else ("", np.nan)
        new = hours[0] - first > MIDWAY and issued_at - hours[0] <= pd.Timedelta(days=NEWS_DAYS)
        rows.append(
            {
                "unit_id": unit_id,
                "empty_hours": empty if closed else 0,
                "empty_since": hours[-1] + HOUR if closed else pd.NaT,
                "usual": usual,
                "taken_in_by": taken_in_by,
                "gained": gained,
                "opened_at": hours[0] if new else pd.NaT,
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _successor(wide: pd.DataFrame, gone: str, since: pd.Timestamp, usual: float) -> tuple[str, float]:
    """The other unit whose census has since then grown by about what the gone one had, and by how much."""
    gains = {}
    for unit_id in wide.columns.drop(gone):
        before = _mean_before(wide[unit_id], since, USUAL_DAYS)
        gain = float(wide.loc[since:, unit_id].mean()) - before
        if usual / 2 <= gain <= 2 * usual and gain > NOISE * np.sqrt(before):
            gains[str(unit_id)] = gain
    if not gains:
        return "", np.nan
    likest = min(gains, key=lambda unit_id: abs(gains[unit_id] - usual))
    return likest, gains[likest]


def _mean_before(series: pd.Series, until: pd.Timestamp, days: int) -> float:
    """The mean of the days before an hour; 0 where nothing is known of them."""
    past = series[(series.index < until) & (series.index >= until - pd.Timedelta(days=days))]
    mean = past.mean()
    return 0.0 if pd.isna(mean) else float(mean)
