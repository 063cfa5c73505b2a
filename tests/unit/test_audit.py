"""The audit of dependencies: what it lets pass, and that it never passes for clean where nobody was asked."""

from __future__ import annotations

import importlib.util
import tomllib
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.unit

FILE = Path(__file__).parents[2] / ".ci" / "audit.py"
TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def told(**fault: Any) -> list[dict[str, Any]]:
    vulns = [{"id": "PYSEC-1", "fix_versions": ["2.1"], "aliases": ["CVE-1"], **fault}]
    return [{"name": "sound", "version": "1", "vulns": []}, {"name": "holed", "version": "2", "vulns": vulns}]


def test_a_hole_that_nobody_looked_at_fails(audit: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.judge(told(), [], TODAY) == audit.FOUND
    assert "VULNERABLE holed 2: PYSEC-1, CVE-1; mended in 2.1" in capsys.readouterr().out


@pytest.mark.parametrize(("until", "code"), [(TODAY, 0), (date(2026, 11, 22), 1)])
def test_one_that_was_accepted_passes_by_any_of_its_names_until_its_day(
    audit: ModuleType, until: date, code: int
) -> None:
    assert audit.judge(told(), [{"id": "CVE-1", "why": "not called here", "until": until}], TODAY) == code


def test_dependencies_that_the_index_does_not_know_are_named(
    audit: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    skipped = [{"name": name, "skip_reason": "not found on PyPI"} for name in ("one", "two")]
    assert audit.judge([*skipped, *told()[:1]], [], TODAY) == 0
    assert "1 of 3 dependencies audited" in (said := capsys.readouterr().out)
    assert "without advisories: one, two" in said


@pytest.mark.parametrize(
    ("tool", "says"),
    [
        ("echo 'Could not connect to the feed' >&2; exit 1", "Could not connect to the feed"),
        (
            """while [ "$1" != --output ]; do shift; done
            echo '{"dependencies": [{"name": "one", "skip_reason": "not found"}]}' > "$2" """,
            "the index has no advisories",
        ),
    ],
    ids=["no network", "a mirror"],
)
def test_where_nobody_can_be_asked_it_says_so_and_does_not_pass(
    audit: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tool: str,
    says: str,
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pip-audit").write_text(f"#!/bin/sh\n{tool}\n")
    (tmp_path / "bin" / "pip-audit").chmod(0o755)
    monkeypatch.setattr(audit, "VENV", tmp_path)
    assert audit.main() == audit.NOT_ASKED
    assert f"NOT AUDITED: known vulnerabilities of the dependencies could not be asked for: {says}" in (
        capsys.readouterr().out
    )


def test_every_accepted_hole_says_why_and_until_when() -> None:
    accepted = tomllib.loads((FILE.parent / "accepted_vulnerabilities.toml").read_text())
    for one in accepted.get("accepted", []):
        assert one.keys() == {"id", "package", "why", "until"}
        assert isinstance(one["until"], date)
        assert len(one["why"]) > 20
