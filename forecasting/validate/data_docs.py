"""Data Docs: one static site for a night, every hospital's validation results in it.

Great Expectations renders them. The pages' frame is ours: its own loads style, scripts and logo from the
internet, which a hospital's network may not reach.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from forecasting.validate.judge import Document, ephemeral_context

_VIEWS = "forecasting.validate.views"


def build_data_docs(documents: Iterable[Document], folder: Path) -> Path:
    """Write the night's Data Docs.

    Args:
        documents: those of every site's verdict.
        folder: an empty folder, or one to be made.

    Returns:
        Its ``index.html``.
    """
    _render(list(documents), folder)
    return folder / "index.html"


def _render(documents: list[Document], folder: Path) -> None:
    from great_expectations.core.expectation_validation_result import expectationSuiteValidationResultSchema
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    context = ephemeral_context()
    for document in documents:
        about = document["meta"]
        run = RunIdentifier(run_name=about["night"], run_time=_midnight(about["night"]))
        key = ValidationResultIdentifier(ExpectationSuiteIdentifier(about["site"]), run, about["table"])
        meta = {"batch_kwargs": {"data_asset_name": about["table"]}, "run_id": run.to_json_dict()}
        result = expectationSuiteValidationResultSchema.load({**document, "meta": meta})
        context.validation_results_store.set(key, result)
    context.add_data_docs_site("night", cast("Any", _site_config(documents, folder)))
    context.build_data_docs(["night"])
    # Great Expectations' own style, pictures and fonts: our pages use none of them.
    shutil.rmtree(folder / "static", ignore_errors=True)


def _site_config(documents: list[Document], folder: Path) -> dict[str, Any]:
    by_table = {f"{document['meta']['site']}/{document['meta']['table']}": document for document in documents}
    states = {table: _state(document) for table, document in by_table.items()}
    found = {table: _found(document) for table, document in by_table.items()}
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
        "site_index_builder": {
            "class_name": "DefaultSiteIndexBuilder",
            "view": {"module_name": _VIEWS, "class_name": "IndexView", "states": states, "found": found},
        },
        "site_section_builders": {
            "expectations": "None",
            "profiling": "None",
            "validations": {
                "class_name": "DefaultSiteSectionBuilder",
                "renderer": {"class_name": "ValidationResultsPageRenderer"},
                "view": {"module_name": _VIEWS, "class_name": "PageView"},
            },
        },
    }


def _state(document: Document) -> str:
    failed = {one["expectation_config"]["severity"] for one in document["results"] if not one["success"]}
    if "critical" in failed:
        return "blocked"
    return "warned" if failed else "clean"


def _found(document: Document) -> list[str]:
    """What failed, in the words of its own page."""
    return [one["expectation_config"]["description"] for one in document["results"] if not one["success"]]


def _midnight(night: str) -> datetime:
    return datetime.fromisoformat(night).replace(tzinfo=UTC)
