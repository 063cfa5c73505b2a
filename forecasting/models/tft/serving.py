"""Where versions that were registered as a transformer alone say that MLflow finds their loader."""

from forecasting.models.nightly.serving import _load_pyfunc

__all__ = ["_load_pyfunc"]
