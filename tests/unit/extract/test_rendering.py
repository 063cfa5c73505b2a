"""Every query is said in the words of databases that it was not run on, and they can read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from forecasting.config import Events, Omop, Settings, Source
from forecasting.extract.queries import questions_of
from forecasting.extract.rendering import Dialect, render_queries, spelt_in
from forecasting.profile import Profile

pytestmark = pytest.mark.unit

ISSUED_AT = datetime(2026, 11, 4, 8, tzinfo=UTC)
OURS = {"hour_of", "first_hour_from", "hour_number_from", "on_the_hour", "number", "minutes_later"}
PARAMETERS = {
    "site_id", "ed_unit_id", "one_site", "since", "until", "last_hour", "since_hour", "until_hour", "longest",
    "longest_hours",
}  # fmt: skip


def rendered(settings: Settings, source: Source, dialect: Dialect) -> dict[str, str]:
    of = settings.model_copy(update={"source": source})
    return render_queries(of, of.sites[0], ISSUED_AT - timedelta(days=3), ISSUED_AT, dialect)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("profile", Profile)
def test_every_query_is_read_back_in_its_dialect(
    settings: Settings, profile: Profile, dialect: Dialect
) -> None:
    source = Source(profile=profile, events=Events(time_zone="site"))
    texts = rendered(settings, source, dialect)
    assert list(texts) == questions_of(profile)
    for name, text in texts.items():
        (tree,) = sqlglot.parse(text, read=dialect)
        assert isinstance(tree, exp.Query), name
        called = {node.name.lower() for node in tree.find_all(exp.Anonymous)}
        assert not called & OURS, name
        parameters = {node.name for node in tree.find_all(exp.Placeholder, exp.Parameter)}
        assert parameters <= PARAMETERS, name
        head = "\n".join(line for line in text.splitlines() if line.startswith("--"))
        assert all(parameter in head for parameter in parameters), name
        _assert_nothing_that_is_refused(tree, text.removeprefix(head), name, dialect)


def _assert_nothing_that_is_refused(tree: exp.Query, text: str, name: str, dialect: Dialect) -> None:
    grouped = [by for group in tree.find_all(exp.Group) for by in group.expressions]
    assert not any(isinstance(by, exp.Literal) for by in grouped), name
    assert "MATERIALIZED" not in text, name
    assert not tree.find(exp.Values), name
    names = [part.alias for part in tree.find_all(exp.CTE)]
    assert len(names) == len(set(names)), name
    assert set(names) <= {table.name for table in tree.find_all(exp.Table)}, f"{name}: a part nobody reads"
    if dialect is Dialect.SQL_SERVER:
        assert not any(clause.find_ancestor(exp.Subquery) for clause in tree.find_all(exp.With)), name
        assert not tree.find(exp.Placeholder), name
    if dialect is Dialect.ORACLE:
        assert all(select.args.get("from_") for select in tree.find_all(exp.Select)), name
        assert "<> ''" not in text, name


def test_names_are_those_that_are_mapped_and_values_stay_parameters(settings: Settings) -> None:
    source = Source(
        profile=Profile.OMOP,
        tables={"visit_occurrence": "cdm.Visit Occurrence"},
        columns={"care_site": {"care_site_name": "UNIT CODE"}},
        omop=Omop(ed_visit_concepts=(9203, 8870)),
    )
    text = rendered(settings, source, Dialect.SQL_SERVER)["unit"]
    assert "cdm.[Visit Occurrence]" in text
    assert "[UNIT CODE] AS care_site_name" in text
    assert "8870" in text
    head, _, query = text.partition("\nWITH")
    assert "@site_id = 'north'" in head
    assert "north" not in query


@pytest.mark.parametrize(
    ("dialect", "shown"),
    [
        (Dialect.SQL_SERVER, ("dbo.[user]", "[open] AS site_id", "bed_count AS staffed_beds")),
        (Dialect.ORACLE, ('dbo."USER"', '"OPEN" AS site_id', "bed_count AS staffed_beds")),
        (Dialect.SNOWFLAKE, ('dbo."USER"', '"OPEN" AS site_id', "bed_count AS staffed_beds")),
    ],
)
def test_words_that_a_database_keeps_for_itself_are_quoted_as_it_stores_them(
    settings: Settings, dialect: Dialect, shown: tuple[str, ...]
) -> None:
    columns = {"site_id": "open", "unit_id": "level", "staffed_beds": "bed_count"}
    text = rendered(settings, Source(tables={"unit": "dbo.user"}, columns={"unit": columns}), dialect)["unit"]
    assert all(part in text for part in shown), text


def test_parts_of_one_name_are_told_apart_wherever_they_stand() -> None:
    text = (
        "WITH a AS (SELECT x FROM t) SELECT a.x FROM a "
        "INNER JOIN (WITH a AS (SELECT x FROM u) SELECT a.x FROM a) AS b ON a.x = b.x"
    )
    tree = sqlglot.parse_one(spelt_in(Dialect.SQL_SERVER, text), read=Dialect.SQL_SERVER)
    read = {part.alias: part.this.find(exp.Table).name for part in tree.find_all(exp.CTE)}
    assert sorted(read.values()) == ["t", "u"]
    outer = tree.args["from_"].this
    assert read[outer.name] == "t"
    assert outer.alias == "a"


def test_a_whole_quotient_stays_whole() -> None:
    assert "FLOOR(x / 24)" in spelt_in(Dialect.ORACLE, "SELECT x / 24 AS days FROM t")
    assert "FLOOR" not in spelt_in(Dialect.SQL_SERVER, "SELECT x / 24 AS days FROM t")


def test_a_word_that_a_dialect_lacks_is_an_error() -> None:
    with pytest.raises(sqlglot.errors.UnsupportedError):
        spelt_in(Dialect.SQL_SERVER, "SELECT x FROM t FOR UPDATE")


def test_the_command_writes_a_file_for_each_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from forecasting.cli import app

    monkeypatch.setenv("HOSPITAL_CONFIG", str(Path(__file__).parents[2] / "hospital.toml"))
    folder = tmp_path / "sql"
    asked = ["source", "render", "--dialect", "oracle", "--folder", str(folder), "--night", "2026-11-04"]
    monkeypatch.setattr("structlog.configure", lambda **_: None)
    assert CliRunner().invoke(app, asked).exit_code == 0
    assert {file.stem for file in folder.iterdir()} == set(questions_of(Profile.ADT))
