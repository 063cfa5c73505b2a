"""Census as a flow: who is there now and still will be, and who will have come."""

from forecasting.models.flow.flows import Flows
from forecasting.models.flow.model import Flow

__all__ = ["Flow", "Flows"]
