"""Files into the tables of the ``adt`` profile: HL7 v2 messages, a FHIR bulk export, plain tables."""

from forecasting.load.errors import LoadRefused
from forecasting.load.feed import Feed, Told
from forecasting.load.fhir import read_fhir
from forecasting.load.files import lines, unpacked_name, whole
from forecasting.load.hl7_messages import read_hl7
from forecasting.load.identity import Pseudonym
from forecasting.load.piece import Piece
from forecasting.load.places import Places
from forecasting.load.source_tables import opened
from forecasting.load.table_files import read_table

__all__ = [
    "Feed",
    "LoadRefused",
    "Piece",
    "Places",
    "Pseudonym",
    "Told",
    "lines",
    "opened",
    "read_fhir",
    "read_hl7",
    "read_table",
    "unpacked_name",
    "whole",
]
