"""The ``forecasting`` command; its help lists the commands in the order of these rooms."""

from forecasting.cli import demo, source, night, scenario, monitor, compare  # isort: skip
from forecasting.cli.app import app

__all__ = ["app", "compare", "demo", "monitor", "night", "scenario", "source"]
