"""How ``--dist loadfile`` divides the tests: whole files, and those that share an installation together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadFileScheduling

SHARED = ("tests/e2e/",)
"""Folders whose files share a fixture that takes minutes: one process gets all of each."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """A scheduler for ``--dist loadfile``; xdist's own for any other way to divide them."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class WholeFiles(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder = next((folder for folder in SHARED if nodeid.startswith(folder)), None)
            return folder or super()._split_scope(nodeid)

    return WholeFiles(config, log)
