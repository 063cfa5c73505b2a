"""What a line of a log may be given: Airflow passes it on by keyword, and names of its own are taken."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
TAKEN = {"event", "level", "msg", "target"}
"""Airflow 3.3 calls its ``_log_to_target(target, level, msg, **line)``: such a line ends the task."""
SOURCES = sorted([*(ROOT / "forecasting").rglob("*.py"), *(ROOT / "dags").glob("*.py")])


def _lines(source: Path) -> list[ast.Call]:
    calls = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call)]
    return [
        call
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "log"
    ]


def test_no_line_bears_a_name_that_ends_its_task() -> None:
    lines = [(source, call) for source in SOURCES for call in _lines(source)]
    assert len(lines) > 20
    ending = [
        f"{source.relative_to(ROOT)}:{call.lineno}"
        for source, call in lines
        if TAKEN & {keyword.arg for keyword in call.keywords}
    ]
    assert ending == []
