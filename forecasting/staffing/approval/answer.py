"""What an answer, a timeout or the configuration decides about shifts: a state, and heads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from forecasting.config import OnTimeout
from forecasting.outcome import AnswerRefused
from forecasting.schema import DecisionState
from forecasting.staffing.approval.question import Field, field_name

APPROVE = "Approve"
REJECT = "Reject"
COMMENT = "comment"

UNANSWERED = "nobody answered in time"


@dataclass(frozen=True)
class Answer:
    """What a person answered, as far as it makes sense."""

    approves: bool
    heads: Mapping[str, int | None]
    """By the field's name."""
    comment: str


def read_answer(fields: Iterable[Field], chosen: Iterable[str], values: Mapping[str, Any]) -> Answer:
    """Read an answer; of a rejection, numbers are not read.

    Args:
        fields: those of the question.
        chosen: the option: Approve or Reject.
        values: by the field's name, and the comment; a field that is left out has what is recommended.

    Raises:
        AnswerRefused: not one option, a field that there is not, or heads that can't be.
    """
    options = list(chosen)
    if options not in ([APPROVE], [REJECT]):
        raise AnswerRefused(f"the choice is {options}; allowed is one of {APPROVE}, {REJECT}")
    comment = values.get(COMMENT)
    comment = "" if comment is None else str(comment).strip()
    if options == [REJECT]:
        return Answer(approves=False, heads={}, comment=comment)
    known = {field.name: field for field in fields}
    faults = [f"{name!r} is no field of this plan" for name in values if name not in {*known, COMMENT}]
    heads = {}
    for name, field in known.items():
        try:
            heads[name] = _heads(field, values.get(name, field.heads))
        except AnswerRefused as fault:
            faults.append(str(fault))
    if faults:
        raise AnswerRefused("; ".join(faults))
    return Answer(approves=True, heads=heads, comment=comment)


def by_answer(asked: pd.DataFrame, answer: Answer) -> pd.DataFrame:
    """The rows that an answer decides on, with ``state``, ``heads`` and ``comment``.

    Approved are those at what is recommended, changed those at other heads. One of which nothing is
    recommended, and for which nobody gave heads, is not among them.
    """
    if not answer.approves:
        return _all(asked, DecisionState.REJECTED, answer.comment)
    return _taken(asked, answer.heads, answer.comment)


def by_timeout(asked: pd.DataFrame, on_timeout: OnTimeout) -> pd.DataFrame:
    """The rows that nobody's answer decides on, likewise."""
    if on_timeout is OnTimeout.APPROVE:
        return _taken(asked, {}, UNANSWERED)
    return _all(asked, DecisionState.PROPOSED, UNANSWERED)


def by_configuration(due: pd.DataFrame) -> pd.DataFrame:
    """The rows that the configuration approves, likewise."""
    return _taken(due, {}, "")


def by_reopening(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows, proposed anew, likewise."""
    return _all(rows, DecisionState.PROPOSED, "to be decided anew")


def _taken(rows: pd.DataFrame, given: Mapping[str, int | None], comment: str) -> pd.DataFrame:
    """The rows at the heads given, else at what is recommended; those at neither are left out."""
    recommended = rows["recommended"].astype("Int64")
    names = map(field_name, rows.to_dict("records"))
    heads = pd.Series(
        [given.get(name, advised) for name, advised in zip(names, recommended, strict=True)],
        index=rows.index,
        dtype="Int64",
    )
    as_advised = heads.eq(recommended).fillna(value=False)
    state = as_advised.map({True: DecisionState.APPROVED.value, False: DecisionState.CHANGED.value})
    return rows.assign(state=state, heads=heads, comment=comment)[heads.notna()]


def _all(rows: pd.DataFrame, state: DecisionState, comment: str) -> pd.DataFrame:
    heads = pd.Series(pd.NA, index=rows.index, dtype="Int64")
    return rows.assign(state=state.value, heads=heads, comment=comment)


def _heads(field: Field, value: object) -> int | None:
    if value is None or value == "":
        if field.heads is None:
            return None
        raise AnswerRefused(f"{field.title} is empty; {_allowed(field)}")
    number = _whole(value)
    if number is None or not 0 <= number <= field.most:
        raise AnswerRefused(f"{field.title} is {value!r}; {_allowed(field)}")
    return number


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"\s*[0-9]{1,6}\s*", value) else None
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    return None


def _allowed(field: Field) -> str:
    return f"allowed are whole heads from 0 to {field.most}"
