from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.models import gbm
from forecasting.models.gbm import Gbm
from forecasting.models.nightly import gbm_files
from forecasting.schema import Target

pytestmark = pytest.mark.unit

Build = Callable[..., pd.DataFrame]


@pytest.mark.parametrize("target", list(Target))
def test_what_is_read_back_says_the_same(
    observations: Build,
    panel_of: Build,
    settings: Settings,
    issued_at: datetime,
    target: Target,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gbm, "MOST_ROWS", 8_000)
    panel = panel_of(observations(80), target)
    fitted = Gbm.fit(panel, settings, issued_at, target)
    gbm_files.save(fitted, tmp_path)
    read = gbm_files.load(tmp_path)
    pd.testing.assert_frame_equal(read.smooth(panel, issued_at), fitted.smooth(panel, issued_at))
    assert {file.suffix for file in tmp_path.iterdir()} == {".json", ".txt"}


def test_a_model_of_no_series_is_kept_too(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    panel = panel_of(observations(10), Target.BED_CENSUS)
    gbm_files.save(Gbm.fit(panel, settings, issued_at, Target.BED_CENSUS), tmp_path)
    assert gbm_files.load(tmp_path).predict(panel, issued_at).empty


def test_what_another_version_fitted_is_refused(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    panel = panel_of(observations(10), Target.BED_CENSUS)
    gbm_files.save(Gbm.fit(panel, settings, issued_at, Target.BED_CENSUS), tmp_path)
    file = tmp_path / gbm_files.DESCRIPTION_FILE
    file.write_text(json.dumps({**json.loads(file.read_text()), "version": "0"}))
    with pytest.raises(ValueError, match=r"version 0 of gbm.*train again"):
        gbm_files.load(tmp_path)
