"""Files of a feed into the source database, for hospitals that have no reporting database of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

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
        paths: files or folders: .hl7 or .er7 messages, .ndjson of a FHIR export, .csv or .parquet tables;
            texts may be packed (.gz). Files of other endings are counted as left out.
        time_zone: of times without an offset; ``site``: each site's own.
        columns: by table, what files call our columns.

    Raises:
        LoadRefused: there is nothing to load, or a file or the database can't be used.
    """
    settings = read_settings(place.config)
    places = load.Places(settings.sites)
    pseudonym, found = load.Pseudonym(_key(place)), _by_format(paths)
    place.var.mkdir(parents=True, exist_ok=True)
    with load.opened(place.source) as tables:
        loaded = Loaded(load.Told(), tables.put(load.Feed(tables=[("unit", places.units())])))
        for file in found[""]:
            loaded.told.leave_out(f"files of another format ({file.suffix or 'no ending'})", str(file))
        for feed in _feeds(found, places, time_zone, columns, pseudonym):
            loaded.told.add(feed.told)
            loaded.written.update(tables.put(feed))
    return loaded


def _feeds(
    by_format: Mapping[str, Sequence[Path]],
    places: load.Places,
    time_zone: ZoneInfo | Literal["site"],
    columns: Mapping[str, Mapping[str, str]],
    pseudonym: load.Pseudonym,
) -> Iterator[load.Feed]:
    if by_format["hl7"]:
        yield load.read_hl7(map(load.whole, by_format["hl7"]), places, time_zone, pseudonym)
    if by_format["fhir"]:
        told = chain.from_iterable(map(load.lines, by_format["fhir"]))
        yield load.read_fhir(told, places, pseudonym)
    for path in by_format["tables"]:
        yield load.read_table(path, columns, places, time_zone, pseudonym)


def _key(place: Deployment) -> bytes:
    if place.load_key is None:
        raise load.LoadRefused(
            "HOSPITAL_LOAD_KEY is not set: visits are renamed with it, so that no number of a patient is "
            "stored. Set it to a long random word, and keep it: with another a visit would count twice"
        )
    return place.load_key.get_secret_value().encode()


def _files(path: Path) -> list[Path]:
    try:
        return sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
    except OSError as error:
        raise load.LoadRefused(f"{path}: can't be read: {error.strerror}") from error


def _by_format(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """The files to be read, by their format; those of another ending under ``""``."""
    found: dict[str, list[Path]] = {name: [] for name in (*FORMATS, "")}
    formats = {ending: name for name, endings in FORMATS.items() for ending in endings}
    for file in (file for path in paths for file in _files(path)):
        found[formats.get(load.unpacked_name(file).suffix.lower(), "")].append(file)
    if not any(found[name] for name in FORMATS):
        endings = ", ".join(formats)
        raise load.LoadRefused(f"{', '.join(map(str, paths))}: nothing to load; allowed endings: {endings}")
    return found
