"""CSV and Parquet files that hold tables of the ``adt`` profile, under their names or others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa

from forecasting.adt import DISPOSITIONS, SOURCE_TABLES
from forecasting.load.errors import LoadRefused
from forecasting.load.feed import Feed
from forecasting.load.identity import Pseudonym
from forecasting.load.places import Places, site_name

TABLES = {table.name: table for table in SOURCE_TABLES}
IDS = {"ed_visit": "visit_id", "bed_stay": "stay_id"}
NEEDED = {
    "ed_visit": ("visit_id", "site_id", "arrived_at"),
    "bed_stay": ("stay_id", "site_id", "unit_id", "bed_from"),
    "unit": ("site_id", "unit_id"),
    "scheduled_shift": ("site_id", "unit_id", "role", "shift_start", "shift_end", "heads"),
}
"""What a row must have to be of use; other columns are empty where a file lacks them."""

OFFSET = r"(?:Z|[+-]\d{2}:?\d{2})$"


def read_table(
    path: Path,
    columns: Mapping[str, Mapping[str, str]],
    places: Places,
    time_zone: ZoneInfo | Literal["site"],
    pseudonym: Pseudonym,
) -> Feed:
    """The rows of a file that is called like its table, such as ``ed_visit.csv`` or ``bed_stay.parquet``.

    Args:
        path: the file.
        columns: by table, what the file calls our columns; our own name where nothing is said.
        places: rows of other sites are left out.
        time_zone: of times without an offset; of the hour that autumn has twice, the first is meant.
        pseudonym: names visits and stays.

    Raises:
        LoadRefused: the file has the name of no table, can't be read, or lacks a column.
    """
    table = TABLES.get(path.stem)
    if table is None:
        raise LoadRefused(
            f"{path}: no table is called {path.stem!r}; rename it to one of {', '.join(TABLES)}"
        )
    names = table.columns.keys()
    theirs = {name: columns.get(table.name, {}).get(name, name) for name in names}
    told = _file(path)
    lacking = [theirs[name] for name in NEEDED[table.name] if theirs[name] not in told]
    if lacking:
        raise LoadRefused(
            f"{path}: no column {', '.join(map(repr, lacking))} among {', '.join(map(repr, told))}; "
            f"say which it is with --column {table.name}.OURS=THEIRS"
        )
    frame = pd.DataFrame({name: told.get(theirs[name]) for name in names}, index=told.index)
    feed = Feed()
    frame = _of_our_sites(frame, places, feed)
    for column in table.columns:
        if isinstance(column.type, sa.DateTime):
            frame[column.name] = _utc(frame[column.name], _zones(frame, places, time_zone))
        elif isinstance(column.type, sa.Integer):
            frame[column.name] = pd.to_numeric(frame[column.name], errors="coerce").round().astype("Int64")
        else:
            frame[column.name] = frame[column.name].astype("string").str.strip()
    if "disposition" in frame:
        # Nobody reads free text, in which anything may stand.
        frame["disposition"] = frame["disposition"].where(frame["disposition"].isin(DISPOSITIONS))
    whole = frame[list(NEEDED[table.name])].notna().all(axis=1)
    if not whole.all():
        feed.told.left_out[f"{table.name} rows whose {' or '.join(NEEDED[table.name])} can't be read"] = int(
            (~whole).sum()
        )
    frame = frame[whole].reset_index(drop=True)
    if table.name in IDS:
        of = IDS[table.name]
        frame[of] = [
            pseudonym.of(*parts) for parts in zip(frame["site_id"], frame[of].astype(str), strict=True)
        ]
    feed.tables.append((table.name, frame))
    feed.told.read[f"{table.name} rows"] = len(frame)
    return feed


def _file(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype="string", encoding="utf-8-sig")
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise LoadRefused(f"{path}: can't be read as {path.suffix[1:]}: {error}") from error


def _of_our_sites(frame: pd.DataFrame, places: Places, feed: Feed) -> pd.DataFrame:
    told = frame["site_id"].astype("string").str.strip().fillna("")
    sites = {name: places.site((name,)) for name in told.unique()}
    for name, site in sites.items():
        if site is None:
            feed.told.left_out[f"rows of site {name!r}, which is no site's source_id"] = int(
                (told == name).sum()
            )
    ours = {name: site_name(site) for name, site in sites.items() if site is not None}
    return frame.assign(site_id=told.map(ours))[told.isin(ours)]


def _zones(frame: pd.DataFrame, places: Places, time_zone: ZoneInfo | Literal["site"]) -> pd.Series:
    if time_zone != "site":
        return pd.Series(time_zone.key, index=frame.index)
    zones = {site_name(site): site.time_zone for site in places.sites}
    return frame["site_id"].map(zones)


def _utc(told: pd.Series, zones: pd.Series) -> pd.Series:
    """Times in UTC; those without an offset are on their row's clock, of two the first."""
    if isinstance(told.dtype, pd.DatetimeTZDtype):
        utc: pd.Series = told.dt.tz_convert("UTC")
        return utc
    instants = pd.Series(pd.NaT, index=told.index, dtype="datetime64[us, UTC]")
    if not pd.api.types.is_datetime64_dtype(told):
        told = told.astype("string").str.strip()
        stated = told.str.contains(OFFSET, regex=True, na=False)
        instants[stated] = pd.to_datetime(told[stated], utc=True, format="ISO8601", errors="coerce")
        told = pd.to_datetime(told.mask(stated), format="ISO8601", errors="coerce")
    for zone, local in told.dropna().groupby(zones):
        first = [True] * len(local)
        clock = local.dt.tz_localize(str(zone), ambiguous=first, nonexistent="shift_forward")
        instants[local.index] = clock.dt.tz_convert("UTC")
    return instants
