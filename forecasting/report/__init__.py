"""What people read: the staffing plan as a table, forecasts and comparisons of models as figures.

Matplotlib is imported when the first figure is drawn.
"""

from forecasting.report.comparison import coverage_figure, pit_figure, reliability_figure, skill_figure
from forecasting.report.fans import past_fans_figure
from forecasting.report.figure import forecast_figure, site_figure
from forecasting.report.plan import plan_table, print_plan

__all__ = [
    "coverage_figure",
    "forecast_figure",
    "past_fans_figure",
    "pit_figure",
    "plan_table",
    "print_plan",
    "reliability_figure",
    "site_figure",
    "skill_figure",
]
