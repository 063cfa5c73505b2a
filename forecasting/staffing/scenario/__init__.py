"""What if: the inputs of a plan, changed as somebody imagines them. Pure functions."""

from forecasting.staffing.scenario.scenario import NO_SET, Inputs, Scenario, changed

__all__ = ["NO_SET", "Inputs", "Scenario", "changed"]
