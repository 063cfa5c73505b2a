"""From a forecast to heads: what the rules ask of every unit, role and shift, beside what is rostered.

Pure functions; they recommend, people decide.
"""

from forecasting.staffing.recommendation import recommend

__all__ = ["recommend"]
