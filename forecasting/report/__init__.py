"""What people read: the staffing plan as a table, and forecasts as figures.

Matplotlib is imported when the first figure is drawn.
"""

from forecasting.report.figure import forecast_figure, site_figure
from forecasting.report.plan import plan_table, print_plan

__all__ = ["forecast_figure", "plan_table", "print_plan", "site_figure"]
