"""What people read: the staffing plan as a table, forecasts and comparisons of models as figures.

Matplotlib is imported when the first figure is drawn.
"""

from forecasting.report.comparison import coverage_figure, pit_figure, reliability_figure, skill_figure
from forecasting.report.fans import past_fans_figure
from forecasting.report.figure import MEASURE, forecast_figure, site_figure
from forecasting.report.interpretation import interpretation_figures
from forecasting.report.plan import plan_table, print_plan
from forecasting.report.scores import answer, answers_markdown, print_scores, scores_markdown
from forecasting.report.worth import print_worth, worth_figure

__all__ = [
    "MEASURE",
    "answer",
    "answers_markdown",
    "coverage_figure",
    "forecast_figure",
    "interpretation_figures",
    "past_fans_figure",
    "pit_figure",
    "plan_table",
    "print_plan",
    "print_scores",
    "print_worth",
    "reliability_figure",
    "scores_markdown",
    "site_figure",
    "skill_figure",
    "worth_figure",
]
