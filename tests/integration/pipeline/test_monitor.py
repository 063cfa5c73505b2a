"""Nights published as known then, watched: scored when final, judged, and what the next night makes of it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from monitored_nights import LAST_NIGHT

from forecasting.deployment import Deployment
from forecasting.pipeline import monitor as phases

pytestmark = pytest.mark.integration


def test_try(monitored: Deployment) -> None:
    t = time.time()
    key = phases.open_monitor(monitored, LAST_NIGHT, None, {})
    for s in ("north", "west"):
        print(phases.score_site(monitored, key, s), time.time() - t)
    found = phases.judge(monitored, key)
    print(time.time() - t)
    print(found.verdicts.T.to_string())
    print(found.drifts.to_string())
    print(found.disparities.to_string())
    print(found.requests.to_string())
    phases.tell_monitor(monitored, key, found)
    print(time.time() - t)
    print(monitored.var)
    assert 0
