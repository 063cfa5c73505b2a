"""Every asset that the DAGs update or wait for."""

from __future__ import annotations

from airflow.sdk import Asset

RECOMMENDATIONS = Asset("staffing_recommendation", "hospital://warehouse/staffing_recommendation")

TRAINING_DUE = Asset("hospital/training_due")
"""Updated when the forecasts have drifted so far that training should not wait for its week."""
