"""The frame of our Data Docs pages; loaded by Great Expectations by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from great_expectations.render.view.view import DefaultJinjaIndexPageView, DefaultJinjaPageView
from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader


class PageView(DefaultJinjaPageView):
    """One table's results."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.env.loader = _ours_first(self.env.loader)


class IndexView(DefaultJinjaIndexPageView):
    """All tables of all sites, each with its state.

    Args:
        states: ``clean``, ``warned`` or ``blocked`` by ``<site>/<table>``.
        found: what failed, in sentences that are HTML already, by the same.
        kwargs: what Great Expectations gives its views.
    """

    def __init__(self, states: dict[str, str], found: dict[str, list[str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.env.loader = _ours_first(self.env.loader)
        self.env.globals |= {"states": states, "found": found}


def _ours_first(theirs: BaseLoader | None) -> BaseLoader:
    ours = FileSystemLoader(Path(__file__).parent / "templates")
    return ChoiceLoader([ours, theirs] if theirs else [ours])
