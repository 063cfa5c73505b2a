"""The hours themselves, and what they say of the source."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from forecasting.config import Privacy, Settings, Site
from forecasting.level_change import LEVEL_MOVED
from forecasting.schema import OBSERVATION, Severity, Target
from forecasting.validate.suite import Check, Suite, counted, expect
from forecasting.validate.suites.structure import key_check, known_units_check

IMPOSSIBLE_SHARE = 0.05
"""A target with a larger share of impossible values is not to be trusted at all."""
IMPOSSIBLE_OCCUPANCY = 3.0
"""A ward with more than three patients a bed is a counting error, not a crowd."""
RECENT_DAYS = 7
"""How far back today's number of staffed beds says something about the census."""
MINUTE = "%Y-%m-%d %H:%M"
UNUSUAL_SCORE = 4.0
"""Standard deviations between a day and its past weeks; by chance, once in 15,000 days."""


def rows_suite(observation: pd.DataFrame, site: Site, issued_at: datetime) -> Suite:
    """Rows are of this site's configured units, before the issue time, each once."""
    age = (pd.Timestamp(issued_at) - observation["valid_at"]).dt.total_seconds() / 3600
    return Suite(
        OBSERVATION.name,
        observation.assign(hours_before_issue=age),
        (
            key_check(OBSERVATION),
            Check(
                "site_is_this_one",
                Severity.BLOCK,
                expect("column_values_to_be_in_set", column="site_id", value_set=[site.site_id]),
                lambda failed: f"{len(failed)} rows are of another site ({counted(failed, 'site_id')}).",
                "site_id",
                "of site {site_id!r}",
            ),
            known_units_check(site, patients_of=_patients),
            Check(
                "target_is_known",
                Severity.BLOCK,
                expect(
                    "column_values_to_be_in_set",
                    column="target",
                    value_set=[str(target) for target in Target],
                ),
                lambda failed: f"{len(failed)} rows are of an unknown target ({counted(failed, 'target')}).",
                "target",
                "unknown target {target!r}",
            ),
            Check(
                "hour_is_before_issue",
                Severity.BLOCK,
                expect("column_values_to_be_between", column="hours_before_issue", min_value=1),
                lambda failed: (
                    f"{len(failed)} hours are not over at the issue time {issued_at:%Y-%m-%d %H:%M} UTC."
                ),
                "valid_at",
                "not over at the issue time",
            ),
        ),
    )


def values_suite(
    observation: pd.DataFrame, target: Target, beds: pd.DataFrame, issued_at: datetime, privacy: Privacy
) -> Suite:
    """One target's values are possible, and a ward's census of late fits its staffed beds.

    Args:
        observation: rows of one target, with ``silent_before``, the silent hours whose arrivals an hour holds
            besides its own, ``frozen``, 1 where a census stood still for too long, and ``copy_of``, the unit
            whose census it repeats, if any.
        target: which.
        beds: per ward's unit id, ``staffed`` beds today and the ``most`` it could ever hold; the ED, whose
            boarders wait in chairs and halls, is not among them.
        issued_at: the issue time.
        privacy: how small a count may be told.
    """
    recent = observation["valid_at"] >= issued_at - timedelta(days=RECENT_DAYS)
    staffed, most = (observation["unit_id"].map(beds[column]).astype(float) for column in ("staffed", "most"))
    rows = observation.assign(
        occupancy=(observation["value"] / staffed).where(recent), crowding=observation["value"] / most
    )
    not_negative = expect("column_values_to_be_between", column="value", min_value=0)
    mostly_not_negative = expect(
        "column_values_to_be_between", column="value", min_value=0, mostly=1 - IMPOSSIBLE_SHARE
    )
    possible = expect("column_values_to_be_between", column="crowding", max_value=IMPOSSIBLE_OCCUPANCY)
    mostly_possible = expect(
        "column_values_to_be_between",
        column="crowding",
        max_value=IMPOSSIBLE_OCCUPANCY,
        mostly=1 - IMPOSSIBLE_SHARE,
    )
    checks = [
        Check(
            "count_is_not_negative",
            Severity.WARN,
            not_negative,
            lambda failed: (
                f"{len(failed)} negative counts in {target} ({counted(failed)}) are taken as missing."
            ),
            "value",
            "negative count",
        ),
        Check(
            "few_counts_are_negative",
            Severity.BLOCK,
            mostly_not_negative,
            lambda failed: _too_many("negative counts", failed, target, rows["value"].count()),
            "value",
        ),
    ]
    if target is Target.ED_ARRIVALS:
        checks.append(
            Check(
                "hour_is_no_catch_up",
                Severity.WARN,
                expect("column_values_to_be_between", column="silent_before", max_value=0),
                lambda failed: " ".join(
                    f"{privacy.told(row['value'])} {target} of {row['unit_id']} in the hour "
                    f"{row['valid_at']:{MINUTE}} UTC came in the {row['silent_before']:.0f} silent hours "
                    "before it, too."
                    for row in failed.to_dict("records")
                ),
                "value",
                "holds the arrivals of {silent_before} silent hours before it, too",
            )
        )
    else:
        checks += [
            Check(
                "census_moves",
                Severity.WARN,
                expect("column_values_to_be_between", column="frozen", max_value=0),
                lambda failed: (
                    f"The census stood still for longer than chance allows ({counted(failed)} hours), "
                    "taken as missing: does the feed still run?"
                ),
                "value",
                "stood still for longer than chance allows",
            ),
            Check(
                "census_is_its_own",
                Severity.WARN,
                expect("column_values_to_be_in_set", column="copy_of", value_set=[""]),
                lambda failed: " ".join(
                    f"The census of {unit_id} repeats that of {copy_of} in {len(rows)} h, the last of them "
                    f"{rows['valid_at'].max():{MINUTE}} UTC; taken as missing: a copy, or a join gone wrong?"
                    for (unit_id, copy_of), rows in failed.groupby(["unit_id", "copy_of"])
                ),
                "value",
                "repeats the census of {copy_of!r}",
            ),
            Check(
                "census_fits_staffed_beds",
                Severity.WARN,
                expect("column_values_to_be_between", column="occupancy", max_value=1.0),
                lambda failed: _over_beds(failed, beds["staffed"], privacy),
                "value",
            ),
            Check(
                "census_is_possible",
                Severity.WARN,
                possible,
                lambda failed: (
                    f"{len(failed)} hours with over {IMPOSSIBLE_OCCUPANCY:.0f} patients a bed "
                    f"({counted(failed)}) are taken as missing."
                ),
                "value",
                "more patients than the unit could hold",
            ),
            Check(
                "few_censuses_are_impossible",
                Severity.BLOCK,
                mostly_possible,
                lambda failed: _too_many("impossible values", failed, target, rows["crowding"].count()),
                "value",
            ),
        ]
    return Suite(f"{OBSERVATION.name}.{target}", rows, tuple(checks))


def site_suite(facts: pd.DataFrame, site: Site, settings: Settings, issued_at: datetime) -> Suite:
    """The site has rows at all, and enough of them to train on."""
    days, needed = int(facts["history_days"].iloc[0]), settings.training.minimum_history_days
    feeds = ", ".join(settings.source.profile.feeds)
    return Suite(
        f"{OBSERVATION.name}.site",
        facts,
        (
            Check(
                "site_has_rows",
                Severity.BLOCK,
                expect("column_values_to_be_between", column="observed_hours", min_value=1),
                lambda _: (
                    f"No rows for site {site.site_id!r} in {feeds} of late, up to the issue time "
                    f"{issued_at:%Y-%m-%d %H:%M} UTC, that could be read as hours: "
                    "`forecasting source check` says what there is, and what to change in hospital.toml."
                ),
                "site_id",
            ),
            Check(
                "history_is_long_enough",
                Severity.WARN,
                expect("column_values_to_be_between", column="history_days", min_value=needed),
                lambda _: (
                    f"Site {site.site_id!r} has {days} days of history; the TFT needs {needed}, "
                    "so the baseline will speak."
                ),
                "valid_at",
            ),
        ),
    )


def feeds_suite(facts: pd.DataFrame, settings: Settings) -> Suite:
    """Each source table's last row is recent."""
    allowed = settings.source.stale_after_hours
    return Suite(
        f"{OBSERVATION.name}.feed",
        facts,
        (
            Check(
                "feed_is_fresh",
                Severity.BLOCK,
                expect("column_values_to_be_between", column="age_hours", max_value=allowed),
                lambda failed: " ".join(
                    f"The last row of {row.feed}, {row.last_hour:{MINUTE}} UTC, "
                    f"is {row.age_hours:.0f} h old; allowed {allowed}."
                    for row in failed.itertuples()
                ),
                "valid_at",
            ),
        ),
    )


def series_suite(facts: pd.DataFrame, privacy: Privacy) -> Suite:
    """Each configured series has rows, without gaps, and a last day like others."""
    return Suite(
        f"{OBSERVATION.name}.series",
        facts,
        (
            Check(
                "unit_has_rows",
                Severity.WARN,
                expect("column_values_to_be_between", column="hours", min_value=1),
                lambda failed: (
                    f"The source has no rows for {_listed(failed)}: is the unit_id right in hospital.toml?"
                ),
                "unit_id",
            ),
            Check(
                "hours_are_complete",
                Severity.WARN,
                expect("column_values_to_be_between", column="absent_hours", max_value=0),
                lambda failed: (
                    "Hours are absent: "
                    + ", ".join(
                        f"{row.unit_id} {row.target} {row.absent_hours}" for row in failed.itertuples()
                    )
                    + "."
                ),
                "valid_at",
            ),
            Check(
                "source_was_not_silent",
                Severity.WARN,
                expect("column_values_to_be_between", column="silent_hours", max_value=0),
                _silences,
                "value",
            ),
            Check(
                "unit_has_patients",
                Severity.WARN,
                expect("column_values_to_be_between", column="peak", min_value=1),
                lambda failed: f"No patient in any known hour of four weeks in {_listed(failed)}.",
                "value",
            ),
            Check(
                "volume_is_usual",
                Severity.WARN,
                expect(
                    "column_values_to_be_between",
                    column="volume_score",
                    min_value=-UNUSUAL_SCORE,
                    max_value=UNUSUAL_SCORE,
                ),
                lambda failed: " ".join(
                    f"Last day's {row['target']} of {row['unit_id']}: {privacy.told(row['found'])}; "
                    f"{privacy.told(row['usual'])} is usual."
                    for row in failed.to_dict("records")
                ),
                "value",
            ),
            Check(
                "level_stays",
                Severity.WARN,
                expect(
                    "column_values_to_be_between",
                    column="level_change",
                    min_value=-LEVEL_MOVED,
                    max_value=LEVEL_MOVED,
                ),
                _new_levels,
                "value",
            ),
            Check(
                "hours_keep_their_clock",
                Severity.WARN,
                expect("column_values_to_be_between", column="hours_late", min_value=0, max_value=0),
                lambda failed: " ".join(
                    f"The {row['target']} of {row['unit_id']} are stamped {abs(row['hours_late'])} h "
                    f"{'later' if row['hours_late'] > 0 else 'earlier'} than they used to be, by the shape "
                    "of their day: has the source changed its clock or time zone?"
                    for row in failed.to_dict("records")
                ),
                "valid_at",
            ),
        ),
    )


def _too_many(what: str, failed: pd.DataFrame, target: Target, rows: int) -> str:
    return f"{len(failed)} of {rows} values of {target} are {what}; allowed {IMPOSSIBLE_SHARE:.0%}."


def _over_beds(failed: pd.DataFrame, staffed: pd.Series, privacy: Privacy) -> str:
    worst = failed.groupby("unit_id")["value"].agg(["size", "max"])
    return " ".join(
        f"Unit {unit_id!r} is above its {staffed[str(unit_id)]:.0f} staffed beds in {row['size']:.0f} h, "
        f"at most {privacy.told(row['max'])} patients."
        for unit_id, row in worst.to_dict("index").items()
    )


def _silences(failed: pd.DataFrame) -> str:
    hours_apart = (failed["silent_to"] - failed["silent_from"]).dt.total_seconds() / 3600
    together = failed["silent_hours"] == hours_apart
    how = together.map(
        {True: "The source was silent for", False: "The source has no number here and there, for"}
    )
    same = failed.assign(how=how).groupby(["how", "silent_hours", "silent_from", "silent_to"])
    return " ".join(
        f"{words} {hours} h between {begin:{MINUTE}} and {end:{MINUTE}} UTC: missing in {_listed(rows)}."
        for (words, hours, begin, end), rows in same
    )


def _listed(failed: pd.DataFrame) -> str:
    return ", ".join(f"unit {row.unit_id!r} ({row.target})" for row in failed.itertuples())


def _new_levels(failed: pd.DataFrame) -> str:
    return " ".join(
        f"The level of {row['target']} of {row['unit_id']} has changed, for good as it seems: "
        f"{_a_day(row['lately'], row['target'])} in the last week, {_a_day(row['before'], row['target'])} in "
        "the three before. Does the source count otherwise, or twice? Has a unit nearby closed?"
        for row in failed.to_dict("records")
    )


def _a_day(hourly: float, target: str) -> str:
    """The mean of an hour as people know it: arrivals of a day, patients at a time."""
    return f"{hourly * 24:.0f} a day" if target == Target.ED_ARRIVALS else f"{hourly:.1f} patients"


def _patients(rows: pd.DataFrame) -> str:
    """How many patients an unknown unit has, and since when."""
    census = rows[(rows["target"] == Target.BED_CENSUS) & rows["value"].gt(0)]
    if census.empty:
        return ""
    hours = census["valid_at"]
    last_day = census.loc[hours > hours.max() - pd.Timedelta(days=1), "value"]
    return f": {last_day.mean():.0f} patients of late, the first read in the hour {hours.min():{MINUTE}} UTC"
