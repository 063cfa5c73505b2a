"""docs/connect.md does what it says: its configuration, its commands, on tables and files under its names."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import hospital_files
import pandas as pd
import pytest
import rtoml
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from forecasting.cli import app
from forecasting.config import Settings, read_settings
from forecasting.simulate import Hospital, simulate

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "connect.md").read_text(encoding="utf-8")
TOLD = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)]
CONFIG = tomllib.loads((ROOT / "tests" / "hospital.toml").read_text(encoding="utf-8"))
NIGHT = "2026-03-20"
UNTIL = datetime(2026, 3, 21, tzinfo=UTC)


def of_profile(profile: str) -> dict[str, Any]:
    """The page's configuration of a profile, and its sites, beside what any hospital.toml has."""
    (source,) = (told["source"] for told in TOLD if told.get("source", {}).get("profile") == profile)
    (sites,) = (told["sites"] for told in TOLD if "sites" in told)
    group = CONFIG["group"] | {"time_zone": "Europe/London"}
    return CONFIG | {"group": group, "source": source, "sites": sites}


def installed(folder: Path, content: dict[str, Any]) -> Path:
    path = folder / "hospital.toml"
    rtoml.dump(content, path)
    return path


@pytest.mark.parametrize("profile", ["adt", "hourly"])
def test_the_pages_configuration_is_allowed(tmp_path: Path, profile: str) -> None:
    settings = read_settings(installed(tmp_path, of_profile(profile)))
    assert settings.source.profile == profile
    assert settings.sites[0].site_id == "main"


def test_other_parts_of_a_configuration_on_the_page_are_allowed(tmp_path: Path) -> None:
    for told in TOLD:
        if "profile" not in told.get("source", {}) and "sites" not in told:
            profile = "omop" if "omop" in told.get("source", {}) else "hourly"
            source = {"profile": profile, **told.get("source", {})}
            sites = CONFIG["sites"][:1]
            read_settings(installed(tmp_path, CONFIG | told | {"source": source, "sites": sites}))


@pytest.fixture(scope="module")
def hospital() -> Hospital:
    settings = read_settings(ROOT / "tests" / "hospital.toml")
    north = settings.model_copy(update={"sites": settings.sites[:1]})
    return simulate(north, UNTIL - timedelta(days=30), UNTIL, seed=5)


@pytest.fixture
def forecasting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command, in a fresh folder."""
    monkeypatch.chdir(tmp_path)
    # Else it would hold on to a standard error that is closed after this test.
    monkeypatch.setattr("structlog.configure", lambda **_: None)

    def run(*asked: str, **environment: str) -> Result:
        for name, value in environment.items():
            monkeypatch.setenv(f"HOSPITAL_{name}", value)
        return CliRunner().invoke(app, asked)

    return run


def test_a_reporting_database_under_other_names_is_read_by_its_own_role(
    tmp_path: Path, postgres_url: str, hospital: Hospital, forecasting: Any
) -> None:
    content = of_profile("adt")
    as_the_page_has_it(postgres_url, hospital, content)
    url = sa.make_url(postgres_url).set(username="source_reader").render_as_string(hide_password=False)
    config = str(installed(tmp_path, content))
    checked = forecasting("source", "check", "--night", NIGHT, CONFIG=config, SOURCE_URL=url)
    assert checked.exit_code == 0, checked.output
    assert "St Elsewhere, profile adt, times in Europe/London" in checked.output
    assert "units that hospital.toml does not have, left out: '4 West'" in checked.output
    assert "29 days of history; a trained model needs 84" in checked.output


def as_the_page_has_it(url: str, hospital: Hospital, content: dict[str, Any]) -> None:
    """The tables under the page's names, in local time; rights as sql/roles gives them to those names."""
    frames = {
        "ed_visit": hospital.ed_visit,
        "bed_stay": hospital.bed_stay.assign(unit_id="3 West"),
        "unit": pd.DataFrame(
            {"unit_id": ["AE", "3 West", "4 West"], "unit_type": "ward", "staffed_beds": ["30", "10", "n/a"]}
        ),
    }
    role = (ROOT / "sql" / "roles" / "source_reader.sql").read_text(encoding="utf-8")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE SCHEMA rpt"))
        for name, frame in frames.items():
            theirs, table = content["source"]["columns"][name], content["source"]["tables"][name]
            told = _local(frame.assign(site_id=421))[list(theirs)].rename(columns=theirs)
            told.to_sql(table.removeprefix("rpt."), connection, schema="rpt", index=False)
            columns = ", ".join(f"'{column}'" for column in theirs.values())
            named = '."'.join(table.split(".")) + '"'
            role = re.sub(rf"\('{name}', ARRAY\[.*\]\)", f"('{named}', ARRAY[{columns}])", role)
        connection.exec_driver_sql(role, execution_options={"no_parameters": True})
    engine.dispose()


def _local(frame: pd.DataFrame) -> pd.DataFrame:
    times = frame.select_dtypes("datetimetz").columns
    zone = ZoneInfo("Europe/London")
    return frame.assign(**{str(time): frame[time].dt.tz_convert(zone).dt.tz_localize(None) for time in times})


def test_files_under_other_names_are_loaded_and_read(
    tmp_path: Path, settings: Settings, hospital: Hospital, forecasting: Any
) -> None:
    (tmp_path / "feed").mkdir()
    hospital_files.tables(hospital, settings, tmp_path / "feed")
    config = str(installed(tmp_path, CONFIG))
    url = f"sqlite:///{tmp_path / 'adt.db'}"
    load = ("source", "load", "feed", "--column", "ed_visit.arrived_at=ARR")
    refused = forecasting(*load, CONFIG=config, SOURCE_URL=url)
    assert refused.exit_code == 1
    loaded = forecasting(*load, "--column", "ed_visit.departed_at=DEP", LOAD_KEY="long")
    assert loaded.exit_code == 0, loaded.output
    assert f"{len(hospital.ed_visit):,}  ed_visit rows" in loaded.output
    assert "Left out" not in loaded.output
    checked = forecasting("source", "check", "--night", NIGHT, "--sites", "north")
    assert checked.exit_code == 0, checked.output
