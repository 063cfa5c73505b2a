"""Whether the source tells the weather, and in which unit."""

from __future__ import annotations

from typing import Literal

from forecasting.config.table import Table


class Weather(Table):
    """What the source's table ``weather`` tells; by default there is none."""

    temperature: Literal["none", "celsius", "fahrenheit"] = "none"
    """The unit of ``weather.temperature_c`` as the source keeps it; ``none`` where there is no weather."""

    @property
    def given(self) -> bool:
        """Whether arrivals are forecast with it."""
        return self.temperature != "none"
