"""Whether people are asked about a plan, what they are asked, and what their answer decides.

Pure functions over STAFFING_RECOMMENDATION and STAFFING_DECISION rows.
"""

from forecasting.staffing.approval.answer import (
    APPROVE,
    COMMENT,
    REJECT,
    Answer,
    by_answer,
    by_configuration,
    by_reopening,
    by_timeout,
    read_answer,
)
from forecasting.staffing.approval.due import approved_unasked, settled, signed, to_ask, why_asked
from forecasting.staffing.approval.question import ASKED_AT, PLAN, Field, Question, pose

__all__ = [
    "APPROVE",
    "ASKED_AT",
    "COMMENT",
    "PLAN",
    "REJECT",
    "Answer",
    "Field",
    "Question",
    "approved_unasked",
    "by_answer",
    "by_configuration",
    "by_reopening",
    "by_timeout",
    "pose",
    "read_answer",
    "settled",
    "signed",
    "to_ask",
    "why_asked",
]
