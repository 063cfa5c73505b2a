"""Great Expectations at work: a suite's checks run over its rows."""

from __future__ import annotations

import html
import json
import math
from datetime import date
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from forecasting.schema import Severity
from forecasting.validate.suite import Check, Outcome, Suite

if TYPE_CHECKING:
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.data_context.data_context.abstract_data_context import AbstractDataContext
    from great_expectations.datasource.fluent.pandas_datasource import PandasDatasource
    from great_expectations.expectations.expectation import Expectation

Document = dict[str, Any]
"""A Great Expectations suite result as JSON: counts and a few example values, never a list of rows."""

_SHOWN = frozenset(
    {
        "element_count",
        "missing_count",
        "missing_percent",
        "unexpected_count",
        "unexpected_percent",
        "unexpected_percent_total",
        "unexpected_percent_nonmissing",
    }
)


def ephemeral_context() -> AbstractDataContext:
    """A context of its own that keeps nothing, shows no bars and tells nobody."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    return gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
        ),
    )


def pandas_source(site_id: str) -> PandasDatasource:
    """Where a site's suites find their rows; to make one takes as long as to judge a small suite."""
    return ephemeral_context().data_sources.add_pandas(site_id)


def judge(
    suite: Suite, source: PandasDatasource, site_id: str, night: date
) -> tuple[list[Outcome], Document]:
    """Every check's outcome, in the suite's order, and the result as a document for Data Docs."""
    import great_expectations as gx

    rows = suite.rows.reset_index(drop=True)
    asset = source.add_dataframe_asset(suite.table)
    batch = asset.add_batch_definition_whole_dataframe("night").get_batch({"dataframe": rows})
    expectations = [_expectation(check) for check in suite.checks]
    result = batch.validate(gx.ExpectationSuite(site_id, expectations=expectations), result_format="COMPLETE")
    found = {_check_name(one): one for one in result.results}
    outcomes = [_outcome(suite, rows, check, found[check.name]) for check in suite.checks]
    for one in result.results:
        one.result = {name: value for name, value in one.result.items() if name in _SHOWN}
    document = _document(cast("Any", result).to_json_dict(), outcomes)
    document["meta"] = {"site": site_id, "night": night.isoformat(), "table": suite.table}
    return outcomes, document


def _expectation(check: Check) -> Expectation:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.metadata_types import FailureSeverity

    return ExpectationConfiguration(
        type=f"expect_{check.expectation.kind}",
        kwargs=check.expectation.given,
        meta={"check": check.name},
        severity=FailureSeverity.CRITICAL if check.severity is Severity.BLOCK else FailureSeverity.WARNING,
    ).to_domain_obj()


def _check_name(result: ExpectationValidationResult) -> str:
    config = result.expectation_config
    return str(config.meta["check"]) if config is not None and config.meta else ""


def _outcome(suite: Suite, rows: pd.DataFrame, check: Check, result: ExpectationValidationResult) -> Outcome:
    if "raised_exception" not in result.exception_info or result.exception_info["raised_exception"]:
        raise RuntimeError(
            f"check {check.name!r} of {suite.table} could not be made: {result.exception_info}"
        )
    failed = rows.loc[list(result.result.get("unexpected_index_list") or [])]
    success = bool(result.success)
    return Outcome(
        table=suite.table,
        check=check,
        success=success,
        checked_rows=len(rows),
        failed=failed.set_axis(suite.rows.index[failed.index]),
        detail="" if success else check.says(failed),
    )


def _document(result: Document, outcomes: list[Outcome]) -> Document:
    found = {one["expectation_config"]["meta"]["check"]: one for one in result["results"]}
    result["results"] = [found[outcome.check.name] for outcome in outcomes]
    for outcome in outcomes:
        found[outcome.check.name]["expectation_config"]["description"] = _described(outcome)
    document: Document = json.loads(json.dumps(_without_nan(result), allow_nan=False))
    return document


def _described(outcome: Outcome) -> str:
    expected = f"{outcome.check.name.replace('_', ' ')} ({outcome.check.severity})"
    # Data Docs take a dollar sign for a parameter.
    return html.escape(f"{expected}: {outcome.detail}" if outcome.detail else expected).replace("$", "")


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
