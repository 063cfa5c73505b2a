"""How long patients of an ED wait to be seen, and how many leave before."""

from forecasting.staffing.waiting.queue import WaitingError, WaitingRoom, Waits, expected_waits

__all__ = ["WaitingError", "WaitingRoom", "Waits", "expected_waits"]
