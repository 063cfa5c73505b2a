"""The Poisson regression, told between the counts."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from forecasting.models.counts import smooth_count_quantiles
from forecasting.models.glm import Glm
from forecasting.models.glm.model import arrivals_expected
from forecasting.models.interface import forecast_frame
from forecasting.schema import Target


class SmoothGlm(Glm):
    """A :class:`forecasting.models.glm.Glm` that an ensemble can average without loss to rounding."""

    def smooth(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :class:`forecasting.models.counts.Smooth`; a census is told in whole counts."""
        if self.target is Target.BED_CENSUS:
            return self.predict(panel, issued_at)
        values = {
            key: smooth_count_quantiles(
                arrivals_expected(self.regressions[key], past, ahead),
                self.regressions[key].dispersion,
                self.levels,
            )
            for key, past, ahead in self._fitted_series(panel, issued_at)
        }
        return forecast_frame(values, self.levels, issued_at, self.target, self.name, self.version)
