"""Which shifts of a night's plan are approved without asking, which are put to people, and until when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pandas as pd

from forecasting.config import Ask, Settings, Site
from forecasting.outcome import NothingToDecide
from forecasting.schema import DecisionState
from forecasting.staffing.approval.threshold import departure, measures

SHIFT = ["unit_id", "role", "shift", "shift_start"]


def approved_unasked(
    settings: Settings, site: Site, advice: pd.DataFrame, decided: pd.DataFrame, night: date
) -> pd.DataFrame:
    """The rows that the configuration approves in people's stead.

    Where nobody is ever asked those are all days'; below the thresholds those of the day after the night.
    Rows that are decided on, and those of which nothing is recommended, are not among them.

    Args:
        settings: give wages by role.
        site: whose plan.
        advice: the site's STAFFING_RECOMMENDATION rows of the night.
        decided: its STAFFING_DECISION rows of the night.
        night: of the plan.
    """
    if site.approval.ask is Ask.NONE:
        due = advice
    elif site.approval.ask is Ask.ALWAYS or why_asked(settings, site, advice, night):
        due = advice.iloc[:0]
    else:
        due = _day_after(advice, night)
    return _undecided(due[due["recommended"].notna()], decided)


def why_asked(settings: Settings, site: Site, advice: pd.DataFrame, night: date) -> list[str]:
    """Each threshold of the site's that the plan is above, in words.

    Args:
        settings: give wages by role.
        site: whose plan.
        advice: the site's STAFFING_RECOMMENDATION rows of the night.
        night: of the plan.
    """
    departed = departure(_day_after(advice, night), settings)
    return [str(measure) for measure in measures(site.approval, departed) if measure.above]


def to_ask(
    settings: Settings, site: Site, advice: pd.DataFrame, decided: pd.DataFrame, night: date, now: datetime
) -> pd.DataFrame:
    """The rows to put to people: undecided shifts of the day after the night that have not begun.

    Args:
        settings: give wages by role.
        site: whose plan.
        advice: the site's STAFFING_RECOMMENDATION rows of the night.
        decided: its STAFFING_DECISION rows of the night.
        night: of the plan.
        now: UTC.

    Raises:
        NothingToDecide: there are none; the message says why.
    """
    if site.approval.ask is Ask.NONE:
        raise NothingToDecide('nobody is asked: approval.ask = "none"')
    if site.approval.ask is Ask.ABOVE_THRESHOLD and not why_asked(settings, site, advice, night):
        found = measures(site.approval, departure(_day_after(advice, night), settings))
        raise NothingToDecide(f"nobody is asked: {'; '.join(map(str, found))}")
    undecided = _undecided(_day_after(advice, night), decided)
    if undecided.empty:
        raise NothingToDecide(f"every shift of {_date_after(night)} is decided on")
    ahead = undecided[undecided["shift_start"] > now]
    if ahead.empty:
        raise NothingToDecide(f"the shifts of {_date_after(night)} have begun")
    return ahead


def settled(advice: pd.DataFrame, decided: pd.DataFrame) -> pd.DataFrame:
    """The rows that are decided on."""
    return advice.drop(_undecided(advice, decided).index)


def signed(advice: pd.DataFrame, decided: pd.DataFrame) -> pd.DataFrame:
    """The rows, and how each stands: ``state``, ``decided_heads``, ``_by`` and ``_at``, and the ``comment``.

    Args:
        advice: the site's STAFFING_RECOMMENDATION rows of the night.
        decided: its STAFFING_DECISION rows of the night.
    """
    verdicts = _latest(decided).rename(columns={"heads": "decided_heads"})
    columns = [*SHIFT, "state", "decided_heads", "decided_by", "decided_at", "comment"]
    standing = advice.merge(verdicts[columns], on=SHIFT, how="left")
    return standing.assign(state=standing["state"].fillna(DecisionState.PROPOSED.value))


def deadline(settings: Settings, site: Site, asked: pd.DataFrame, now: datetime) -> datetime:
    """Until when an answer is waited for, in UTC: the next time that it is ``until`` at the site.

    It is never after the first shift that is asked about has begun, nor after the next night is issued:
    nights run one after the other, and this one goes on until it is decided.

    Args:
        settings: say when nights are issued.
        site: whose plan.
        asked: STAFFING_RECOMMENDATION rows that :func:`to_ask` gave.
        now: UTC.
    """
    first_shift: datetime = asked["shift_start"].min().to_pydatetime()
    until = partial(datetime.combine, time=site.approval.until, tzinfo=site.zone)
    return min(
        _next(until, now.astimezone(site.zone).date(), now).astimezone(UTC),
        _next(settings.issued_at, now.astimezone(settings.group.zone).date(), now),
        first_shift,
    )


def _next(moment_of: Callable[[date], datetime], today: date, now: datetime) -> datetime:
    """The first of a moment a day that is still to come."""
    return next(moment for ahead in range(3) if (moment := moment_of(today + timedelta(days=ahead))) > now)


def _day_after(advice: pd.DataFrame, night: date) -> pd.DataFrame:
    return advice[advice["shift_date"] == _date_after(night)]


def _date_after(night: date) -> date:
    return night + timedelta(days=1)


def _undecided(advice: pd.DataFrame, decided: pd.DataFrame) -> pd.DataFrame:
    latest = _latest(decided)
    settled = latest[latest["state"] != DecisionState.PROPOSED]
    return advice[~pd.MultiIndex.from_frame(advice[SHIFT]).isin(pd.MultiIndex.from_frame(settled[SHIFT]))]


def _latest(decided: pd.DataFrame) -> pd.DataFrame:
    return decided.sort_values("number").drop_duplicates(SHIFT, keep="last")
