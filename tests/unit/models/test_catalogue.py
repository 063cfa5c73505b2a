from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.models import Climatology, Flows
from forecasting.models.catalogue import CATALOGUE, REFERENCE
from forecasting.schema import Target

pytestmark = pytest.mark.unit


def test_the_reference_says_what_climatology_says(
    observations: Callable[..., pd.DataFrame],
    panel_of: Callable[..., pd.DataFrame],
    settings: Settings,
    issued_at: datetime,
    tmp_path: Path,
) -> None:
    panel = panel_of(observations(60), Target.ED_ARRIVALS)
    model = CATALOGUE[REFERENCE].fit(panel, settings, issued_at, Target.ED_ARRIVALS, tmp_path, Flows.none())
    own = Climatology.fit(panel, settings, issued_at, Target.ED_ARRIVALS)
    pd.testing.assert_frame_equal(model.predict(panel, issued_at), own.predict(panel, issued_at))


def test_only_models_that_learn_by_chance_have_seeds() -> None:
    assert not CATALOGUE[REFERENCE].seeded
    assert CATALOGUE["tft"].seeded


def test_the_catalogue_loads_no_model_library() -> None:
    script = (
        "import sys; from forecasting.models import catalogue\n"
        "assert not {'torch', 'lightning', 'lightgbm', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
