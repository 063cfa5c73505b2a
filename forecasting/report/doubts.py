"""What a plan does not know, in words: where no rule holds."""

from __future__ import annotations

import pandas as pd

from forecasting.config import Settings, Site
from forecasting.wording import Doubt, post_name, role_title, rows


def undecided(plan: pd.DataFrame, settings: Settings, site: Site) -> list[Doubt]:
    """Each unit and role of which no rule holds, and why."""
    lost = plan[plan["recommended"].isna()].drop_duplicates(["unit_id", "role", "reason"])
    return [
        (f"{post_name(row['unit_id'], site)}, {role_title(row['role'], settings)}", row["reason"])
        for row in rows(lost)
    ]
