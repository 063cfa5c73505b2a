"""How long what a night leaves is kept."""

from __future__ import annotations

from forecasting.config.fields import Days
from forecasting.config.table import Table


class Retention(Table):
    """Days after which maintenance removes what nobody reads any more.

    Nights, recommendations, decisions, promotions and observations are kept for good.
    """

    staged_days: Days = 60
    """Staged files and checkpoints; without them a night that is run again reads the source anew."""
    page_days: Days = 730
    quarantine_days: Days = 730
    forecast_days: Days = 730
    """Quantiles by hour, shift and day, published or kept in shadow."""
    score_days: Days = 1825
    """How forecasts did."""
