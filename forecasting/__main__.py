"""``python -m forecasting`` is the ``forecasting`` command."""

from forecasting.cli import app

app()
