"""A simulated hospital as tables of the OMOP common data model, with what such tables bring along."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecasting.config import Settings, Site
from forecasting.profile import Profile
from forecasting.simulate import Hospital

Tables = dict[str, pd.DataFrame]

ED_ONLY, ED_ADMITTED, INPATIENT = 9203, 262, 9201
NEVER = pd.Timestamp.max.tz_localize("UTC")
LATE = pd.Timedelta(minutes=40)
TIMES = ["start", "end"]


ONE_HOSPITAL = """
[group]
name = "One hospital"
time_zone = "UTC"

[source]
profile = "omop"

[[shifts]]
name = "day"
start = "07:00"
hours = 12

[roles.registered_nurse]
title = "Registered nurse"

[roles.registered_nurse.patients_per_head]
ed = 4
icu = 2
medical_surgical = 5

[[sites]]
site_id = "one"
name = "One"
time_zone = "UTC"
country = "GB"
units = [
  { unit_id = "ed", source_id = "Emergency", name = "Emergency", unit_type = "ed", beds = 30 },
  { unit_id = "icu", source_id = "ICU", name = "Intensive care", unit_type = "icu", beds = 10 },
  { unit_id = "ward", source_id = "4 West", name = "Ward", unit_type = "medical_surgical", beds = 10 },
]
"""
"""A hospital.toml of one hospital in UTC."""


def in_omop_terms(settings: Settings) -> Settings:
    """The configuration of the same hospitals over an OMOP source of them all."""
    sites = tuple(_in_omop_terms(site, number) for number, site in enumerate(settings.sites, 1))
    omop = settings.source.omop.model_copy(update={"site": "location"})
    source = settings.source.model_copy(update={"profile": Profile.OMOP, "omop": omop})
    return settings.model_copy(update={"sites": sites, "source": source})


def _in_omop_terms(site: Site, number: int) -> Site:
    units = tuple(
        unit.model_copy(update={"source_id": called(site.site_id, unit.unit_id)}) for unit in site.units
    )
    return site.model_copy(update={"source_id": str(number), "units": units})


def called(site_id: str, unit_id: str) -> str:
    """What the care site of a unit is called."""
    return f"{site_id.title()} / {unit_id.upper()}"


def as_omop(hospital: Hospital, settings: Settings, zone: ZoneInfo | None = None) -> Tables:
    """``visit_occurrence``, ``visit_detail``, ``care_site`` and ``scheduled_shift`` of simulated sites.

    A patient who is admitted from the ED has one visit; a third of the ward stays have their beds' details
    within their own; a fifth end on paper only after the patient has come to the next ward; some patients in
    a bed have no end but their visit's; and laboratory details have no care site.

    Args:
        hospital: as simulated.
        settings: of the sites.
        zone: on whose clock the times are told, without an offset; UTC if left out.
    """
    numbers = {site.site_id: number for number, site in enumerate(settings.sites, 1)}
    care_site = pd.DataFrame(
        [
            (100 * numbers[site.site_id] + place, called(site.site_id, unit.unit_id), numbers[site.site_id])
            for site in settings.sites
            for place, unit in enumerate(site.units)
        ],
        columns=["care_site_id", "care_site_name", "location_id"],
    )
    place = care_site.set_index("care_site_name")["care_site_id"]
    stays = _stays(hospital)
    visits = _visits(hospital, stays)
    ed_place = visits["site_id"].map(lambda site_id: place[called(site_id, "ed")])
    known = visits["visit_concept_id"].eq(ED_ADMITTED)
    ed_details = visits[known].assign(care_site_id=ed_place[known], end=visits.loc[known, "departed_at"])
    wards = stays.assign(
        care_site_id=[place[called(*names)] for names in zip(stays["site_id"], stays["unit_id"], strict=True)]
    )
    details = pd.concat([ed_details, _with_beds(_left_late(wards))], ignore_index=True)
    laboratory = details.iloc[::4].assign(care_site_id=np.nan)
    details = pd.concat([details, laboratory], ignore_index=True)
    details["visit_detail_id"] = np.arange(len(details)) - 5000
    roster = hospital.scheduled_shift
    return {
        "care_site": care_site,
        "visit_occurrence": _told(visits.assign(care_site_id=ed_place), "visit", zone).drop(
            columns=["site_id", "departed_at"]
        ),
        "visit_detail": _told(details, "visit_detail", zone)[
            [
                "visit_detail_id",
                "person_id",
                "visit_occurrence_id",
                "care_site_id",
                "visit_detail_start_datetime",
                "visit_detail_end_datetime",
            ]
        ],
        "scheduled_shift": roster.assign(
            site_id=roster["site_id"].map(numbers).astype(str),
            unit_id=[called(*names) for names in zip(roster["site_id"], roster["unit_id"], strict=True)],
            **{time: _label(roster[time], zone) for time in ("shift_start", "shift_end")},
        ),
    }


def _stays(hospital: Hospital) -> pd.DataFrame:
    stays = hospital.bed_stay.rename(columns={"bed_from": "start", "bed_to": "end"})
    person = stays["site_id"] + "/" + stays["patient"].astype(str)
    visit = stays["visit_id"].where(stays["visit_id"].notna(), "direct " + person)
    return stays.assign(person_id=pd.factorize(person)[0] + 1, visit_id=stays["site_id"] + "/" + visit)


def _visits(hospital: Hospital, stays: pd.DataFrame) -> pd.DataFrame:
    ed = hospital.ed_visit.assign(visit_id=hospital.ed_visit["site_id"] + "/" + hospital.ed_visit["visit_id"])
    last = (
        stays.fillna({"end": NEVER})
        .groupby("visit_id")
        .agg(
            site_id=("site_id", "first"),
            start=("start", "min"),
            end=("end", "max"),
            person_id=("person_id", "first"),
        )
    )
    last["end"] = last["end"].where(last["end"] < NEVER)
    admitted = ed["visit_id"].isin(last.index)
    visits = ed.assign(
        start=ed["arrived_at"],
        end=ed["departed_at"].where(~admitted, ed["visit_id"].map(last["end"])),
        visit_concept_id=np.where(admitted, ED_ADMITTED, ED_ONLY),
        person_id=ed["visit_id"].map(last["person_id"]).fillna(10**6 + pd.Series(range(len(ed)))).astype(int),
    )
    direct = last[~last.index.isin(ed["visit_id"])].reset_index().assign(visit_concept_id=INPATIENT)
    both = pd.concat([visits, direct], ignore_index=True)
    numbers = pd.Series(range(1, len(both) + 1), index=both["visit_id"])
    stays["visit_occurrence_id"] = stays["visit_id"].map(numbers)
    told = both.assign(visit_occurrence_id=numbers.to_numpy())
    return told[
        ["visit_occurrence_id", "person_id", "site_id", "visit_concept_id", "start", "end", "departed_at"]
    ]


def _left_late(stays: pd.DataFrame) -> pd.DataFrame:
    """Some stays that reach into the next, some that know no end but their visit's."""
    ordered = stays.sort_values(["person_id", "start"], ignore_index=True)
    goes_on = ordered["person_id"].eq(ordered["person_id"].shift(-1))
    next_ends = ordered["end"].shift(-1)
    late = goes_on & (ordered.index % 5 == 0) & ~(next_ends <= ordered["end"] + LATE)
    open_ended = ~goes_on & (ordered.index % 7 == 0)
    end = ordered["end"].mask(late, ordered["end"] + LATE).mask(open_ended)
    return ordered.assign(end=end)


def _with_beds(stays: pd.DataFrame) -> pd.DataFrame:
    """Some stays with the details of two beds in them; the second one ends before its ward's."""
    some = stays.iloc[::3]
    some = some[some["end"].notna()]
    third = ((some["end"] - some["start"]) / 3).dt.floor("s")
    first = some.assign(end=some["start"] + third)
    second = some.assign(start=some["start"] + third, end=some["start"] + 2 * third)
    return pd.concat([stays, first, second], ignore_index=True)


def _told(rows: pd.DataFrame, prefix: str, zone: ZoneInfo | None) -> pd.DataFrame:
    return rows.assign(**{time: _label(rows[time], zone) for time in TIMES}).rename(
        columns={time: f"{prefix}_{time}_datetime" for time in TIMES}
    )


def _label(times: pd.Series, zone: ZoneInfo | None) -> pd.Series:
    labels: pd.Series = times.dt.tz_convert(zone or "UTC").dt.tz_localize(None).astype("datetime64[us]")
    return labels
