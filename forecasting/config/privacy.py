"""What is published of counts so small that they may tell of one person."""

from __future__ import annotations

from forecasting.config.fields import Count
from forecasting.config.table import Table


class Privacy(Table):
    """How small a count of patients may be that is shown; models read every count as it is."""

    smallest_count: Count = 0
    """Counts from 1 to one below it are shown as less than it; 0, the default, shows every count."""

    def hides(self, count: float) -> bool:
        """Whether a count of patients is too small to be shown; nobody is none, and shown."""
        return 0 < count < self.smallest_count

    def told(self, count: float) -> str:
        """The count as it may be shown, whole."""
        return f"<{self.smallest_count}" if self.hides(count) else f"{count:.0f}"
