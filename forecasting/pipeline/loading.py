"""Files of a feed into the source database, for hospitals that have no reporting database of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from forecasting import load
from forecasting.config import read_settings
from forecasting.deployment import Deployment

FORMATS = {"hl7": (".hl7", ".er7"), "fhir": (".ndjson",), "tables": (".csv", ".parquet")}


@dataclass(frozen=True)
class Loaded:
    """What a load read, left out (by the reason) and wrote (rows by table)."""

    told: load.Told
    written: Counter[str]


def load_source(
    place: Deployment,
    paths: Sequence[Path],
    time_zone: ZoneInfo | Literal["site"],
    columns: Mapping[str, Mapping[str, str]],
) -> Loaded:
    """Load files, or folders of them, by their endings; loaded twice they leave the same rows as once.

    Args:
        place: whose source database is written; of profile ``adt``.
        paths: files or folders: .hl7 or .er7 messages, .ndjson of a FHIR export, .csv or .parquet tables.
        time_zone: of times without an offset; ``site``: each site's own.
        columns: by table, what files call our columns.

    Raises:
        LoadRefused: there is nothing to load, or a file or the database can't be used.
    """
    settings = read_settings(place.config)
    places = load.Places(settings.sites)
    place.var.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(place.source, hide_parameters=True)
    try:
        tables = load.SourceTables(engine)
        loaded = Loaded(load.Told(), tables.put(load.Feed(tables=[("unit", places.units())])))
        for feed in _feeds(_by_format(paths), places, time_zone, columns, load.Pseudonym(_key(place))):
            loaded.told.add(feed.told)
            loaded.written.update(tables.put(feed))
    finally:
        engine.dispose()
    return loaded


def _feeds(
    by_format: Mapping[str, Sequence[Path]],
    places: load.Places,
    time_zone: ZoneInfo | Literal["site"],
    columns: Mapping[str, Mapping[str, str]],
    pseudonym: load.Pseudonym,
) -> Iterator[load.Feed]:
    if by_format["hl7"]:
        text = "\r".join(_text(path) for path in by_format["hl7"])
        yield load.read_hl7(text, places, time_zone, pseudonym)
    if by_format["fhir"]:
        yield load.read_fhir(_lines(by_format["fhir"]), places, pseudonym)
    for path in by_format["tables"]:
        yield load.read_table(path, columns, places, time_zone, pseudonym)


def _key(place: Deployment) -> bytes:
    if place.load_key is None:
        raise load.LoadRefused(
            "HOSPITAL_LOAD_KEY is not set: visits are renamed with it, so that no number of a patient is "
            "stored. Set it to a long random word, and keep it: with another a visit would count twice"
        )
    return place.load_key.get_secret_value().encode()


def _by_format(paths: Sequence[Path]) -> dict[str, list[Path]]:
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    found = {
        name: [file for file in files if file.suffix.lower() in endings] for name, endings in FORMATS.items()
    }
    if not any(found.values()):
        endings = ", ".join(ending for some in FORMATS.values() for ending in some)
        raise load.LoadRefused(f"{', '.join(map(str, paths))}: nothing to load; allowed endings: {endings}")
    return found


def _text(path: Path) -> str:
    # A strange byte in a name that nobody keeps must not cost the message.
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return file.read()


def _lines(paths: Sequence[Path]) -> Iterator[str]:
    for path in paths:
        with path.open(encoding="utf-8-sig") as file:
            yield from file
