"""Each fault gets its word: what, where, and whether the night goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings, Site
from forecasting.schema import (
    OBSERVATION,
    QUARANTINED_ROW,
    SCHEDULED_SHIFT,
    SOURCE_COLUMN,
    SOURCE_DEFECT,
    UNIT,
    VALIDATION_RESULT,
    Target,
)
from forecasting.validate import Verdict, validate

pytestmark = pytest.mark.integration

Tables = dict[str, pd.DataFrame]
Judge = Callable[..., Verdict]
ISSUED_AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def failed(verdict: Verdict) -> set[str]:
    return set(verdict.results.loc[~verdict.results["success"], "expectation"])


@pytest.mark.parametrize("seed", range(4))
def test_clean_data_gives_a_clean_verdict(
    tables: Tables, judge_night: Judge, observe: Callable[..., pd.DataFrame], seed: int
) -> None:
    tables["observation"] = observe(3, seed=seed + 10)
    verdict = judge_night(tables)
    assert (verdict.state, verdict.why) == ("clean", "")
    assert verdict.quarantined.empty
    assert verdict.results["success"].all()
    for name in ("observation", "unit", "scheduled_shift"):
        pd.testing.assert_frame_equal(verdict.tables[name], tables[name])


def test_the_first_night_has_no_history_but_its_own(
    tables: Tables, judge_night: Judge, observe: Callable[..., pd.DataFrame]
) -> None:
    tables["observation"] = observe(140)
    assert judge_night(tables, OBSERVATION.empty()).state == "clean"


def test_what_is_recorded_conforms(tables: Tables, judge_night: Judge) -> None:
    tables["observation"].loc[[0, 1], "value"] = -1.0
    verdict = judge_night(tables)
    pd.testing.assert_frame_equal(verdict.results, VALIDATION_RESULT.conform(verdict.results))
    pd.testing.assert_frame_equal(verdict.quarantined, QUARANTINED_ROW.conform(verdict.quarantined))
    for table in (OBSERVATION, UNIT, SCHEDULED_SHIFT):
        table.conform(verdict.tables[table.name])


def test_an_empty_site_is_blocked(tables: Tables, judge_night: Judge) -> None:
    empty = {table.name: table.empty() for table in (OBSERVATION, UNIT, SCHEDULED_SHIFT, SOURCE_DEFECT)}
    verdict = judge_night(empty, OBSERVATION.empty())
    assert verdict.state == "blocked"
    assert verdict.why.startswith("No rows for site 'north' in ed_visit, bed_stay")


def test_a_source_stale_by_two_days_is_blocked(tables: Tables, judge_night: Judge) -> None:
    observation = tables["observation"]
    late = observation["valid_at"] > ISSUED_AT - timedelta(hours=49)
    observation.loc[late, "value"] = np.nan
    verdict = judge_night(tables)
    assert verdict.state == "blocked"
    assert "The last row of ed_visit, 2026-02-27 07:00 UTC, is 49 h old; allowed 24." in verdict.why


def test_one_stale_table_blocks_and_is_named(tables: Tables, judge_night: Judge) -> None:
    observation = tables["observation"]
    late = (observation["valid_at"] > ISSUED_AT - timedelta(hours=30)) & (observation["unit_id"] == "ed")
    observation.loc[late, "value"] = np.nan
    verdict = judge_night(tables)
    assert verdict.state == "blocked"
    assert "ed_visit" in verdict.why
    assert "bed_stay" not in verdict.why


def test_a_source_silent_through_the_whole_look_back_is_as_old_as_its_history_says(
    tables: Tables, judge_night: Judge
) -> None:
    tables["observation"]["value"] = np.nan
    verdict = judge_night(tables)
    assert verdict.state == "blocked"
    assert "is 73 h old" in verdict.why


def test_three_weeks_of_history_go_on_with_the_baseline(
    tables: Tables, judge_night: Judge, observe: Callable[..., pd.DataFrame]
) -> None:
    tables["observation"] = observe(21)
    verdict = judge_night(tables, OBSERVATION.empty())
    assert verdict.state == "warned"
    assert verdict.why == (
        "Site 'north' has 21 days of history; the TFT needs 84, so the baseline will speak."
    )


def test_a_few_negative_counts_become_missing(tables: Tables, judge_night: Judge) -> None:
    tables["observation"].loc[[10, 100], "value"] = -3.0
    verdict = judge_night(tables)
    assert verdict.state == "warned"
    assert "negative counts" in verdict.why
    assert verdict.tables["observation"].loc[[10, 100], "value"].isna().all()
    assert len(verdict.tables["observation"]) == len(tables["observation"])
    assert verdict.quarantined["reason"].tolist() == ["negative count"] * 2
    assert verdict.quarantined["value"].tolist() == [-3.0, -3.0]


def test_many_negative_counts_block(tables: Tables, judge_night: Judge) -> None:
    arrivals = tables["observation"]["target"] == Target.ED_ARRIVALS
    tables["observation"].loc[tables["observation"].index[arrivals][:6], "value"] = -3.0
    verdict = judge_night(tables)
    assert verdict.state == "blocked"
    assert verdict.why == "6 of 72 values of ed_arrivals are negative counts; allowed 5%."


def test_an_unknown_unit_is_quarantined_everywhere(tables: Tables, judge_night: Judge) -> None:
    for name in ("observation", "unit", "scheduled_shift"):
        icu = tables[name][tables[name]["unit_id"] == "icu"]
        tables[name] = pd.concat([tables[name], icu.assign(unit_id="x9")], ignore_index=True)
    verdict = judge_night(tables)
    assert verdict.state == "warned"
    assert "Unit 'x9' is not in hospital.toml; its rows are left out: 7 patients of late" in verdict.why
    assert set(verdict.quarantined["reason"]) == {"unit 'x9' is not in hospital.toml"}
    assert verdict.quarantined["table_name"].value_counts().to_dict() == {
        "observation": 72, "unit": 1, "scheduled_shift": 1,
    }  # fmt: skip
    assert not any("x9" in set(frame["unit_id"]) for frame in verdict.tables.values())


def test_a_configured_unit_without_rows_is_named(tables: Tables, judge_night: Judge) -> None:
    tables["observation"] = tables["observation"].query("unit_id != 'icu'")
    tables["unit"] = tables["unit"].query("unit_id != 'icu'")
    verdict = judge_night(tables)
    assert verdict.state == "blocked", "bed_stay has no row for three days"
    warnings = verdict.results.set_index("expectation")["detail"]
    assert "no rows for unit 'icu' (bed_census)" in warnings["unit_has_rows"]
    assert "no 'icu'" in warnings["configured_units_are_there"]


def test_a_unit_misspelt_in_the_configuration_only_warns(tables: Tables, judge_night: Judge) -> None:
    tables["observation"]["unit_id"] = tables["observation"]["unit_id"].replace("icu", "icu_1")
    verdict = judge_night(tables, OBSERVATION.empty())
    assert verdict.state == "warned"
    assert {"unit_is_known", "unit_has_rows"} <= failed(verdict)


def test_an_empty_unit_is_pointed_out(tables: Tables, judge_night: Judge) -> None:
    icu = tables["observation"]["unit_id"] == "icu"
    tables["observation"].loc[icu, "value"] = 0.0
    verdict = judge_night(tables, OBSERVATION.empty())
    assert "No patient in any known hour of four weeks in unit 'icu' (bed_census)." in verdict.why


def test_source_defects_are_counted_and_kept(tables: Tables, judge_night: Judge) -> None:
    hour = pd.Timestamp(ISSUED_AT - timedelta(hours=9))
    tables["source_defect"] = SOURCE_DEFECT.conform(
        pd.DataFrame(
            {
                "site_id": "north",
                "unit_id": ["ed", "icu", ""],
                "target": [Target.ED_ARRIVALS, Target.BED_CENSUS, Target.BED_CENSUS],
                "valid_at": hour,
                "defect": ["duplicate_id", "ends_before_start", "missing_unit"],
                "source_rows": [3, 1, 2],
            }
        )
    )
    verdict = judge_night(tables)
    assert verdict.state == "warned"
    assert "3 source rows repeat an id; each patient is counted once (ed: 3)." in verdict.why
    assert failed(verdict) == {"no_duplicate_id", "no_ends_before_start", "no_missing_unit"}
    assert verdict.quarantined.set_index("reason")["source_rows"].to_dict() == {
        "duplicate_id": 3, "ends_before_start": 1, "missing_unit": 2,
    }  # fmt: skip
    pd.testing.assert_frame_equal(verdict.tables["observation"], tables["observation"])


def test_stays_that_cannot_be_are_told_with_what_to_do(tables: Tables, judge_night: Judge) -> None:
    told = {
        "never_ended": "are open for longer than their unit's longest_stay_hours",
        "too_long": "lasted longer than their unit's longest_stay_hours",
        "in_two_beds": "begin while another stay of the same visit goes on",
        "bed_held_twice": "begin in a bed that another stay still holds",
    }
    tables["source_defect"] = SOURCE_DEFECT.conform(
        pd.DataFrame(
            {
                "site_id": "north",
                "unit_id": "icu",
                "target": Target.BED_CENSUS,
                "valid_at": pd.Timestamp(ISSUED_AT - timedelta(hours=1)),
                "defect": list(told),
                "source_rows": 3,
            }
        )
    )
    verdict = judge_night(tables)
    assert verdict.state == "warned"
    assert failed(verdict) == {f"no_{defect}" for defect in told}
    for says in told.values():
        assert f"3 source rows {says}" in verdict.why
    census = tables["observation"].query("unit_id == 'icu'")
    there = census.sort_values("valid_at")["value"].iloc[-1]
    assert f"(icu: 3 of {3 + there:.0f} open)" in verdict.why
    assert verdict.why.count("(icu: 3)") == len(told) - 1


def test_a_census_that_rises_by_more_than_arrived_is_told_with_its_share(
    tables: Tables, judge_night: Judge, history: pd.DataFrame
) -> None:
    late = history.copy()
    arrivals = late["target"] == Target.ED_ARRIVALS
    late.loc[arrivals, "valid_at"] += pd.Timedelta(hours=2)
    verdict = judge_night(tables, late)
    assert "census_rises_by_arrivals" in failed(verdict)
    (detail,) = verdict.results.query("expectation == 'census_rises_by_arrivals'")["detail"]
    assert "by more patients than had arrived" in detail
    assert "%" in detail


def test_a_ward_above_its_beds_is_pointed_out_and_the_ed_is_not(tables: Tables, judge_night: Judge) -> None:
    tables["observation"].loc[tables["observation"]["target"] == Target.BED_CENSUS, "value"] += 3
    tables["observation"].loc[tables["observation"]["unit_id"] == "ed", "value"] += 25
    verdict = judge_night(tables, OBSERVATION.empty())
    (detail,) = verdict.results.query("expectation == 'census_fits_staffed_beds'")["detail"]
    assert detail.startswith("Unit 'icu' is above its 10 staffed beds in")
    assert "'ed'" not in detail
    assert verdict.state == "warned"


def test_an_absurd_census_becomes_missing(tables: Tables, judge_night: Judge) -> None:
    icu = tables["observation"].index[tables["observation"]["unit_id"] == "icu"][5]
    tables["observation"].loc[icu, "value"] = 400.0
    verdict = judge_night(tables)
    assert verdict.state == "warned"
    assert np.isnan(verdict.tables["observation"].loc[icu, "value"])


def test_a_silent_stretch_is_dated(tables: Tables, judge_night: Judge) -> None:
    hours = tables["observation"]["valid_at"]
    silent = hours.between(ISSUED_AT - timedelta(hours=30), ISSUED_AT - timedelta(hours=25))
    tables["observation"].loc[silent, "value"] = np.nan
    verdict = judge_night(tables)
    assert verdict.state == "warned"
    assert "silent for 6 h between 2026-02-28 02:00 and 2026-02-28 08:00 UTC" in verdict.why
    assert "missing in unit 'ed' (bed_census), " in verdict.why


def test_absent_hours_are_counted(tables: Tables, judge_night: Judge) -> None:
    icu = tables["observation"].index[tables["observation"]["unit_id"] == "icu"]
    tables["observation"] = tables["observation"].drop(icu[10:14])
    verdict = judge_night(tables)
    assert verdict.why == "Hours are absent: icu bed_census 4."


def test_a_day_that_lost_most_of_its_arrivals_is_unusual(tables: Tables, judge_night: Judge) -> None:
    observation = tables["observation"]
    last_day = observation["valid_at"] >= ISSUED_AT - timedelta(hours=24)
    lost = last_day & (observation["target"] == Target.ED_ARRIVALS)
    observation.loc[lost, "value"] = (observation.loc[lost, "value"] * 0.2).round()
    verdict = judge_night(tables)
    assert failed(verdict) == {"volume_is_usual"}
    assert verdict.why.startswith("Last day's ed_arrivals of ed:")


def test_bad_shifts_are_left_out(tables: Tables, judge_night: Judge) -> None:
    good = tables["scheduled_shift"]
    start = good["shift_start"]
    tables["scheduled_shift"] = pd.concat(
        [
            good,
            good.assign(role="nursing_assistant", heads=-1),
            good.assign(role="clerk", shift_end=start - timedelta(hours=1)),
        ],
        ignore_index=True,
    )
    verdict = judge_night(tables)
    assert verdict.state == "warned"
    assert set(verdict.quarantined["reason"]) == {"negative heads", "ends before it starts"}
    assert set(verdict.quarantined["target"]) == {"nursing_assistant", "clerk"}
    pd.testing.assert_frame_equal(verdict.tables["scheduled_shift"], good)


def test_unit_rows_that_contradict_the_configuration(tables: Tables, judge_night: Judge) -> None:
    tables["unit"] = tables["unit"].assign(unit_type=["ed", "telemetry"], staffed_beds=[30, -2])
    verdict = judge_night(tables)
    assert failed(verdict) == {"unit_type_agrees", "staffed_beds_are_not_negative"}
    assert verdict.tables["unit"]["unit_id"].tolist() == ["ed"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda frame: frame.drop(columns="value"), "observation.value is absent, double is needed"),
        (lambda frame: frame.assign(value="many"), "observation.value is str, double is needed"),
        (lambda frame: frame.assign(unit_id=None), "observation.unit_id is missing in 216 rows"),
    ],
)
def test_a_table_of_another_shape_is_blocked(
    tables: Tables, judge_night: Judge, spoil: Callable[[pd.DataFrame], pd.DataFrame], says: str
) -> None:
    tables["observation"] = spoil(tables["observation"])
    verdict = judge_night(tables)
    assert verdict.state == "blocked"
    assert says in verdict.why


def test_repeated_keys_and_future_hours_block(tables: Tables, judge_night: Judge) -> None:
    observation = tables["observation"]
    tables["observation"] = pd.concat(
        [observation, observation.iloc[[0]], observation.iloc[[1]].assign(valid_at=pd.Timestamp(ISSUED_AT))],
        ignore_index=True,
    )
    verdict = judge_night(tables)
    assert verdict.state == "blocked"
    assert {"key_is_unique", "hour_is_before_issue"} <= failed(verdict)
    pd.testing.assert_frame_equal(verdict.tables["observation"], observation)


def test_the_night_of_another_site_is_not_touched(
    tables: Tables, history: pd.DataFrame, settings: Settings
) -> None:
    west: Site = settings.site("west")
    verdict = validate(tables, history, west, settings, ISSUED_AT.date(), ISSUED_AT)
    assert verdict.state == "blocked"
    assert "rows are of another site (north: " in verdict.why
    assert verdict.tables["observation"].empty


def test_documents_are_plain_json_without_rows(tables: Tables, judge_night: Judge) -> None:
    tables["observation"].loc[[10, 100], "value"] = -3.0
    text = json.dumps(judge_night(tables).documents, allow_nan=False)
    assert "unexpected_index_list" not in text
    assert "unexpected_list" not in text
    assert json.loads(text) == judge_night(tables).documents


def with_an_outage(observation: pd.DataFrame, hours: int) -> tuple[pd.DataFrame, pd.Series]:
    """Some silent hours whose arrivals stand in the hour after them; and which rows those are."""
    late = observation.copy()
    arrivals = late[late["target"] == Target.ED_ARRIVALS].index[20 : 20 + hours + 1]
    late.loc[arrivals[-1], "value"] = late.loc[arrivals, "value"].sum()
    late.loc[arrivals[:-1], "value"] = np.nan
    return late, late.loc[arrivals, "value"]


def test_the_arrivals_of_an_outage_are_set_aside(tables: Tables, judge_night: Judge) -> None:
    tables["observation"], outage = with_an_outage(tables["observation"], 10)
    verdict = judge_night(tables)
    assert "hour_is_no_catch_up" in failed(verdict)
    assert f"{outage.iloc[-1]:.0f} ed_arrivals of ed in the hour" in verdict.why
    assert verdict.quarantined["reason"].tolist() == ["holds the arrivals of 10 silent hours before it, too"]
    assert verdict.tables["observation"].loc[outage.index, "value"].isna().all()


def test_the_arrivals_of_an_outage_are_given_back_where_that_is_configured(
    tables: Tables, site: Site, settings: Settings, history: pd.DataFrame
) -> None:
    tables["observation"], outage = with_an_outage(tables["observation"], 10)
    source = settings.source.model_copy(update={"catch_up": "spread"})
    spread = settings.model_copy(update={"source": source})
    verdict = validate(tables, history, site, spread, date(2026, 3, 1), ISSUED_AT)
    given = verdict.tables["observation"].loc[outage.index, "value"]
    assert given.sum() == outage.sum()
    assert given.notna().all()
    assert len(verdict.quarantined) == 1


def test_a_census_that_stands_still_is_taken_as_missing(tables: Tables, judge_night: Judge) -> None:
    icu = tables["observation"].query("unit_id == 'icu'").index[:40]
    tables["observation"].loc[icu, "value"] = 2.0
    verdict = judge_night(tables)
    assert "census_moves" in failed(verdict)
    assert "stood still for longer than chance allows (icu: 39 hours)" in verdict.why
    assert verdict.tables["observation"].loc[icu[1:], "value"].isna().all()


def said(verdict: Verdict, check: str, state: str = "warned") -> str:
    """What a warning said; by itself it does not stop the night."""
    assert verdict.state == state
    results = verdict.results.query("expectation == @check and not success")
    (result,) = results.to_dict("records")
    assert result["severity"] == "warn"
    return str(result["detail"])


def test_a_level_that_doubles_for_good_is_told_with_both_levels(
    tables: Tables, judge_night: Judge, history: pd.DataFrame
) -> None:
    for frame in (tables["observation"], history):
        late = frame["valid_at"] >= ISSUED_AT - timedelta(days=6)
        frame.loc[late & (frame["target"] == Target.ED_ARRIVALS), "value"] *= 2
    assert "The level of ed_arrivals of ed has changed, for good as it seems: " in said(
        judge_night(tables, history), "level_stays"
    )


def test_arrivals_on_another_clock_are_told_by_how_much(tables: Tables, judge_night: Judge) -> None:
    arrivals = tables["observation"]["target"] == Target.ED_ARRIVALS
    values = tables["observation"].loc[arrivals, "value"].to_numpy()
    tables["observation"].loc[arrivals, "value"] = np.roll(values, 6)
    assert "are stamped 6 h later than they used to be" in said(judge_night(tables), "hours_keep_their_clock")


def test_a_renamed_unit_is_told_with_its_patients_and_its_new_name(
    tables: Tables, judge_night: Judge
) -> None:
    observation = tables["observation"]
    late = observation["valid_at"] >= ISSUED_AT - timedelta(hours=40)
    observation.loc[late & (observation["unit_id"] == "icu"), "unit_id"] = "ICU NEW"
    # It was the only ward, so that its table is stale besides.
    verdict = judge_night(tables)
    says = said(verdict, "unit_is_open", "blocked")
    assert "Unit 'icu' has had no patient, or no row, since 2026-02-27 16:00 UTC; 7 were usual." in says
    assert "Unit 'ICU NEW' has 7 more since then and is not in hospital.toml: renamed?" in says
    assert "its rows are left out: 7 patients of late, the first" in said(verdict, "unit_is_known", "blocked")


def test_a_census_copied_from_another_unit_is_taken_as_missing(tables: Tables, judge_night: Judge) -> None:
    observation = tables["observation"]
    census = observation[observation["target"] == Target.BED_CENSUS]
    ed = census[census["unit_id"] == "ed"].iloc[-48:]
    icu = census.index[census["unit_id"] == "icu"][-48:]
    observation.loc[icu, "value"] = ed["value"].to_numpy()
    verdict = judge_night(tables)
    assert "The census of icu repeats that of ed in 48 h" in said(verdict, "census_is_its_own")
    assert verdict.tables["observation"].loc[icu, "value"].isna().all()
    assert verdict.tables["observation"].loc[ed.index, "value"].notna().all()


def test_a_source_of_another_shape_is_told_and_the_night_goes_on(
    tables: Tables, site: Site, settings: Settings, history: pd.DataFrame
) -> None:
    def columns(known_at: datetime, **types: str) -> pd.DataFrame:
        rows = {
            "site_id": "north",
            "known_at": known_at,
            "table_name": ["scheduled_shift" if name == "heads" else "ed_visit" for name in types],
            "column_name": list(types),
            "column_type": list(types.values()),
            "read_as": ["" if name in ("room", "esi") else name for name in types],
        }
        return SOURCE_COLUMN.conform(pd.DataFrame(rows))

    before = columns(ISSUED_AT - timedelta(days=1), visit_id="INTEGER", acuity="INTEGER", heads="INTEGER")
    now = columns(ISSUED_AT, visit_id="TEXT", esi="INTEGER", room="TEXT")
    night = date(2026, 3, 1)
    tables["source_column"] = now
    verdict = validate(tables, history, site, settings, night, ISSUED_AT, before)
    assert said(verdict, "column_is_still_there") == (
        "Table scheduled_shift is gone; the night goes on as if there never was one. "
        "Column 'acuity' of ed_visit is gone and 'esi' is new: renamed? acuity is missing now; map it: "
        "source.columns.ed_visit.acuity."
    )
    assert (
        said(verdict, "column_keeps_its_type")
        == "Column 'visit_id' of ed_visit was INTEGER and is TEXT, read as visit_id."
    )
    assert "Column 'room' of ed_visit is new; it is not read." in said(verdict, "column_is_not_new")
    assert validate(tables, history, site, settings, night, ISSUED_AT).state == "clean"
