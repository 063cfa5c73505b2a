"""A published plan and the people who sign it: what is approved unasked, what is asked, what is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
import structlog

from forecasting import warehouse
from forecasting.config import Settings, Site, read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import AnswerRefused, NothingToDecide, PlanReplaced
from forecasting.pipeline.night import NightKey
from forecasting.pipeline.page import renew_page
from forecasting.schema import NightState

if TYPE_CHECKING:
    from forecasting.staffing.approval import Question

log = structlog.get_logger()

CONFIGURATION = "configuration"
TIMEOUT = "timeout"


@dataclass(frozen=True)
class Response:
    """What came back from the form, not yet read; without a user the time was up."""

    chosen: Sequence[str]
    values: Mapping[str, Any]
    user: str | None
    at: datetime
    """UTC."""
    user_id: str | None = None
    """As ``approval.approvers`` names users."""


@dataclass(frozen=True)
class _Plan:
    """A site's published plan, and what is decided about it."""

    settings: Settings
    site: Site
    output_digest: str
    advice: pd.DataFrame
    decided: pd.DataFrame


def settle_site(place: Deployment, key: NightKey, site_id: str) -> int:
    """Approve what the configuration approves in people's stead.

    Returns:
        How many shifts that were.

    Raises:
        NothingToDecide: the site's night is not published.
    """
    from forecasting.staffing import approval

    plan = _published(place, key, site_id)
    due = approval.approved_unasked(plan.settings, plan.site, plan.advice, plan.decided, key.night)
    return _record(place, key, plan, approval.by_configuration(due), CONFIGURATION, datetime.now(UTC))


def ask_about_site(place: Deployment, key: NightKey, site_id: str, now: datetime | None = None) -> Question:
    """What to ask people about the site's plan.

    Raises:
        NothingToDecide: nobody need be asked; the message says why.
    """
    from forecasting.staffing import approval

    plan, now = _published(place, key, site_id), now or datetime.now(UTC)
    asked = approval.to_ask(plan.settings, plan.site, plan.advice, plan.decided, key.night, now)
    why = approval.why_asked(plan.settings, plan.site, plan.advice, key.night)
    return approval.pose(asked, plan.settings, plan.site, plan.output_digest, now, why)


def check_response(place: Deployment, key: NightKey, site_id: str, response: Response) -> None:
    """Refuse a response that nothing can be decided by.

    Raises:
        AnswerRefused: it makes no sense, or is no approver's; the message says what is allowed.
        PlanReplaced: the plan that was put to people was published anew meanwhile.
    """
    _decided(_published(place, key, site_id), key, response)


def decide_site(place: Deployment, key: NightKey, site_id: str, response: Response) -> int:
    """Write what a response, or that there was none, decides: one audit row a shift.

    Returns:
        How many rows were written; none where they stand there already.

    Raises:
        AnswerRefused, PlanReplaced: as of :func:`check_response`; nothing is written.
    """
    plan = _published(place, key, site_id)
    decided = _decided(plan, key, response)
    written = _record(place, key, plan, decided, response.user or TIMEOUT, response.at)
    renew_page(place, key, site_id)
    return written


def reopen_site(place: Deployment, key: NightKey, site_id: str, by: str) -> int:
    """Take back what is decided on the site's plan, so that the night, run again, asks about it anew.

    Returns:
        How many shifts are proposed again.

    Raises:
        NothingToDecide: the site's night is not published.
    """
    from forecasting.staffing import approval

    plan = _published(place, key, site_id)
    rows = approval.by_reopening(approval.settled(plan.advice, plan.decided))
    written = _record(place, key, plan, rows, by, datetime.now(UTC))
    renew_page(place, key, site_id)
    return written


def _published(place: Deployment, key: NightKey, site_id: str) -> _Plan:
    settings = read_settings(place.config)
    engine = warehouse.connect(place.warehouse)
    night = warehouse.find_night(engine, site_id, key.night)
    if night is None or night.state is not NightState.PUBLISHED or night.output_digest is None:
        raise NothingToDecide(f"{site_id} has not published night {key.night}")
    return _Plan(
        settings,
        settings.site(site_id),
        night.output_digest,
        warehouse.recommendations(engine, key.night, [site_id]),
        warehouse.decisions(engine, key.night, [site_id]),
    )


def _decided(plan: _Plan, key: NightKey, response: Response) -> pd.DataFrame:
    from forecasting.staffing import approval

    values = dict(response.values)
    output_digest, asked_at = (values.pop(name, None) for name in (approval.PLAN, approval.ASKED_AT))
    if output_digest != plan.output_digest:
        raise PlanReplaced(
            f"the plan of {plan.site.site_id} for night {key.night} was published anew since it was asked "
            f"about: run the night again for that site, and it asks anew"
        )
    approvers = plan.site.approval.approvers
    # Airflow refuses others by itself, but asks a question once more of those whom it named the first time.
    if response.user is not None and approvers and response.user_id not in approvers:
        raise AnswerRefused(
            f"{response.user} may not decide on the plan of {plan.site.site_id}: its approval.approvers are "
            f"{', '.join(approvers)}"
        )
    try:
        moment = datetime.fromisoformat(str(asked_at))
    except ValueError:
        raise AnswerRefused(f"{approval.ASKED_AT} is {asked_at!r}, and not as it was sent") from None
    due = partial(approval.to_ask, plan.settings, plan.site, plan.advice, night=key.night, now=moment)
    if response.user is None:
        with suppress(NothingToDecide):
            return approval.by_timeout(due(plan.decided), plan.site.approval.on_timeout)
        return plan.advice.iloc[:0]
    # A response that is read twice decides the same shifts: those that were open when it was asked for.
    asked = due(plan.decided[plan.decided["decided_at"] <= moment])
    fields = approval.pose(asked, plan.settings, plan.site, plan.output_digest, moment).fields
    return approval.by_answer(asked, approval.read_answer(fields, response.chosen, values))


def _record(
    place: Deployment, key: NightKey, plan: _Plan, decided: pd.DataFrame, by: str, at: datetime
) -> int:
    if decided.empty:
        return 0
    rows = decided.assign(decided_by=by, decided_at=at, dag_run_id=key.dag_run_id)
    written = warehouse.record_decisions(
        warehouse.connect(place.warehouse), plan.site.site_id, key.night, rows, plan.output_digest
    )
    log.info("decided", site=plan.site.site_id, night=str(key.night), stage="decide", by=by, rows=written)
    return written
