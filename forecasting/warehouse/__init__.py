"""The warehouse: what was observed, forecast, recommended and found wrong, night by night.

The only room that writes tables. It runs on SQLite and on PostgreSQL::

    engine = warehouse.connect(url)
    warehouse.migrate(engine)
    warehouse.publish(engine, night, forecast, recommendation)

Every function that writes is one transaction, and doing it twice leaves the same rows as doing it once.
Times go in and come out as aware UTC; a missing value is NULL.
"""

from forecasting.warehouse.decision import decisions, record_decisions
from forecasting.warehouse.engine import WarehouseError, WarehouseLost, connect
from forecasting.warehouse.migration import downgrade, migrate
from forecasting.warehouse.night import (
    Night,
    close_night,
    find_night,
    last_published,
    nights,
    open_night,
    published_nights,
)
from forecasting.warehouse.observation import (
    last_observed,
    no_longer_told,
    observation_versions,
    observations,
    observed_span,
    record_observations,
)
from forecasting.warehouse.promotion import promotions, record_promotion
from forecasting.warehouse.publication import (
    forecasts,
    name_run,
    publish,
    recommendations,
    shadow_forecasts,
)
from forecasting.warehouse.retention import (
    expire_forecasts,
    expire_quarantine,
    expire_scores,
    expire_shadow_forecasts,
    tidy,
)
from forecasting.warehouse.scenario import record_scenario, scenario_recommendations, scenarios
from forecasting.warehouse.score import record_scores, scored_until, scores
from forecasting.warehouse.source_column import record_source_columns, source_columns
from forecasting.warehouse.validation import quarantined_rows, record_validation, validation_results
from forecasting.warehouse.verdict import record_verdicts, training_asked, training_requests, verdicts

__all__ = [
    "Night",
    "WarehouseError",
    "WarehouseLost",
    "close_night",
    "connect",
    "decisions",
    "downgrade",
    "expire_forecasts",
    "expire_quarantine",
    "expire_scores",
    "expire_shadow_forecasts",
    "find_night",
    "forecasts",
    "last_observed",
    "last_published",
    "migrate",
    "name_run",
    "nights",
    "no_longer_told",
    "observation_versions",
    "observations",
    "observed_span",
    "open_night",
    "promotions",
    "publish",
    "published_nights",
    "quarantined_rows",
    "recommendations",
    "record_decisions",
    "record_observations",
    "record_promotion",
    "record_scenario",
    "record_scores",
    "record_source_columns",
    "record_validation",
    "record_verdicts",
    "scenario_recommendations",
    "scenarios",
    "scored_until",
    "scores",
    "shadow_forecasts",
    "source_columns",
    "tidy",
    "training_asked",
    "training_requests",
    "validation_results",
    "verdicts",
]
