"""What HL7's events (v2, table 0003) mean for a unit's census, as chapter 3 of the standard has them."""

from __future__ import annotations

from forecasting.load.event import EventKind

SWAP = "A17"
"""Two patients exchange their beds: each has a PV1 of its own, which says where it lies from then on."""

KINDS = {
    "A01": EventKind.PLACED,
    "A02": EventKind.PLACED,
    "A04": EventKind.PLACED,
    "A06": EventKind.PLACED,
    "A07": EventKind.PLACED,
    SWAP: EventKind.PLACED,
    "A03": EventKind.DISCHARGED,
    "A11": EventKind.CANCEL_ADMIT,
    "A12": EventKind.CANCEL_TRANSFER,
    "A13": EventKind.CANCEL_DISCHARGE,
}
"""Events that move a patient."""

RENUMBERS = frozenset({"A06", "A07", "A18", "A42", "A45", "A50"})
"""Events after which a visit may have another number (PV1-19) than before (MRG-5).

Unless the two are known to be one, who was admitted under the one and discharged under the other stays in bed
for ever.
"""

DISPOSITIONS = {
    "01": "home",
    "02": "transferred",
    "03": "transferred",
    "04": "transferred",
    "05": "transferred",
    "06": "home",
    "07": "left_without_being_seen",
}
"""How a visit ended (PV1-36, table 0112), in the words of ``ed_visit``; home if left out."""

_TO_COME = "announces what may come, or takes that back: nobody is in a bed by it"
_ON_THE_WAY = "tracks a patient on the way, as to an X-ray: the bed stays the patient's"
_ON_LEAVE = "leave of absence: the bed stays the patient's"
_UPDATE = "updates a record: who moves is told by A02"
_NUMBERS = "numbers of patients and accounts: visits, which are counted, keep theirs"
_SAME_VISIT = "names no visit that got another number (MRG-5, PV1-19)"
_PERSON = "is of a person or a bed, not of a stay"

_MOVES_NOBODY = {
    **dict.fromkeys(("A05", "A14", "A15", "A16", "A25", "A26", "A27", "A38"), _TO_COME),
    **dict.fromkeys(("A09", "A10", "A32", "A33"), _ON_THE_WAY),
    **dict.fromkeys(("A21", "A22", "A52", "A53"), _ON_LEAVE),
    **dict.fromkeys(("A08", "A54", "A55", "A60", "A61", "A62"), _UPDATE),
    **dict.fromkeys(("A24", "A30", "A34", "A35", "A36", "A37", "A39", "A40", "A41", "A43"), _NUMBERS),
    **dict.fromkeys(("A44", "A46", "A47", "A48", "A49", "A51"), _NUMBERS),
    **dict.fromkeys(("A18", "A42", "A45", "A50"), _SAME_VISIT),
    **dict.fromkeys(("A20", "A28", "A29", "A31"), _PERSON),
    "A23": "deletes a record: that a stay never was is told by A11",
}


def moves_nobody(trigger: str) -> str:
    """Why an event counts for no unit's census."""
    return f"{trigger}: {_MOVES_NOBODY.get(trigger, 'moves nobody')}"
