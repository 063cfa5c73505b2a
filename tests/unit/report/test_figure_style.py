from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.report.style import mark_days, page

pytestmark = pytest.mark.unit

# The clocks in New York went back six hours earlier.
ISSUED_AT = datetime(2026, 11, 1, 8, tzinfo=UTC)


def test_days_are_named_at_local_time_across_the_clock_change(settings: Settings) -> None:
    axes = page(4, 3).subplots()
    mark_days(axes, settings.site("north"), ISSUED_AT - timedelta(days=7), ISSUED_AT + timedelta(days=7))
    names = [label.get_text() for label in axes.get_xticklabels(minor=True)]
    assert names[:2] == ["Sun\n25 Oct", "Mon\n26 Oct"]
    assert len(names) == len(set(names))
    midnights = pd.to_datetime(axes.get_xticks(), unit="D", utc=True).round("s")
    assert set(midnights.tz_convert("America/New_York").strftime("%H:%M")) == {"00:00"}


def test_matplotlib_is_not_imported_before_the_first_figure_and_pyplot_never() -> None:
    script = (
        "import sys; from forecasting import report; assert 'matplotlib' not in sys.modules\n"
        "from forecasting.report.style import page; page(4, 3)\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
