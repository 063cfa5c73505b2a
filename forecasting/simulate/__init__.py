"""A hospital group that does not exist, with its truth known.

It writes the ``adt`` source that the pipeline reads, and the rates it drew from to a file apart.
"""

from forecasting.simulate.demo import simulate_source
from forecasting.simulate.hospital import Hospital, simulate, simulate_sites
from forecasting.simulate.source import SourceInUseError, is_simulated, write_source
from forecasting.simulate.truth import write_truth

__all__ = [
    "Hospital",
    "SourceInUseError",
    "is_simulated",
    "simulate",
    "simulate_sites",
    "simulate_source",
    "write_source",
    "write_truth",
]
