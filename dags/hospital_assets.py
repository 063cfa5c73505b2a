"""Every asset that the DAGs update, read or wait for; what the events of each say lies in their extra."""

from __future__ import annotations

from airflow.sdk import Asset

from forecasting.config import read_settings
from forecasting.deployment import Deployment

_PROFILE = read_settings(Deployment().config).source.profile

FEEDS = [Asset(f"hospital/source/{feed}", f"hospital://source/{feed}") for feed in _PROFILE.feeds]
"""The source's tables whose rows become hours, by the profile's names; they are read, never updated."""

OBSERVATIONS = Asset("hospital/observations", "hospital://warehouse/observation")
"""A site's hours, judged and recorded: ``site``, ``night``, ``verdict`` (clean or warned), ``why`` in
sentences, and how many hours ``changed``. A site whose data are blocked updates nothing."""

RECOMMENDATIONS = Asset("hospital/recommendations", "hospital://warehouse/staffing_recommendation")
"""A site's plan, published: ``site``, ``night``, ``verdict`` and ``why`` of the data it was made from,
whether it ``changed`` what stood before, and the night's ``mlflow_run_id``."""

TRAINING_DUE = Asset("hospital/training_due", "hospital://warehouse/training_request")
"""A training is due: ``night``, and by target a sentence under ``why``."""
