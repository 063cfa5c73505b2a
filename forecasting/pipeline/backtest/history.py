"""What was known of the hospitals at a past issue time, and what came in the end."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from forecasting.schema import OBSERVATION

HOUR = list(OBSERVATION.key)


def known_at(versions: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
    """The hours before ``issued_at`` as a night issued then knew them.

    Each hour has the newest value that was recorded by then. An hour that was recorded only later, such as
    the history that the first night of an installation read, has the first value it was recorded with.

    Args:
        versions: OBSERVATION_VERSION rows, sorted by key.
        issued_at: the issue time.

    Returns:
        OBSERVATION rows, none of them at or after ``issued_at``.
    """
    past = versions[versions["valid_at"] < issued_at]
    by_then = past["known_at"] <= issued_at
    newest_then = past[by_then].drop_duplicates(HOUR, keep="last")
    first_later = past[~by_then].drop_duplicates(HOUR, keep="first")
    return OBSERVATION.conform(pd.concat([newest_then, first_later]).drop_duplicates(HOUR, keep="first"))


def outcomes(versions: pd.DataFrame) -> pd.DataFrame:
    """What each hour came to, as it is known today: OBSERVATION rows."""
    return OBSERVATION.conform(versions.drop_duplicates(HOUR, keep="last"))
