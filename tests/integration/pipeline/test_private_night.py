"""Nights over a source full of patients' names and numbers: none of them stands in anything that is kept."""

from __future__ import annotations

import io
import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import hospital_files
import pytest
import sqlalchemy as sa
import stores
import structlog
from integration.pipeline.two_hospitals import CONFIG, NIGHT, SITES, copied
from postgres_databases import postgres_database
from rich.console import Console

from forecasting import pipeline, warehouse
from forecasting.cli.app import log_to
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.outcome import NightIncomplete
from forecasting.report import print_loaded
from forecasting.schema import Target
from forecasting.simulate import simulate

pytestmark = pytest.mark.integration

PATIENT, NUMBER, NURSE = b"Quillfeather", b"7319047726", b"Penhaligon"
PASSWORD = "swordfish-8842"  # noqa: S105 - planted
LOAD_KEY = "a-long-random-word-8842"
SMALLEST = 6
IDENTIFIERS = [*map(re.compile, (PATIENT, NUMBER, NURSE)), stores.SIMULATED_ID]
SECRETS = [re.compile(word.encode()) for word in (PASSWORD, LOAD_KEY)]

PLANT = """
ALTER TABLE ed_visit ADD COLUMN patient_name TEXT DEFAULT 'Ada Quillfeather';
ALTER TABLE ed_visit ADD COLUMN mrn TEXT DEFAULT 'MRN-7319047726';
ALTER TABLE bed_stay ADD COLUMN patient_name TEXT DEFAULT 'Ada Quillfeather';
ALTER TABLE scheduled_shift ADD COLUMN nurse TEXT DEFAULT 'Tamsin Penhaligon';
UPDATE unit SET name = 'Suite of Ada Quillfeather';
UPDATE ed_visit SET disposition = 'Ada Quillfeather, transferred' WHERE visit_id LIKE '%5';
UPDATE ed_visit SET acuity = 'MRN-7319047726' WHERE visit_id LIKE '%77';

-- Rows whose cells slipped by a column, and impossible ones: what is said of them must not quote them.
INSERT INTO bed_stay (stay_id, site_id, unit_id, bed_from, bed_to) VALUES
('MRN-7319047726', 'north', 'Quillfeather^Ada', '2026-06-08 10:00:00', NULL),
('MRN-7319047726', 'north', 'MRN-7319047726', '2026-06-08 11:00:00', NULL),
('Quillfeather', 'north', 'Quillfeather', '2026-06-08 10:00:00', '2026-06-01 10:00:00'),
('Quillfeather', 'north', 'Quillfeather', NULL, '2026-06-08 10:00:00');
INSERT INTO ed_visit (visit_id, site_id, departed_at) VALUES ('Quillfeather', 'north', '2026-06-08 10:00:00');
INSERT INTO ed_visit (visit_id, site_id, arrived_at)
SELECT visit_id, site_id, arrived_at FROM ed_visit WHERE visit_id LIKE '%99';
INSERT INTO scheduled_shift (site_id, unit_id, role, shift_start, shift_end, heads) VALUES
('north', 'icu', 'Tamsin Penhaligon', '2026-06-11 11:00:00', '2026-06-11 23:00:00', 1),
('north', 'Tamsin Penhaligon', 'registered_nurse', '2026-06-11 11:00:00', '2026-06-11 23:00:00', -1);
"""

BREAK = """
-- Quillfeather, Zoé, in the bytes of another age: the driver's error quotes all of it.
INSERT INTO bed_stay (stay_id, site_id, unit_id, bed_from) VALUES
('odd', 'north', CAST(x'5175696c6c666561746865722c205a6fe9' AS TEXT), '2026-06-10 10:00:00');
UPDATE ed_visit SET arrived_at = '2026-06-09731'
WHERE rowid = (SELECT max(rowid) FROM ed_visit WHERE site_id = 'west');
"""


@dataclass(frozen=True)
class Nights:
    """Two nights, the second of which fails, on a warehouse whose address holds a password."""

    place: Deployment
    said: str
    """All that was logged and printed, and the failure's own words."""

    @property
    def held(self) -> stores.Held:
        yield "what was said", self.said.encode()
        yield from stores.files(self.place.var)
        yield from stores.tables(self.place.warehouse)


@pytest.fixture(scope="module")
def nights(
    hospitals: Deployment,
    postgres_server: str,
    migrated_postgres: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Nights]:
    with postgres_database(postgres_server, template=migrated_postgres) as url:
        own = copied(hospitals, tmp_path_factory.mktemp("private") / "var")
        config = own.var.parent / "hospital.toml"
        config.write_text(CONFIG.read_text() + f"\n[privacy]\nsmallest_count = {SMALLEST}\n")
        secret = sa.make_url(url).set(password=PASSWORD).render_as_string(hide_password=False)
        place = own.model_copy(update={"warehouse_url": secret, "config": config})
        _run(place, PLANT)
        with _heard() as said:
            key = pipeline.walk(place, NIGHT, SITES, "test__1", "never")
            pipeline.train_target(place, key, Target.BED_CENSUS, "auto", {"max_epochs": 1})
            _run(place, BREAK)
            with pytest.raises(NightIncomplete, match="2 of 2 sites") as failed:
                pipeline.walk(place, NIGHT + timedelta(days=1), SITES, "test__2", "never")
            print(failed.value)
        yield Nights(place, said.getvalue())


@contextmanager
def _heard() -> Iterator[io.StringIO]:
    """Whatever is logged, as the command logs it, or printed meanwhile."""
    sink = io.StringIO()
    handler = logging.StreamHandler(sink)
    logging.getLogger().addHandler(handler)
    log_to(sink)
    try:
        with redirect_stdout(sink), redirect_stderr(sink):
            yield sink
    finally:
        structlog.reset_defaults()
        logging.getLogger().removeHandler(handler)


def _run(place: Deployment, script: str) -> None:
    with closing(sqlite3.connect(place.var / stores.SOURCE)) as source:
        source.executescript(script)


def test_what_is_planted_stands_in_the_source_and_would_be_found(nights: Nights) -> None:
    source = (nights.place.var / stores.SOURCE).read_bytes()
    assert all(pattern.search(source) for pattern in IDENTIFIERS)
    kinds = {Path(where.removesuffix(", read")).suffix for where, _ in nights.held}
    assert {".parquet", ".html", ".json", ".csv", ".db", ".pt"} <= kinds


def test_no_patient_and_no_nurse_is_named_in_any_store(nights: Nights) -> None:
    assert stores.leaks(nights.held, *IDENTIFIERS) == []


def test_no_secret_stands_in_any_store(nights: Nights) -> None:
    assert stores.leaks(nights.held, *SECRETS) == []


def test_rows_that_are_left_out_are_counted_though_not_quoted(nights: Nights) -> None:
    engine = warehouse.connect(nights.place.warehouse)
    said = warehouse.validation_results(engine, NIGHT, ["north"]).set_index("expectation")["detail"]
    assert said["no_missing_unit"].startswith("2 source rows have no unit, or one that hardly any row names")
    aside = warehouse.quarantined_rows(engine, NIGHT, ["north"])
    assert "unit 'withheld' is not in hospital.toml" in set(aside["reason"])


def test_a_night_that_fails_on_a_value_says_where_to_look_and_not_what_it_is(nights: Nights) -> None:
    engine = warehouse.connect(nights.place.warehouse)
    north, west = (warehouse.find_night(engine, site_id, NIGHT + timedelta(days=1)) for site_id in SITES)
    assert north is not None
    assert west is not None
    assert "can't read one of its values (OperationalError)" in north.why
    assert west.why.startswith("a time read by ")
    assert "731" not in west.why


def test_small_counts_are_read_by_the_models_and_shown_to_nobody(nights: Nights, settings: Settings) -> None:
    engine = warehouse.connect(nights.place.warehouse)
    issued_at = settings.issued_at(NIGHT)
    known = warehouse.observations(engine, SITES, None, issued_at - timedelta(days=3), issued_at)["value"]
    assert known.between(1, SMALLEST - 1).any()
    with engine.connect() as connection:
        seen = set(connection.scalars(sa.text("SELECT value FROM latest_observation")))
    assert not seen & set(range(1, SMALLEST))
    assert seen > {None, 0, SMALLEST}
    for site_id in SITES:
        page = (nights.place.var / "pages" / str(NIGHT) / f"{site_id}.html").read_text()
        hours = "".join(re.findall(r'<table class="dense hours">.*?</table>', page, re.DOTALL))
        assert f'<td class="number">&lt;{SMALLEST}</td>' in hours
        assert not re.search(rf'<td class="number">[1-{SMALLEST - 1}]</td>', hours)


def test_a_traceback_in_the_log_holds_no_password() -> None:
    address = f"postgresql+psycopg://pipeline:{PASSWORD}@127.0.0.1:9/warehouse?password={PASSWORD}"
    with _heard() as said:
        try:
            warehouse.nights(warehouse.connect(address), NIGHT)
        except warehouse.WarehouseLost:
            structlog.get_logger().exception("lost")
    assert "Traceback" in said.getvalue()
    assert "warehouse postgresql+psycopg://pipeline:***@127.0.0.1:9/warehouse" in said.getvalue()
    assert PASSWORD not in said.getvalue()


@pytest.mark.parametrize("kind", ["hl7", "ndjson", "tables"])
def test_loaded_files_leave_no_name_and_no_number(kind: str, settings: Settings, tmp_path: Path) -> None:
    until = settings.issued_at(NIGHT)
    hospital = simulate(settings, until - timedelta(days=2), until, seed=5)
    feed, place = tmp_path / "feed", Deployment(config=CONFIG, var=tmp_path / "var", load_key=LOAD_KEY)
    feed.mkdir()
    if kind == "hl7":
        told = "".join(hospital_files.messages(hospital, settings, seed=1)).replace(
            "PLANTED", PATIENT.decode()
        )
        (feed / "adt.hl7").write_text(told, newline="")
    elif kind == "ndjson":
        subject = '"subject": {"reference": "Patient/7319047726", "display": "Ada Quillfeather"}, "status"'
        told = "\n".join(hospital_files.encounters(hospital)).replace('"status"', subject)
        (feed / "Encounter.ndjson").write_text(told)
    else:
        hospital.ed_visit["disposition"] = "Ada Quillfeather, home"
        hospital.ed_visit["mrn"] = "7319047726"
        hospital_files.tables(hospital, settings, feed)
    assert stores.leaks(stores.files(feed), *IDENTIFIERS)

    columns = {"ed_visit": {"arrived_at": "ARR", "departed_at": "DEP"}}
    with _heard() as said:
        loaded = pipeline.load_source(place, [feed], "site", columns)
        found = loaded.told
        print_loaded(found.read, found.left_out, found.first_at, loaded.written, Console(file=said))
    assert loaded.written["ed_visit"]
    left = [("said", said.getvalue().encode()), *stores.tables(place.source)]
    left += [(path.name, path.read_bytes()) for path in place.var.iterdir()]
    assert stores.leaks(iter(left), *IDENTIFIERS, *SECRETS) == []
