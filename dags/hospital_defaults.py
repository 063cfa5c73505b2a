"""What holds for every task of every DAG: whose it is, how its log names it, and when it is tried again."""

from __future__ import annotations

from typing import Any

from hospital_logs import name_in_log
from hospital_retries import RETRIES

TASKS: dict[str, Any] = {"owner": "forecasting", "on_execute_callback": name_in_log, **RETRIES}
"""Default arguments of a DAG."""
