"""From a forecast to heads: what the rules ask of every unit, role and shift, beside what is rostered.

Pure functions; they recommend, people decide.
"""

from forecasting.staffing.outlook import SamplePaths
from forecasting.staffing.recommendation import recommend
from forecasting.staffing.turnover import Turnover, turnover

__all__ = ["SamplePaths", "Turnover", "recommend", "turnover"]
