"""What a source would give a night, and what speaks against it: before anything is scheduled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd
import sqlalchemy as sa

from forecasting.balance import ALLOWED_SHARE, balance_of
from forecasting.config import Settings, Site, Unit
from forecasting.extract import doubts
from forecasting.extract.clock import UTC_CLOCK, SourceClock
from forecasting.extract.contract import SourceTable, resolve
from forecasting.extract.extraction import extract
from forecasting.extract.hourly import shift_hours
from forecasting.extract.questions import Questions
from forecasting.extract.source import reading
from forecasting.profile import Profile
from forecasting.schema import Target

HOURS_PER_DAY = 24
MOST_UNITS = 20
EVER = datetime(1800, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)
"""Between which any arrival lies that was one; others stand for none, and some are in no calendar."""
REPEATED = ("duplicate_hour", "contradictory_hour")

Finding = tuple[str, str, str, str]
"""Site, unit, target (both empty where it is of the whole site) and a sentence."""


@dataclass(frozen=True)
class SourceReport:
    """What the first night would read of some sites."""

    series: pd.DataFrame
    """Per configured series: ``site_id, unit_id, target, table``; ``first, last``, its known hours (UTC);
    ``hours`` known and ``missing`` between the first and the issue time; ``zero_share`` of the known ones;
    ``gap_hours, gap_from``, the longest run of missing ones. Without rows, ``hours`` is 0."""
    doubts: pd.DataFrame
    """``site_id, unit_id, target, says``: what to look at."""
    unread: pd.DataFrame
    """``site_id, unit_id, target, says``: targets of which nothing can be read, and why."""


def check_source(
    engine: sa.Engine, settings: Settings, sites: Sequence[Site], issued_at: datetime
) -> SourceReport:
    """Read what the first night would read, and say what it is.

    Args:
        engine: the source, from :func:`~forecasting.extract.source.connect`.
        settings: the profile, its mapping and how far back a night reads.
        sites: whose hours.
        issued_at: the night's issue time; aware, on the hour.

    Raises:
        SourceError: the source does not answer, or has not the shape of its profile; the message names every
            missing table and column with the key that maps it.
    """
    with reading(engine) as connection:
        tables = resolve(connection, settings.source)
    since = issued_at - timedelta(days=settings.source.history_days)
    reports = [
        report_site(
            extract(engine, site, settings, since, issued_at),
            tables,
            site,
            settings,
            issued_at,
            _arrival_span(engine, site, settings, since, issued_at),
            _stay_lengths(engine, site, settings, since, issued_at),
        )
        for site in sites
    ]
    return SourceReport(
        *(
            pd.concat([getattr(report, part) for report in reports], ignore_index=True)
            for part in ("series", "doubts", "unread")
        )
    )


@dataclass(frozen=True)
class ArrivalSpan:
    """Arrivals that a source has at all, in the history read or not; and the first's and last's hour, UTC."""

    arrivals: int
    first: pd.Timestamp
    last: pd.Timestamp


def _arrival_span(
    engine: sa.Engine, site: Site, settings: Settings, since: datetime, issued_at: datetime
) -> ArrivalSpan | None:
    if site.ed is None or not settings.source.profile.counts_events:
        return None
    with reading(engine) as connection:
        told = Questions(connection, settings.source, site, since, issued_at).ask("arrival_span", *EVER)
    (row,) = told.to_dict("records")
    return (
        ArrivalSpan(row["arrivals"], row["first_arrival"], row["last_arrival"]) if row["arrivals"] else None
    )


def _stay_lengths(
    engine: sa.Engine, site: Site, settings: Settings, since: datetime, issued_at: datetime
) -> pd.DataFrame:
    """Of the stays that began in the history: ``unit_id, stay_hours, has_ended, stays``."""
    if not settings.source.profile.counts_events:
        return pd.DataFrame(columns=["unit_id", "stay_hours", "has_ended", "stays"])
    with reading(engine) as connection:
        return Questions(connection, settings.source, site, since, issued_at).ask("stay_length")


def report_site(
    extracted: Mapping[str, pd.DataFrame],
    tables: Mapping[str, SourceTable],
    site: Site,
    settings: Settings,
    issued_at: datetime,
    span: ArrivalSpan | None,
    lengths: pd.DataFrame,
) -> SourceReport:
    """The report of one site.

    Args:
        extracted: what :func:`~forecasting.extract.extraction.extract` read of it.
        tables: the profile's tables that the source has.
        site: the campus.
        settings: what is configured of the source.
        issued_at: the issue time.
        span: of its arrivals; None where the source has none, or counts no events.
        lengths: of its stays, by unit; none where the source counts no events.
    """
    observation = extracted["observation"]
    values = {
        (unit.unit_id, target): _series(observation, unit, target)
        for unit in site.units
        for target in _targets(unit)
    }
    series = pd.DataFrame(
        [_row(site, settings, unit_id, target, of) for (unit_id, target), of in values.items()]
    )
    found = [*_doubts(extracted, values, tables, site, settings, issued_at)]
    if span is not None:
        scattered = doubts.scattered_doubt(span.arrivals, span.first, span.last)
        found += [(site.site_id, "", "", scattered)] if scattered else []
    found += _forgotten(lengths, site, settings)
    since = issued_at - timedelta(days=settings.source.history_days)
    profile, defects = settings.source.profile, extracted["source_defect"]
    unread = [*_unread(defects, series, tables, site, profile, span, since)]
    columns = ["site_id", "unit_id", "target", "says"]
    return SourceReport(series, pd.DataFrame(found, columns=columns), pd.DataFrame(unread, columns=columns))


def _targets(unit: Unit) -> tuple[Target, ...]:
    return tuple(Target) if unit.unit_type == "ed" else (Target.BED_CENSUS,)


def _series(observation: pd.DataFrame, unit: Unit, target: Target) -> pd.Series:
    rows = observation[(observation["unit_id"] == unit.unit_id) & (observation["target"] == str(target))]
    return rows.set_index("valid_at")["value"]


def _row(
    site: Site, settings: Settings, unit_id: str, target: Target, values: pd.Series
) -> dict[str, object]:
    known = values.dropna()
    since_first = values.loc[known.index[0] :] if len(known) else known
    gap_hours, gap_from = doubts.longest_gap(since_first)
    return {
        "site_id": site.site_id,
        "unit_id": unit_id,
        "target": target.value,
        "table": _feed(site, settings.source.profile, unit_id, target),
        "first": known.index.min(),
        "last": known.index.max(),
        "hours": len(known),
        "missing": len(since_first) - len(known),
        "zero_share": known.eq(0).mean(),
        "gap_hours": gap_hours,
        "gap_from": pd.NaT if gap_from is None else gap_from,
    }


def _feed(site: Site, profile: Profile, unit_id: str, target: Target) -> str:
    of_ed = site.ed is not None and site.ed.unit_id == unit_id
    return profile.feed(of_ed=of_ed, of_arrivals=target is Target.ED_ARRIVALS)


def _doubts(
    extracted: Mapping[str, pd.DataFrame],
    values: Mapping[tuple[str, Target], pd.Series],
    tables: Mapping[str, SourceTable],
    site: Site,
    settings: Settings,
    issued_at: datetime,
) -> Iterator[Finding]:
    known = [of.dropna().index for of in values.values() if of.notna().any()]
    if known:
        first, last = min(hours[0] for hours in known), max(hours[-1] for hours in known)
        for says in _site_doubts(first, last, settings, issued_at):
            yield site.site_id, "", "", says
    there = {*extracted["observation"]["unit_id"], *extracted["unit"]["unit_id"].dropna()}
    left_out = sorted(there - {unit.unit_id for unit in site.units})
    if left_out:
        more = f" and {len(left_out) - MOST_UNITS} more" if len(left_out) > MOST_UNITS else ""
        named = ", ".join(map(repr, left_out[:MOST_UNITS]))
        yield site.site_id, "", "", f"units that hospital.toml does not have, left out: {named}{more}"
    if extracted["scheduled_shift"].empty:
        yield site.site_id, "", "", "no roster for the nights to come: what is short can't be told"
    beds = extracted["unit"].set_index("unit_id")["staffed_beds"]
    read = {target for (_, target), of in values.items() if of.notna().any()}
    for (unit_id, target), of in values.items():
        says_all = [doubts.frozen_doubt(of), _midnight(of, target, site, settings, tables)]
        tells = settings.source.profile.has_wards or (site.ed is not None and unit_id == site.ed.unit_id)
        if tells and target in read and of.empty:
            says_all.append("no rows of it; if the source calls it otherwise, say so: units.source_id")
        if known:
            says_all += doubts.span_doubts(of, first, last)
        if target is Target.ED_ARRIVALS:
            clock = _clock(site, settings, tables)
            repeated = _repeated(extracted["source_defect"], unit_id, target)
            shift = shift_hours(target, settings) if settings.source.profile is Profile.HOURLY else 0
            says_all += [
                doubts.clock_doubt(of, repeated, site, clock, shift),
                doubts.late_doubt(of, site),
            ]
        elif (site.ed is None or unit_id != site.ed.unit_id) and pd.notna(beds.get(unit_id)):
            says_all.append(doubts.beds_doubt(of, int(beds[unit_id])))
        if of.notna().any() and of.dropna().eq(0).all():
            says_all.append("nobody in any hour")
        yield from ((site.site_id, unit_id, target.value, says) for says in says_all if says)
    if site.ed is not None:
        balance = balance_of(*(values[site.ed.unit_id, target] for target in Target))
        if balance.share > ALLOWED_SHARE:
            yield site.site_id, site.ed.unit_id, Target.BED_CENSUS.value, balance.says
    for (of_unit, of_target), rows in extracted["source_defect"].groupby(["unit_id", "target"]):
        for defect, count in rows.groupby("defect")["source_rows"].sum().items():
            says = f"{count} rows: {str(defect).replace('_', ' ')}"
            yield site.site_id, str(of_unit), str(of_target), says


def _forgotten(lengths: pd.DataFrame, site: Site, settings: Settings) -> Iterator[Finding]:
    counted = {unit.unit_id: unit.counted_hours for unit in site.units}
    for unit_id, of_unit in lengths[lengths["unit_id"].isin(counted)].groupby("unit_id"):
        window = settings.source.history_days * HOURS_PER_DAY
        says = doubts.forgotten_doubt(of_unit, counted[str(unit_id)], window)
        if says:
            yield site.site_id, str(unit_id), Target.BED_CENSUS.value, says


def _site_doubts(
    first: pd.Timestamp, last: pd.Timestamp, settings: Settings, issued_at: datetime
) -> Iterator[str]:
    age = int((pd.Timestamp(issued_at) - last) / pd.Timedelta(hours=1))
    if age > settings.source.stale_after_hours:
        yield (
            f"stale: the last hour, {last:%Y-%m-%d %H:%M} UTC, is {age} h before the issue time; a night is "
            f"blocked after {settings.source.stale_after_hours}"
        )
    days, needed = (last - first).days, settings.training.minimum_history_days
    if days < needed:
        yield f"{days} days of history; a trained model needs {needed}, until then the baseline speaks"


def _midnight(
    values: pd.Series, target: Target, site: Site, settings: Settings, tables: Mapping[str, SourceTable]
) -> str | None:
    if not settings.source.profile.counts_events or values.isna().all():
        return None
    came = values if target is Target.ED_ARRIVALS else values.diff().clip(lower=0)
    return doubts.midnight_doubt(came.dropna(), _clock(site, settings, tables))


def _clock(site: Site, settings: Settings, tables: Mapping[str, SourceTable]) -> SourceClock:
    source = settings.source
    table = tables.get(source.profile.feeds[0])
    if table and table.knows_offset:
        return UTC_CLOCK
    return SourceClock((source.events if source.profile.counts_events else source.hourly).zone(site))


def _repeated(defects: pd.DataFrame, unit_id: str, target: Target) -> pd.DatetimeIndex:
    of = (defects["unit_id"] == unit_id) & (defects["target"] == str(target))
    return pd.DatetimeIndex(defects.loc[of & defects["defect"].isin(REPEATED), "valid_at"])


def _unread(
    defects: pd.DataFrame,
    series: pd.DataFrame,
    tables: Mapping[str, SourceTable],
    site: Site,
    profile: Profile,
    span: ArrivalSpan | None,
    since: datetime,
) -> Iterator[Finding]:
    if not profile.has_wards:
        for unit in site.units:
            if unit != site.ed:
                says = f"profile {profile} tells of the emergency department only, and of no ward"
                yield site.site_id, unit.unit_id, Target.BED_CENSUS.value, says
    for target, rows in series.groupby("target"):
        if rows["hours"].any():
            continue
        daily = defects[(defects["target"] == target) & (defects["defect"] == "once_a_day")]
        absent = sorted(set(rows["table"]) - tables.keys())
        if absent:
            says = f"the source has no {', '.join(absent)}; map it: source.tables.{absent[0]}"
        elif len(daily):
            says = "it is counted once a day, and forecasts are made of hours: daily data is not supported"
        elif span is not None:
            says = (
                f"no rows in the history read; the {span.arrivals} arrivals that the source has lie between "
                f"{span.first:%Y-%m-%d} and {span.last:%Y-%m-%d}"
            )
        else:
            called = site.source_id or site.site_id
            says = (
                f"no rows of site {called!r} in {', '.join(sorted(set(rows['table'])))} in the history read, "
                f"since {since:%Y-%m-%d}; if the source calls it, or its units, otherwise, say so: "
                "sites.source_id, units.source_id"
            )
        yield site.site_id, "", str(target), says
