"""What each profile asks of a source: tables, columns, and which of them it can do without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from forecasting.profile import Profile

Columns = Mapping[str, tuple[str, ...]]
"""Columns by table."""

TIMES = frozenset(
    {
        "arrived_at",
        "departed_at",
        "bed_from",
        "bed_to",
        "shift_start",
        "shift_end",
        "hour_start",
        "visit_start_datetime",
        "visit_end_datetime",
        "visit_detail_start_datetime",
        "visit_detail_end_datetime",
        "intime",
        "outtime",
        "issued_at",
        "valid_at",
    }
)
IDENTIFIERS = frozenset({"site_id", "unit_id", "care_site_name", "location_id"})
"""Compared as text, whatever the source keeps them as."""

SCHEDULED_SHIFT = {"scheduled_shift": ("site_id", "unit_id", "role", "shift_start", "shift_end", "heads")}

ED_ARRIVALS_HOURLY, BED_CENSUS_HOURLY, HOURLY_COUNT = (
    "ed_arrivals_hourly",
    "bed_census_hourly",
    "hourly_count",
)


@dataclass(frozen=True)
class Shape:
    """The tables of a profile, by its own names."""

    columns: Columns
    optional: frozenset[str] = frozenset()
    """Tables that a source may lack, unless hospital.toml maps them."""
    optional_columns: Columns = field(default_factory=dict)
    """Columns that are read as missing where there are none, unless hospital.toml maps them."""

    @property
    def mappable(self) -> Columns:
        """Every column that hospital.toml may map."""
        return {name: (*own, *self.optional_columns.get(name, ())) for name, own in self.columns.items()}


SHAPES: Mapping[Profile, Shape] = {
    Profile.ADT: Shape(
        columns={
            "ed_visit": ("visit_id", "site_id", "arrived_at", "departed_at"),
            "bed_stay": ("stay_id", "site_id", "unit_id", "bed_from", "bed_to"),
            "unit": ("site_id", "unit_id", "unit_type", "staffed_beds"),
            **SCHEDULED_SHIFT,
        },
        optional=frozenset({"scheduled_shift"}),
        optional_columns={"ed_visit": ("acuity",), "bed_stay": ("visit_id", "bed_id")},
    ),
    Profile.HOURLY: Shape(
        columns={
            ED_ARRIVALS_HOURLY: ("site_id", "hour_start", "arrivals"),
            BED_CENSUS_HOURLY: ("site_id", "unit_id", "hour_start", "occupied_beds"),
            HOURLY_COUNT: ("site_id", "unit_id", "measure", "hour_start", "patients"),
            **SCHEDULED_SHIFT,
        },
        optional=frozenset({ED_ARRIVALS_HOURLY, BED_CENSUS_HOURLY, HOURLY_COUNT, "scheduled_shift"}),
        optional_columns={BED_CENSUS_HOURLY: ("staffed_beds",)},
    ),
    Profile.OMOP: Shape(
        columns={
            "visit_occurrence": (
                "visit_occurrence_id",
                "visit_concept_id",
                "visit_start_datetime",
                "visit_end_datetime",
            ),
            "visit_detail": (
                "visit_detail_id",
                "person_id",
                "visit_occurrence_id",
                "visit_detail_start_datetime",
                "visit_detail_end_datetime",
                "care_site_id",
            ),
            "care_site": ("care_site_id", "care_site_name"),
            **SCHEDULED_SHIFT,
        },
        optional=frozenset({"scheduled_shift"}),
        optional_columns={"visit_occurrence": ("care_site_id",), "care_site": ("location_id",)},
    ),
    Profile.MIMIC_IV_ED: Shape(
        columns={"edstays": ("stay_id", "intime", "outtime"), **SCHEDULED_SHIFT},
        optional=frozenset({"scheduled_shift"}),
    ),
}

WEATHER = "weather"
BESIDE = Shape(
    columns={WEATHER: ("site_id", "valid_at", "temperature_c")}, optional_columns={WEATHER: ("issued_at",)}
)
"""Tables that any profile may have beside its own, read where hospital.toml says that they are there."""
