"""Three simulated years of the two test sites, shared by the tests that only look at them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from forecasting.config import Settings
from forecasting.simulate import Hospital, simulate

START = datetime(2022, 1, 1, 5, tzinfo=UTC)
UNTIL = datetime(2025, 1, 1, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def three_years(settings: Settings) -> Hospital:
    return simulate(settings, START, UNTIL, seed=11)
