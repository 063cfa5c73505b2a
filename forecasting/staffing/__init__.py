"""From a forecast to heads: what the rules ask of every unit, role and shift, beside what is rostered.

Pure functions; they recommend, people decide.
"""

from forecasting.staffing.offered_load import OfferedLoad, by_offered_load
from forecasting.staffing.outlook import SamplePaths
from forecasting.staffing.recommendation import recommend
from forecasting.staffing.stays import LoadError, Stays
from forecasting.staffing.turnover import Turnover, turnover

__all__ = [
    "LoadError",
    "OfferedLoad",
    "SamplePaths",
    "Stays",
    "Turnover",
    "by_offered_load",
    "recommend",
    "turnover",
]
