"""A hospital's reporting database, read and counted: hourly observations per unit.

Patients are counted inside the database; only counts per hour and unit leave it.
"""

from forecasting.extract.check import SourceReport, check_source
from forecasting.extract.ed_load import extract_ed_load
from forecasting.extract.errors import SourceContractBroken, SourceError, SourceUnreachable
from forecasting.extract.extraction import extract, extract_roster
from forecasting.extract.flows import extract_flow_record, extract_flows, flows_at
from forecasting.extract.source import connect
from forecasting.extract.weather import extract_weather

__all__ = [
    "SourceContractBroken",
    "SourceError",
    "SourceReport",
    "SourceUnreachable",
    "check_source",
    "connect",
    "extract",
    "extract_ed_load",
    "extract_flow_record",
    "extract_flows",
    "extract_roster",
    "extract_weather",
    "flows_at",
]
