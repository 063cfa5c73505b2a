"""What people read: the staffing plan and what-ifs as tables, forecasts and comparisons of models as figures.

Matplotlib is imported when the first figure is drawn.
"""

from forecasting.report.comparison import coverage_figure, pit_figure, reliability_figure, skill_figure
from forecasting.report.fans import past_fans_figure
from forecasting.report.figure import MEASURE, forecast_figure, site_figure
from forecasting.report.interpretation import interpretation_figures
from forecasting.report.plan import plan_table, print_plan
from forecasting.report.scores import answer, answers_markdown, print_scores, scores_markdown
from forecasting.report.what_if import (
    difference_markdown,
    difference_totals,
    differences,
    print_difference,
)

__all__ = [
    "MEASURE",
    "answer",
    "answers_markdown",
    "coverage_figure",
    "difference_markdown",
    "difference_totals",
    "differences",
    "forecast_figure",
    "interpretation_figures",
    "past_fans_figure",
    "pit_figure",
    "plan_table",
    "print_difference",
    "print_plan",
    "print_scores",
    "reliability_figure",
    "scores_markdown",
    "site_figure",
    "skill_figure",
]
