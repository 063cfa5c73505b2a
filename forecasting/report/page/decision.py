"""What people decided about a recommendation, where the site has them sign."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from forecasting.config import Site
from forecasting.schema import DecisionState
from forecasting.wording import Row, capitalised, counted, local, rows


def decision(row: Row, site: Site) -> str:
    """How the row stands, who decided, when and what was said; "" where nothing is known of it."""
    state = row.get("state")
    if not state:
        return ""
    if state == DecisionState.PROPOSED:
        return str(state)
    heads, who, when = row.get("decided_heads"), row.get("decided_by"), row.get("decided_at")
    to = f" to {heads:.0f}" if state == DecisionState.CHANGED and heads is not None else ""
    by = f" by {who}" if who else ""
    at = "" if when is None else f", {local(when, site).day} {local(when, site):%b %H:%M}"
    comment = f": {row['comment']}" if row.get("comment") else ""
    return f"{state}{to}{by}{at}{comment}"


def approval(plan: pd.DataFrame, site: Site) -> str:
    """How a plan stands in one sentence; "" where nothing is known of it."""
    if "state" not in plan or plan["state"].isna().all():
        return ""
    told = rows(plan)
    each = {decision(row, site) for row in told}
    if each == {DecisionState.PROPOSED.value}:
        return "Proposed: nobody has decided on it yet."
    if len(each) == 1:
        return f"{capitalised(each.pop())}."
    states = Counter(row["state"] or "without a state" for row in told)
    listed = ", ".join(f"{number} {state}" for state, number in states.most_common())
    return f"Of {counted(len(plan), 'post')}: {listed}."
