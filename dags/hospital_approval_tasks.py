"""A site's plan put to people, and what they decided written down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from hospital_connections import deployment
from hospital_links import tracked
from hospital_tasks import SITE, Night, settings

from forecasting.config import Ask, OnTimeout

if TYPE_CHECKING:
    from airflow.sdk import Context

    from forecasting.pipeline import Response
    from forecasting.staffing.approval import Question

APPROVE, REJECT = "Approve", "Reject"
"""The names by which Airflow knows a request as one for approval."""

DEFAULTS = {OnTimeout.APPROVE: [APPROVE], OnTimeout.LEAVE: [REJECT]}


class AskForApproval(HITLOperator):
    """Airflow's own request to people, about a plan that is known only when the task runs.

    It holds no slot while it waits. An answer that makes no sense fails the try; the next try asks again.
    Airflow refuses the answer of a user who is not assigned, where some are. A task that is cleared puts the
    question of its first try once more, as it was: a new run asks anew.
    """

    template_fields = ("site_id", "night")

    def __init__(self, *, site_id: str, night: Night, **kwargs: Any) -> None:
        super().__init__(subject="Staffing", options=[APPROVE, REJECT], **kwargs)
        self.site_id = site_id
        self.night = night

    def execute(self, context: Context) -> Any:
        """Put the plan to people, unless there is nothing that they need decide."""
        approval = settings.site(self.site_id).approval
        if approval.ask is Ask.NONE:
            raise AirflowSkipException('nobody is asked: approval.ask = "none"')
        from forecasting import outcome, pipeline

        try:
            question = pipeline.ask_about_site(
                deployment(), pipeline.NightKey.from_json(self.night), self.site_id
            )
        except outcome.NothingToDecide as reason:
            raise AirflowSkipException(str(reason)) from None
        self.subject, self.body, self.params = question.subject, question.body, _form(question)
        self.defaults = DEFAULTS[approval.on_timeout]
        self.assigned_users = [{"id": user, "name": user} for user in approval.approvers]
        self.response_timeout = question.until - datetime.now(UTC)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Take what came back, if it can be decided by."""
        from forecasting import outcome, pipeline

        answered = super().execute_complete(context, event)
        key = pipeline.NightKey.from_json(self.night)
        try:
            pipeline.check_response(deployment(), key, self.site_id, _response(answered))
        except outcome.PlanReplaced as reason:
            raise AirflowFailException(str(reason)) from None
        return answered


def ask(site_id: str, night: Night) -> AskForApproval:
    """Ask whether the site's plan is approved, at which heads, or rejected."""
    return AskForApproval(
        task_id="ask",
        site_id=site_id,
        night=night,
        map_index_template="{{ task.site_id }}",
        retries=20,
        retry_delay=timedelta(seconds=1),
        retry_policy=None,
    )


@tracked(map_index_template=SITE)
def decide(site_id: str, night: Night, answered: Any) -> int:
    """Write the decision, one audit row a shift."""
    from forecasting import pipeline

    key = pipeline.NightKey.from_json(night)
    return pipeline.decide_site(deployment(), key, site_id, _response(answered))


def _form(question: Question) -> ParamsDict:
    numbers = {
        field.name: Param(
            field.heads,
            type="integer" if field.heads is not None else ["null", "integer"],
            minimum=0,
            maximum=field.most,
            title=field.title,
            description=field.description,
        )
        for field in question.fields
    }
    comment = Param(None, type=["null", "string"], maxLength=500, title="Comment")
    unseen = {name: Param(value, const=value) for name, value in question.unseen.items()}
    return ParamsDict({**numbers, "comment": comment, **unseen})


def _response(answered: Mapping[str, Any]) -> Response:
    from forecasting.pipeline import Response

    user = answered["responded_by_user"]
    return Response(
        chosen=answered["chosen_options"],
        values=answered["params_input"],
        user=user["name"] if user else None,
        at=answered["responded_at"],
        user_id=user["id"] if user else None,
    )
