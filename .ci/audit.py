"""Whether the locked dependencies have known vulnerabilities that nobody has looked at.

It exits with 0 where there are none, with 1 where there are, and with 75 where the advisory service, or the
package index that the tool comes from, could not be asked: then it says so, and nothing is known.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
ACCEPTED = ROOT / ".ci" / "accepted_vulnerabilities.toml"
TOOL = "pip-audit==2.10.1"
VENV = ROOT / ".venv-audit"
FOUND, NOT_ASKED = 1, 75


def main() -> int:
    """Audit the lock; returns the exit code."""
    if not (VENV / "bin" / "pip-audit").exists() and not _installed():
        return _not_asked(f"{TOOL} could not be installed")
    accepted = tomllib.loads(ACCEPTED.read_text(encoding="utf-8")).get("accepted", [])
    # One first: a mirror without advisories is asked in vain, package after package.
    for requirements in (f"{TOOL}\n", LOCK.read_text(encoding="utf-8")):
        told = _told(requirements)
        if isinstance(told, str):
            return _not_asked(told)
        if all("skip_reason" in one for one in told):
            return _not_asked("the index has no advisories of any dependency; a mirror, perhaps")
    return judge(told, accepted, datetime.now(UTC).date())


def _told(requirements: str) -> list[dict[str, Any]] | str:
    """What pip-audit says of each pinned requirement, or why it could not ask."""
    with tempfile.TemporaryDirectory() as folder:
        asked, found = Path(folder) / "requirements.txt", Path(folder) / "found.json"
        asked.write_text(requirements, encoding="utf-8")
        options = ("--no-deps", "--disable-pip", "--progress-spinner=off", "--aliases=on", "--desc=off")
        command = [VENV / "bin" / "pip-audit", "--requirement", asked, *options]
        done = subprocess.run(  # noqa: S603 - ours
            [*command, "--format=json", "--output", found], capture_output=True, text=True, check=False
        )
        # It ends with 1 where it found something, and where it could not ask.
        if not found.exists():
            return (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        told: list[dict[str, Any]] = json.loads(found.read_text(encoding="utf-8"))["dependencies"]
        return told


def judge(told: list[dict[str, Any]], accepted: list[dict[str, Any]], today: date) -> int:
    """Say what was found, and return the exit code.

    Args:
        told: pip-audit's dependencies, each with its ``vulns`` or the ``skip_reason`` for which it has none.
        accepted: vulnerabilities that were looked at: ``id``, ``why``, and ``until``, a date.
        today: an acceptance of an earlier date has lapsed.
    """
    skipped = sorted(one["name"] for one in told if "skip_reason" in one)
    standing = {one["id"] for one in accepted if one["until"] >= today}
    print(
        f"{len(told) - len(skipped)} of {len(told)} dependencies audited, {len(standing)} findings accepted"
    )
    if skipped:
        print(f"without advisories: {', '.join(skipped)}")
    found = list(_found(told, standing))
    for line in found:
        print(f"VULNERABLE {line}")
    if found:
        print(f"mend it in pyproject.toml and `make lock`, or say in {ACCEPTED.name} why it does no harm")
    return FOUND if found else 0


def _found(told: list[dict[str, Any]], standing: set[str]) -> Iterator[str]:
    for one in told:
        for fault in one.get("vulns", []):
            # PyPI's name of it, GitHub's, a CVE.
            names = [fault["id"], *fault.get("aliases", [])]
            if standing.isdisjoint(names):
                mended = ", ".join(fault["fix_versions"]) or "no version"
                yield f"{one['name']} {one['version']}: {', '.join(names)}; mended in {mended}"


def _installed() -> bool:
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)  # noqa: S603 - ours
    pip = [VENV / "bin" / "pip", "install", "-qq", "--disable-pip-version-check", TOOL]
    return subprocess.run(pip, check=False).returncode == 0  # noqa: S603 - ours


def _not_asked(why: str) -> int:
    print(f"NOT AUDITED: known vulnerabilities of the dependencies could not be asked for: {why}")
    return NOT_ASKED


if __name__ == "__main__":
    sys.exit(main())
