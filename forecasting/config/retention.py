"""How long what a night leaves is kept."""

from __future__ import annotations

from forecasting.config.fields import Positive
from forecasting.config.table import Table


class Retention(Table):
    """Days after which maintenance removes what nobody reads any more.

    Nights, recommendations, decisions, promotions and observations are kept for good.
    """

    staged_days: Positive = 60
    """Staged files and checkpoints; without them a night that is run again reads the source anew."""
    page_days: Positive = 730
    quarantine_days: Positive = 730
    forecast_days: Positive = 730
    """Quantiles by hour, shift and day, published or kept in shadow."""
    score_days: Positive = 1825
    """How forecasts did."""
