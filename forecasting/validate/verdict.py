"""One site's night, judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from time import perf_counter

import pandas as pd
import structlog

from forecasting.balance import balance_of
from forecasting.config import Privacy, Settings, Site
from forecasting.schema import (
    OBSERVATION,
    QUARANTINED_ROW,
    SCHEDULED_SHIFT,
    SOURCE_COLUMN,
    SOURCE_DEFECT,
    UNIT,
    VALIDATION_RESULT,
    WEATHER,
    Target,
)
from forecasting.validate import facts
from forecasting.validate.catch_up import catch_ups, spread_out
from forecasting.validate.copied import copied_hours
from forecasting.validate.frozen import frozen_hours
from forecasting.validate.judge import Document, judge, pandas_source
from forecasting.validate.records import State, quarantined_rows, result_rows, state_of, why
from forecasting.validate.source_drift import source_drift
from forecasting.validate.suite import Outcome, Suite
from forecasting.validate.suites import observation as observation_suites
from forecasting.validate.suites.balance import balance_suite
from forecasting.validate.suites.scheduled_shift import scheduled_shift_suite
from forecasting.validate.suites.source_column import source_column_suite
from forecasting.validate.suites.source_defect import source_defect_suite
from forecasting.validate.suites.structure import columns_suite
from forecasting.validate.suites.unit import unit_suite
from forecasting.validate.suites.unit_change import unit_change_suite
from forecasting.validate.suites.weather import coverage_suite, plausible_weather, temperature_suite
from forecasting.validate.unit_change import unit_changes

EXTRACTED = (OBSERVATION, UNIT, SCHEDULED_SHIFT, SOURCE_DEFECT)

log = structlog.get_logger()


@dataclass(frozen=True)
class Verdict:
    """Whether a site's night goes on, with what, and why."""

    site_id: str
    state: State
    why: str
    """Sentences for people: what blocks the night, else what to look at; empty where all is well."""
    tables: dict[str, pd.DataFrame]
    """``observation``, ``unit``, ``scheduled_shift``, and ``weather`` if given, without quarantined rows."""
    results: pd.DataFrame
    """The table ``validation_result``."""
    quarantined: pd.DataFrame
    """The table ``quarantined_row``."""
    documents: list[Document]
    """Great Expectations results as JSON, for :func:`~forecasting.validate.data_docs.build_data_docs`."""


def validate(
    tables: Mapping[str, pd.DataFrame],
    history: pd.DataFrame,
    site: Site,
    settings: Settings,
    night: date,
    issued_at: datetime,
    columns_before: pd.DataFrame | None = None,
) -> Verdict:
    """Judge what one site's night extracted.

    Args:
        tables: ``observation``, ``unit``, ``scheduled_shift`` and ``source_defect``, as extracted; besides
            ``source_column`` if told and ``weather`` if configured, neither of which blocks a night.
        history: observations known before this night; empty on the first.
        site: the campus.
        settings: what is allowed.
        night: the night's local date, for the records.
        issued_at: the issue time; aware.
        columns_before: SOURCE_COLUMN rows of the last night that was recorded; None if there is none.

    Returns:
        The verdict. Impossible values become missing, rows of unknown units leave; both are quarantined.
    """
    began = perf_counter()
    case = _Case(site, night)
    read, unit, scheduled_shift, defect = case.typed(tables)

    observation = case.keep(observation_suites.rows_suite(read, site, issued_at), read)
    unit = case.keep(unit_suite(unit, site), unit)
    scheduled_shift = case.keep(scheduled_shift_suite(scheduled_shift, site), scheduled_shift)
    case.hear(source_defect_suite(defect, _present(observation)))
    if SOURCE_COLUMN.name in tables:
        before = SOURCE_COLUMN.empty() if columns_before is None else columns_before
        case.hear(source_column_suite(source_drift(tables[SOURCE_COLUMN.name], before)))

    known = facts.known_hours(observation, history, site, settings.source.profile, issued_at)
    case.hear(observation_suites.site_suite(facts.site_facts(known), site, settings, issued_at))
    if len(known):
        case.hear(observation_suites.feeds_suite(facts.feed_facts(known, issued_at), settings))
        series = facts.series_facts(observation, known, site, settings.source.profile, issued_at)
        case.hear(observation_suites.series_suite(series, settings.privacy))
        if site.ed is not None:
            arrivals, census = (_series(known, site.ed.unit_id, str(target)) for target in Target)
            case.hear(balance_suite(balance_of(arrivals, census)))
        case.hear(unit_change_suite(_unit_changes(read, known, site, issued_at), site))

    observation = _with_stretches(observation, known)
    observation = case.possible(observation, ward_beds(unit, site), issued_at, settings.privacy)
    if settings.source.catch_up == "spread":
        observation = _with_spread_out(observation, known)
    clean = {OBSERVATION: observation, UNIT: unit, SCHEDULED_SHIFT: scheduled_shift}
    if WEATHER.name in tables:
        clean[WEATHER] = case.weather(tables[WEATHER.name], issued_at)
    verdict = Verdict(
        site_id=site.site_id,
        state=state_of(case.outcomes),
        why=why(case.outcomes),
        tables={
            table.name: table.conform(frame.drop_duplicates(list(table.key)))
            for table, frame in clean.items()
        },
        results=VALIDATION_RESULT.conform(result_rows(case.outcomes, site, night)),
        quarantined=QUARANTINED_ROW.conform(quarantined_rows(case.outcomes, site, night, issued_at)),
        documents=case.documents,
    )
    log.info(
        "validated",
        site=site.site_id,
        night=str(night),
        stage="validate",
        state=verdict.state,
        why=verdict.why,
        quarantined=len(verdict.quarantined),
        seconds=round(perf_counter() - began, 2),
    )
    return verdict


class _Case:
    """The suites heard so far, what they found and what they quarantined."""

    def __init__(self, site: Site, night: date) -> None:
        self.site = site
        self.night = night
        self.source = pandas_source(site.site_id)
        self.outcomes: list[Outcome] = []
        self.documents: list[Document] = []

    def hear(self, suite: Suite) -> pd.Index:
        """Run a suite; gives the rows that it quarantines."""
        outcomes, document = judge(suite, self.source, self.site.site_id, self.night)
        self.outcomes += outcomes
        self.documents.append(document)
        bad = suite.rows.index[:0]
        for outcome in outcomes:
            if outcome.check.quarantine:
                bad = bad.union(outcome.failed.index)
        return bad

    def keep(self, suite: Suite, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame without the rows that its suite quarantines."""
        return frame.drop(self.hear(suite))

    def typed(self, tables: Mapping[str, pd.DataFrame]) -> list[pd.DataFrame]:
        """The extracted tables, each empty where it has not its columns and types."""
        given = [(table, tables.get(table.name, pd.DataFrame())) for table in EXTRACTED]
        suite = columns_suite(given)
        self.hear(suite)
        broken = set(suite.rows.loc[suite.rows["found"] != suite.rows["wanted"], "table"])
        return [
            table.empty() if table.name in broken else frame.reset_index(drop=True) for table, frame in given
        ]

    def weather(self, weather: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """The plausible rows of what was told of the weather."""
        if len(weather):
            self.hear(temperature_suite(weather))
        kept = plausible_weather(weather)
        self.hear(coverage_suite(kept, issued_at))
        return kept

    def possible(
        self, observation: pd.DataFrame, beds: pd.DataFrame, issued_at: datetime, privacy: Privacy
    ) -> pd.DataFrame:
        """The observations, impossible values made missing."""
        parts = []
        for target in Target:
            rows = observation[observation["target"] == str(target)]
            impossible = self.hear(observation_suites.values_suite(rows, target, beds, issued_at, privacy))
            parts.append(rows.assign(value=rows["value"].mask(rows.index.isin(impossible))))
        return pd.concat(parts)


def _present(observation: pd.DataFrame) -> pd.Series:
    """Patients in the last hour whose census is known, by unit."""
    census = observation[observation["target"] == str(Target.BED_CENSUS)].dropna(subset="value")
    return census.sort_values("valid_at").groupby("unit_id")["value"].last()


def _with_stretches(observation: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Beside each hour, what only others tell: whether it catches up, stands still, or is another unit's."""
    copied = copied_hours(known[known["target"] == str(Target.BED_CENSUS)])
    census = observation["target"] == str(Target.BED_CENSUS)
    rows = observation.merge(copied, on=["unit_id", "valid_at"], how="left").set_axis(observation.index)
    rows = rows.assign(silent_before=0, frozen=0, copy_of=rows["copy_of"].where(census).fillna(""))
    for (unit_id, target), of_series in rows.groupby(["unit_id", "target"]):
        past = _series(known, str(unit_id), str(target))
        if target == str(Target.ED_ARRIVALS):
            before = catch_ups(past).set_index("valid_at")["silent_hours"]
            rows.loc[of_series.index, "silent_before"] = (
                of_series["valid_at"].map(before).fillna(0).astype(int)
            )
        else:
            frozen = frozen_hours(past).astype(int)
            rows.loc[of_series.index, "frozen"] = of_series["valid_at"].map(frozen).fillna(0).astype(int)
    return rows


def _with_spread_out(observation: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """The catch-ups among tonight's hours given back to the silent hours before them."""
    rows = observation.copy()
    for unit_id, of_unit in rows[rows["target"] == str(Target.ED_ARRIVALS)].groupby("unit_id"):
        past = _series(known, str(unit_id), str(Target.ED_ARRIVALS))
        shares = spread_out(past, catch_ups(past))
        rows.loc[of_unit.index, "value"] = of_unit["value"].fillna(of_unit["valid_at"].map(shares))
    return rows


def _unit_changes(read: pd.DataFrame, known: pd.DataFrame, site: Site, issued_at: datetime) -> pd.DataFrame:
    """What became of the site's units, those besides that only the source names."""
    configured = [unit.unit_id for unit in site.units]
    census = str(Target.BED_CENSUS)
    strange = (read["target"] == census) & (read["site_id"] == site.site_id)
    strange &= ~read["unit_id"].isin(configured) & (read["valid_at"] < issued_at)
    columns = ["unit_id", "valid_at", "value"]
    rows = pd.concat([known.loc[known["target"] == census, columns], read.loc[strange, columns]])
    return unit_changes(rows, configured, issued_at)


def _series(known: pd.DataFrame, unit_id: str, target: str) -> pd.Series:
    rows = known[(known["unit_id"] == unit_id) & (known["target"] == target)]
    return rows.set_index("valid_at")["value"].sort_index()


def ward_beds(unit: pd.DataFrame, site: Site) -> pd.DataFrame:
    """Per ward, the beds ``staffed`` today and the ``most`` there could be: by the source, else the file."""
    configured = pd.Series({one.unit_id: one.beds for one in site.units if one != site.ed}, dtype=float)
    staffed = unit.drop_duplicates("unit_id").set_index("unit_id")["staffed_beds"].astype(float)
    staffed = staffed.reindex(configured.index).fillna(configured)
    return pd.DataFrame({"staffed": staffed, "most": staffed.clip(lower=configured)})
