"""Evaluation: forecasts + outcomes -> scores, and which model may speak."""

from forecasting.evaluate.promotion import Verdict, better
from forecasting.evaluate.scores import ALL, score

__all__ = ["ALL", "Verdict", "better", "score"]
