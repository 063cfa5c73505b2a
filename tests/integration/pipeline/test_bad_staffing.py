"""Rules, prices and rosters that make no sense: the unit is marked and told of, the others are planned."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from integration.pipeline.two_hospitals import CONFIG, NIGHT, copied

from forecasting import pipeline, warehouse
from forecasting.config import ConfigError
from forecasting.deployment import Deployment
from forecasting.extract.names import FEWEST_ROWS
from forecasting.schema import FORECAST, SCHEDULED_SHIFT
from forecasting.staging import Stage

pytestmark = pytest.mark.integration

DAY = date(2026, 6, 11)
SEVEN, NINE, NINETEEN = (f"2026-06-11 {hour}:00:00.000000" for hour in (11, 13, 23))
"""North's hours on that day, in UTC."""
UNITS_END = "beds = 10 },\n]"
POOL = """
float_pools = [
  { pool_id = "float", name = "Float pool", role = "registered_nurse", units = ["ed", "icu"], most = 3 },
]
"""

Restaffed = Callable[..., pd.DataFrame]


@pytest.fixture(scope="module")
def walked(
    hospitals: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Deployment, pipeline.NightKey]:
    """A night whose roster has a float pool, a unit that there is not, and a shift within another."""
    folder = tmp_path_factory.mktemp("walked")
    config = folder / "hospital.toml"
    config.write_text(
        CONFIG.read_text(encoding="utf-8").replace(UNITS_END, UNITS_END + POOL), encoding="utf-8"
    )
    place = copied(hospitals, folder / "var").model_copy(update={"config": config})
    row = "INSERT INTO scheduled_shift (site_id, unit_id, role, shift_start, shift_end, heads) VALUES "
    engine = sa.create_engine(place.source)
    with engine.begin() as connection:
        # A name that fewer rows bear is withheld: it may be a person's.
        of_x9 = [("x9", SEVEN.replace(":00", f":{minute:02}", 1)) for minute in range(FEWEST_ROWS)]
        for unit_id, start in (*of_x9, ("float", SEVEN), ("icu", NINE)):
            values = f"('north', '{unit_id}', 'registered_nurse', '{start}', '{NINETEEN}', 3)"
            connection.execute(sa.text(row + values))
    engine.dispose()
    return place, pipeline.walk(place, NIGHT, ("north", "west"), "test__1", "never")


@pytest.fixture
def restaffed(walked: tuple[Deployment, pipeline.NightKey], tmp_path: Path) -> Restaffed:
    """Plan and publish north again, after changes to hospital.toml or to what is staged."""
    before, key = walked

    def again(*changes: tuple[str, str], lost: str = "") -> pd.DataFrame:
        var, config = tmp_path / "var", tmp_path / "hospital.toml"
        shutil.copytree(before.var, var)
        text = before.config.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        config.write_text(text, encoding="utf-8")
        place = Deployment(config=config, var=var)
        if lost:
            stage = Stage(place.staging, NIGHT, "north")
            forecast = stage.read(FORECAST)
            stage.write(FORECAST, forecast[forecast["unit_id"] != lost])
        pipeline.staff_site(place, key, "north")
        pipeline.publish_site(place, key, "north")
        plan = warehouse.recommendations(warehouse.connect(place.warehouse), NIGHT)
        return plan[plan["site_id"] == "north"]

    return again


def _of(plan: pd.DataFrame, unit_id: str) -> pd.DataFrame:
    return plan[plan["unit_id"] == unit_id]


def _is_planned(heads: pd.DataFrame) -> bool:
    return bool(heads[["required", "recommended", "expected_cost"]].notna().all(axis=None))


def test_a_unit_type_without_rule_is_left_to_people(restaffed: Restaffed) -> None:
    plan = restaffed(("icu = 2\n", ""))
    icu = _of(plan, "icu")
    assert set(icu["action"]) == {"decide by hand"}
    assert icu["reason"].str.startswith("No rule for Registered nurse for units of type icu at North").all()
    assert icu[["required", "recommended", "expected_cost"]].isna().all(axis=None)
    assert icu["scheduled"].notna().all()
    assert _is_planned(_of(plan, "ed"))


def test_a_minimum_above_the_most_heads_is_named_and_what_the_rule_asks_stands(restaffed: Restaffed) -> None:
    limits = "beds = 10, minimum_heads = { registered_nurse = 5 }, most_heads = { registered_nurse = 4 } }"
    plan = restaffed(("beds = 10 }", limits))
    icu = _of(plan, "icu")
    assert icu["note"].str.contains("Not planned: a minimum of 5 heads is impossible").all()
    assert icu["recommended"].ge(5).all()
    assert (icu["recommended"] == icu["required"]).all()
    assert icu["expected_cost"].isna().all()
    assert _is_planned(_of(plan, "ed"))


def test_a_unit_whose_forecast_is_missing_holds_its_minimum_and_its_roster(restaffed: Restaffed) -> None:
    plan = restaffed(lost="icu")
    icu = _of(plan, "icu")
    assert icu["reason"].str.startswith("No forecast for this unit, so the minimum of 2").all()
    assert icu["recommended"].ge(icu["scheduled"]).all()
    assert not icu["action"].str.contains("release").any()
    assert icu["expected_cost"].isna().all()
    assert _is_planned(_of(plan, "ed"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("minimum_heads = 2", "wage = -3", "roles.registered_nurse.wage = -3"),
        ("minimum_heads = 2", "release_share = 2.0", "roles.registered_nurse.release_share = 2.0"),
        ("[roles.reg", "[costs.icu]\nshort = 1\nover = 3\n[roles.reg", "short = 1 costs less than over = 3"),
    ],
)
def test_prices_that_make_no_sense_are_named_before_anything_is_planned(
    restaffed: Restaffed, old: str, new: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        restaffed((old, new))


def test_a_roster_with_an_unknown_unit_is_set_aside_by_name_and_the_others_planned(
    walked: tuple[Deployment, pipeline.NightKey],
) -> None:
    engine = warehouse.connect(walked[0].warehouse)
    aside = warehouse.quarantined_rows(engine, NIGHT)
    assert set(aside["unit_id"]) == {"x9"}
    assert set(aside["table_name"]) == {"scheduled_shift"}
    assert aside["reason"].str.contains("unit 'x9' is not in hospital.toml").all()
    plan = warehouse.recommendations(engine, NIGHT)
    assert "x9" not in set(plan["unit_id"])
    assert _is_planned(plan[plan["unit_id"] != "float"])


def test_a_rostered_shift_within_another_counts_while_it_lasts(
    walked: tuple[Deployment, pipeline.NightKey],
) -> None:
    """Three nurses from nine in the morning are there for most of the day shift."""
    place, key = walked
    roster = Stage(place.staging, key.night, "north").read(SCHEDULED_SHIFT)
    starts = roster["shift_start"].isin(pd.to_datetime([SEVEN, NINE], utc=True))
    rows = roster[(roster["unit_id"] == "icu") & starts]
    assert len(rows) == 2
    day = _on_day(place, "icu")
    assert day["scheduled"] == rows["heads"].sum()
    assert day["recommended"] <= day["scheduled"]


def test_a_float_pool_is_rostered_under_its_own_id(walked: tuple[Deployment, pipeline.NightKey]) -> None:
    day = _on_day(walked[0], "float")
    assert day["scheduled"] == 3
    assert 0 <= day["recommended"] <= 3
    assert day["reason"].startswith("Goes to Emergency or Intensive care, where it helps most")


def _on_day(place: Deployment, unit_id: str) -> pd.Series:
    plan = warehouse.recommendations(warehouse.connect(place.warehouse), NIGHT)
    chosen = (plan["site_id"] == "north") & (plan["unit_id"] == unit_id) & (plan["shift_date"] == DAY)
    return plan[chosen & (plan["shift"] == "day")].iloc[0]
