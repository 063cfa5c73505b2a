from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.models.smooth_glm import SmoothGlm
from forecasting.schema import Target

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("target", list(Target))
def test_its_smooth_quantiles_lie_within_half_a_patient_of_the_whole_ones(
    observations: Callable[..., pd.DataFrame],
    panel_of: Callable[..., pd.DataFrame],
    settings: Settings,
    issued_at: datetime,
    target: Target,
) -> None:
    panel = panel_of(observations(60), target)
    fitted = SmoothGlm.fit(panel, settings, issued_at, target)
    between, whole = fitted.smooth(panel, issued_at), fitted.predict(panel, issued_at)
    assert (between["value"] - whole["value"]).abs().max() <= 0.5 + 1e-9
    assert set(between["model"]) == {"glm"}
