"""What people read: the plan as a table and as a page, what-ifs as tables, forecasts and models as figures.

Matplotlib is imported when the first figure is drawn.
"""

from forecasting.report.comparison import coverage_figure, pit_figure, reliability_figure, skill_figure
from forecasting.report.fans import past_fans_figure
from forecasting.report.interpretation import interpretation_figures
from forecasting.report.loaded import print_loaded
from forecasting.report.monitor import alerts, disparity_figure, monitor_markdown, print_monitor
from forecasting.report.page import SiteNight, site_page
from forecasting.report.plan import plan_table, print_plan
from forecasting.report.scores import answer, answers_markdown, print_scores, scores_markdown
from forecasting.report.source import print_source
from forecasting.report.style import MEASURE
from forecasting.report.what_if import (
    difference_markdown,
    difference_totals,
    differences,
    print_difference,
)
from forecasting.report.worth import print_worth, worth_figure

__all__ = [
    "MEASURE",
    "SiteNight",
    "alerts",
    "answer",
    "answers_markdown",
    "coverage_figure",
    "difference_markdown",
    "difference_totals",
    "differences",
    "disparity_figure",
    "interpretation_figures",
    "monitor_markdown",
    "past_fans_figure",
    "pit_figure",
    "plan_table",
    "print_difference",
    "print_loaded",
    "print_monitor",
    "print_plan",
    "print_scores",
    "print_source",
    "print_worth",
    "reliability_figure",
    "scores_markdown",
    "site_page",
    "skill_figure",
    "worth_figure",
]
