"""Evaluation: forecasts + outcomes -> scores, and which model may speak."""

from forecasting.evaluate.bootstrap import (
    Comparison,
    Estimate,
    Resampling,
    compare,
    compare_series,
    estimate_of,
    skill_intervals,
    wql_intervals,
)
from forecasting.evaluate.disparity import disparity
from forecasting.evaluate.drift import drift, outcome_day
from forecasting.evaluate.floor import noise_floor, poisson_loss, rates_of, with_floor
from forecasting.evaluate.period import period_outcomes
from forecasting.evaluate.pit import pit_histogram
from forecasting.evaluate.promotion import (
    Verdict,
    better,
    in_plain_words,
    lost_in_plain_words,
    series_lost,
)
from forecasting.evaluate.scored import scored_hours
from forecasting.evaluate.scores import ALL, add_up, score, score_by, score_series, score_sums
from forecasting.evaluate.series_verdict import SeriesVerdict, judge_series

__all__ = [
    "ALL",
    "Comparison",
    "Estimate",
    "Resampling",
    "SeriesVerdict",
    "Verdict",
    "add_up",
    "better",
    "compare",
    "compare_series",
    "disparity",
    "drift",
    "estimate_of",
    "in_plain_words",
    "judge_series",
    "lost_in_plain_words",
    "noise_floor",
    "outcome_day",
    "period_outcomes",
    "pit_histogram",
    "poisson_loss",
    "rates_of",
    "score",
    "score_by",
    "score_series",
    "score_sums",
    "scored_hours",
    "series_lost",
    "skill_intervals",
    "with_floor",
    "wql_intervals",
]
