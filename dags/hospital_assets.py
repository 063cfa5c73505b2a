"""Every asset that the DAGs update or wait for."""

from __future__ import annotations

from airflow.sdk import Asset

RECOMMENDATIONS = Asset("staffing_recommendation", "hospital://warehouse/staffing_recommendation")

TRAINING_DUE = Asset("hospital/training_due", "hospital://warehouse/training_request")
"""An event's extra says why: ``night``, and by target a sentence under ``why``."""
