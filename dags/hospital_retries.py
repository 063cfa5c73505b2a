"""Whether a task that failed is tried again, and when: by the kind of its error."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import RetryAction, RetryDecision, RetryPolicy, RetryRule

if TYPE_CHECKING:
    from airflow.sdk import Context

BROKEN = RetryRule(
    [
        "forecasting.config.ConfigError",
        "forecasting.outcome.BacktestRefused",
        "forecasting.outcome.MonitorRefused",
        "forecasting.outcome.NightIncomplete",
        "forecasting.outcome.NightNotCome",
        "forecasting.outcome.SiteBlocked",
        "forecasting.outcome.WhatIfRefused",
        "forecasting.schema.SchemaError",
    ],
    RetryAction.FAIL,
    reason="trying again changes nothing until someone mends it",
)
LOST = RetryRule([ConnectionError, TimeoutError], RetryAction.RETRY)

FIRST_DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(minutes=10)
TRIES = 3
TRIES_WHEN_LOST = 6


class ByKindOfError(RetryPolicy):
    """What is broken fails at once; what was lost is waited for, twice as long each time.

    Any other error, such as a crash, is tried :data:`TRIES` times in all.
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide on one failure; ``try_number`` is 1 of the first try."""
        if BROKEN.matches(exception):
            return RetryDecision.fail(BROKEN.reason)
        if LOST.matches(exception):
            delay = min(FIRST_DELAY * 2 ** (try_number - 1), LONGEST_DELAY)
            return RetryDecision.retry(delay, f"the connection was lost; the next try is in {delay}")
        if try_number >= TRIES:
            return RetryDecision.fail(f"it failed {try_number} times")
        return RetryDecision.default()


RETRIES = {
    "retries": TRIES_WHEN_LOST - 1,
    "retry_delay": FIRST_DELAY,
    "retry_policy": ByKindOfError(),
}
