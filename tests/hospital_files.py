"""A simulated hospital as the files that its systems would send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd

from forecasting.config import Settings
from forecasting.simulate import Hospital

Stretch = tuple[str, datetime, datetime | None]


def ways(hospital: Hospital) -> Iterator[tuple[str, str, list[Stretch], str]]:
    """Each patient's site, visit number, places in order, and how an ED visit without a bed ended."""
    stays: dict[Any, pd.DataFrame] = dict(list(hospital.bed_stay.groupby(["site_id", "patient"])))
    admitted = hospital.bed_stay.dropna(subset="visit_id").drop_duplicates("visit_id")
    of_visit = dict(zip(admitted["visit_id"], admitted["patient"], strict=True))
    of_ed = set()
    visit: Any
    for visit in hospital.ed_visit.itertuples():
        places: list[Stretch] = [("ed", visit.arrived_at, _end(visit.departed_at))]
        if visit.visit_id in of_visit:
            patient = (visit.site_id, of_visit[visit.visit_id])
            of_ed.add(patient)
            places += _beds(stays[patient])
        yield visit.site_id, f"N{visit.visit_id}", places, visit.disposition
    for patient, rows in stays.items():
        if patient not in of_ed:
            yield patient[0], f"P{patient[1]}", _beds(rows), "home"


def messages(hospital: Hospital, settings: Settings, seed: int) -> list[str]:
    """An HL7 feed of it in local time: shuffled, some messages told twice."""
    random = Random(seed)  # noqa: S311
    told = []
    for site_id, visit, places, disposition in ways(hospital):
        zone = settings.site(site_id).zone
        for number, (unit, since, _) in enumerate(places):
            trigger = "A04" if unit == "ed" else "A02" if number and places[number - 1][0] != "ed" else "A01"
            patient_class = "E" if unit == "ed" else "I"
            told.append(_message(trigger, site_id, unit, patient_class, visit, since, zone))
            if random.random() < 0.05:
                told.append(told[-1])
        unit, _, until = places[-1]
        if until is not None:
            told.append(_message("A03", site_id, unit, "I", visit, until, zone, disposition))
    random.shuffle(told)
    return told


def message(trigger: str, visit: str, unit: str, at: str, prior: str | None = None) -> str:
    """An inpatient's message at north; ``prior`` is the visit's number before."""
    merged = [f"MRG|MRN||ACC||{prior}"] if prior else []
    return "\r".join(
        [
            f"MSH|^~\\&|EHR|north|HUB|HUB|{at}||ADT^{trigger}|{visit}-{trigger}|P|2.5",
            f"EVN|{trigger}|{at}",
            *merged,
            f"PV1|1|I|{unit}^1^A^north{'|' * 16}{visit}",
            "",
        ]
    )


def encounters(hospital: Hospital) -> list[str]:
    """A FHIR export of it, a line each."""
    told = []
    for site_id, visit, places, _ in ways(hospital):
        located = [
            {
                "location": {"reference": f"Location/{site_id}-{unit}", "display": unit},
                "period": {"start": since.isoformat()} | ({"end": until.isoformat()} if until else {}),
            }
            for unit, since, until in places
        ]
        code = "IMP" if any(unit != "ed" for unit, _, _ in places) else "EMER"
        told.append(
            {
                "resourceType": "Encounter",
                "id": visit,
                "status": "finished",
                "class": {"code": code},
                "serviceProvider": {"display": site_id},
                "location": located,
            }
        )
    return [json.dumps(one) for one in told]


def tables(hospital: Hospital, settings: Settings, folder: Path) -> None:
    """CSV and Parquet of it: visits in local time under other names, stays in UTC under ours."""
    zone = settings.sites[0].zone
    local = {name: hospital.ed_visit[name].dt.tz_convert(zone) for name in ("arrived_at", "departed_at")}
    visits = hospital.ed_visit.assign(**local)
    visits = visits.rename(columns={"arrived_at": "ARR", "departed_at": "DEP"})
    visits.to_csv(folder / "ed_visit.csv", index=False)
    hospital.bed_stay.drop(columns=["patient", "visit_id"]).to_parquet(folder / "bed_stay.parquet")


def _message(
    trigger: str,
    site_id: str,
    unit: str,
    patient_class: str,
    visit: str,
    at: datetime,
    zone: Any,
    disposition: str | None = None,
) -> str:
    stamp = f"{pd.Timestamp(at).tz_convert(zone):%Y%m%d%H%M%S%z}"
    ended = {"home": "01", "transferred": "02", "left_without_being_seen": "07"}.get(disposition or "", "")
    return "\r".join(
        [
            f"MSH|^~\\&|EHR|{site_id}|HUB|HUB|{stamp}||ADT^{trigger}|{visit}-{trigger}|P|2.5",
            f"EVN|{trigger}|{stamp}",
            f"PID|1||MRN{visit}||PLANTED^{visit}||19500101|F",
            f"PV1|1|{patient_class}|{unit}^1^A^{site_id}{'|' * 16}{visit}{'|' * 17}{ended}",
            "",
        ]
    )


def _beds(rows: pd.DataFrame) -> list[Stretch]:
    ordered = rows.sort_values("bed_from")[["unit_id", "bed_from", "bed_to"]]
    return [(unit, since, _end(until)) for unit, since, until in ordered.itertuples(index=False, name=None)]


def _end(at: Any) -> datetime | None:
    return None if pd.isna(at) else at
