"""Extracted hours, judged: what is clean, what is quarantined, and whether the site's night goes on.

Great Expectations is imported inside functions: it takes seconds that most importers need not spend.
"""

from forecasting.validate.data_docs import build_data_docs
from forecasting.validate.suites.weather import plausible_weather
from forecasting.validate.verdict import Verdict, validate

__all__ = ["Verdict", "build_data_docs", "plausible_weather", "validate"]
