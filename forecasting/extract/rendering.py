"""The profile's queries in the words of databases that they were not run on, for a DBA to read and try."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from itertools import count
from types import MappingProxyType

import sqlglot
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.mssql.base import RESERVED_WORDS as OF_SQL_SERVER
from sqlalchemy.dialects.oracle.base import RESERVED_WORDS as OF_ORACLE
from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS as OF_POSTGRESQL
from sqlglot import exp

from forecasting.config import LONGEST_WARD_STAY_HOURS, Settings, Site
from forecasting.extract.clock import SourceClock
from forecasting.extract.contract import SourceTable
from forecasting.extract.local_time import in_utc
from forecasting.extract.queries import NEUTRAL, Lists, questions_of, rendered
from forecasting.extract.questions import hour_number, stay_limits
from forecasting.extract.shape import BESIDE, HOURLY_COUNT, SHAPES
from forecasting.schema import ED_STAY_HOURS

WRITTEN_IN = "postgres"
"""What the files are written in, for all that is no function of a name of ours."""
HOURS_PER_WEEK = 168
RESERVED = {word.lower() for word in OF_SQL_SERVER | OF_ORACLE | OF_POSTGRESQL}
"""Words that are names in quotes only, somewhere."""
_PARAMETER = re.compile(r"[@:]\w+")


class Dialect(StrEnum):
    """Databases that queries are rendered for, as sqlglot names them."""

    SQL_SERVER = "tsql"
    ORACLE = "oracle"
    SNOWFLAKE = "snowflake"


_SPELT: Mapping[str, Mapping[Dialect, str]] = MappingProxyType(
    {
        "hour_of": {
            Dialect.SQL_SERVER: "DATETRUNC(HOUR, x)",
            Dialect.ORACLE: "TRUNC(x, 'HH24')",
            Dialect.SNOWFLAKE: "DATE_TRUNC('HOUR', x)",
        },
        "on_the_hour": {
            Dialect.SQL_SERVER: "CASE WHEN x = DATETRUNC(HOUR, x) THEN 1 ELSE 0 END",
            Dialect.ORACLE: "CASE WHEN x = TRUNC(x, 'HH24') THEN 1 ELSE 0 END",
            Dialect.SNOWFLAKE: "CASE WHEN x = DATE_TRUNC('HOUR', x) THEN 1 ELSE 0 END",
        },
        "first_hour_from": {
            Dialect.SQL_SERVER: (
                "DATEADD(HOUR, CASE WHEN x = DATETRUNC(HOUR, x) THEN 0 ELSE 1 END, DATETRUNC(HOUR, x))"
            ),
            Dialect.ORACLE: (
                "TRUNC(x, 'HH24') + NUMTODSINTERVAL(CASE WHEN x = TRUNC(x, 'HH24') THEN 0 ELSE 1 END, 'HOUR')"
            ),
            Dialect.SNOWFLAKE: (
                "DATEADD(HOUR, CASE WHEN x = DATE_TRUNC('HOUR', x) THEN 0 ELSE 1 END, DATE_TRUNC('HOUR', x))"
            ),
        },
        "hour_number_from": {
            Dialect.SQL_SERVER: (
                "DATEDIFF(HOUR, CAST('1970-01-01' AS DATETIME2), x) "
                "+ CASE WHEN x = DATETRUNC(HOUR, x) THEN 0 ELSE 1 END"
            ),
            Dialect.ORACLE: (
                "ROUND((TRUNC(x, 'HH24') - TO_DATE('1970-01-01', 'YYYY-MM-DD')) * 24) "
                "+ CASE WHEN x = TRUNC(x, 'HH24') THEN 0 ELSE 1 END"
            ),
            Dialect.SNOWFLAKE: (
                "DATEDIFF(HOUR, CAST('1970-01-01' AS TIMESTAMP), x) "
                "+ CASE WHEN x = DATE_TRUNC('HOUR', x) THEN 0 ELSE 1 END"
            ),
        },
        "number": {
            Dialect.SQL_SERVER: "TRY_CAST(x AS NUMERIC(18, 4))",
            Dialect.ORACLE: "TO_NUMBER(x DEFAULT NULL ON CONVERSION ERROR)",
            Dialect.SNOWFLAKE: "TRY_TO_NUMBER(CAST(x AS VARCHAR), 18, 4)",
        },
        "minutes_later": {
            Dialect.SQL_SERVER: "DATEADD(MINUTE, y, x)",
            Dialect.ORACLE: "x + NUMTODSINTERVAL(y, 'MINUTE')",
            Dialect.SNOWFLAKE: "DATEADD(MINUTE, y, x)",
        },
    }
)
"""Our functions of a time or number x (and minutes y)."""


def render_queries(
    settings: Settings, site: Site, since: datetime, issued_at: datetime, dialect: Dialect
) -> dict[str, str]:
    """Every query of the configured profile in a dialect, by its name, in the names that are mapped.

    Parameters stay parameters; each text begins with what a night would bind to them. Columns keep their
    type: where identifiers are numbers, the database must compare them with texts.

    Args:
        settings: the profile and its mapping.
        site: whose.
        since: the first hour read; aware.
        issued_at: the night's issue time; aware.
        dialect: whose words.

    Raises:
        sqlglot.errors.UnsupportedError: the dialect has no word for something.
    """
    profile = settings.source.profile
    tables = _tables(settings, dialect)
    if profile.counts_events:
        tables = in_utc(tables, SourceClock(settings.source.events.zone(site)), since, issued_at, NEUTRAL)
    bound = _bound(settings, site, since, issued_at)
    lists = _lists(settings, site, issued_at)
    return {
        name: _with_head(
            spelt_in(dialect, rendered(profile, name, tables, NEUTRAL, lists)), name, settings, bound, dialect
        )
        for name in questions_of(profile)
    }


def spelt_in(dialect: Dialect, text: str) -> str:
    """A query of ours in the words of a dialect.

    Args:
        dialect: whose words.
        text: as PostgreSQL has it, but for our own functions.

    Raises:
        sqlglot.errors.UnsupportedError: the dialect has no word for something.
    """
    tree = sqlglot.parse_one(text, read=WRITTEN_IN)
    for part in tree.find_all(exp.CTE):
        part.set("materialized", None)
    _name_parts_apart(tree)
    _group_by_expressions(tree)
    if dialect is Dialect.ORACLE:
        _take_empty_text_for_null(tree)
        _select_from_dual(tree)
    if dialect is not Dialect.SQL_SERVER:
        _divide_whole(tree)
    else:
        tree = tree.transform(_at_sign, copy=False)
    tree = tree.transform(lambda node: _own_function(node, dialect), copy=False)
    return tree.sql(dialect, pretty=True, unsupported_level=sqlglot.ErrorLevel.RAISE)


def _name_parts_apart(tree: exp.Expr) -> None:
    """Give each part of a WITH a name of its own: SQL Server has them all at the top."""
    numbers = count(1)
    for clause in reversed(list(tree.find_all(exp.With, bfs=True))):
        names = {part.alias: f"{part.alias}_{next(numbers)}" for part in clause.expressions}
        for table in list((clause.parent or clause).find_all(exp.Table)):
            if table.name in names and not table.db:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.alias or table.name)))
                table.set("this", exp.to_identifier(names[table.name]))
        for part in clause.expressions:
            part.set("alias", exp.TableAlias(this=exp.to_identifier(names[part.alias])))


def _group_by_expressions(tree: exp.Expr) -> None:
    """Say what is grouped by, where only its place is said."""
    for select in tree.find_all(exp.Select):
        group, chosen = select.args.get("group"), select.selects
        if group is None:
            continue
        group.set(
            "expressions",
            [
                chosen[int(by.name) - 1].unalias().copy() if isinstance(by, exp.Literal) else by
                for by in group.expressions
            ],
        )


def _take_empty_text_for_null(tree: exp.Expr) -> None:
    """To Oracle an empty text is NULL, and equal or unequal to nothing."""
    for unequal in list(tree.find_all(exp.NEQ)):
        if unequal.expression.is_string and not unequal.expression.name:
            unequal.replace(exp.Not(this=exp.Is(this=unequal.this.copy(), expression=exp.Null())))


def _select_from_dual(tree: exp.Expr) -> None:
    for select in list(tree.find_all(exp.Select)):
        if select.args.get("from_") is None:
            select.from_("dual", copy=False)


def _divide_whole(tree: exp.Expr) -> None:
    """Whole numbers are divided into fractions there, and into whole numbers by PostgreSQL."""
    for quotient in list(tree.find_all(exp.Div)):
        whole = exp.Floor()
        quotient.replace(whole)
        whole.set("this", quotient)


def _at_sign(node: exp.Expr) -> exp.Expr:
    return exp.Parameter(this=exp.Var(this=node.name)) if isinstance(node, exp.Placeholder) else node


def _own_function(node: exp.Expr, dialect: Dialect) -> exp.Expr:
    if not isinstance(node, exp.Anonymous) or node.name.lower() not in _SPELT:
        return node
    given = dict(zip("xy", node.expressions, strict=False))
    filled = _spelling(node.name.lower(), dialect).transform(
        lambda part: given[part.name].copy() if isinstance(part, exp.Column) and part.name in given else part
    )
    return exp.Paren(this=filled)


@cache
def _spelling(function: str, dialect: Dialect) -> exp.Expr:
    return sqlglot.parse_one(_SPELT[function][dialect], read=dialect)


def _tables(settings: Settings, dialect: Dialect) -> dict[str, SourceTable]:
    """The profile's tables under the names that are mapped; the long one of hours stands for none here."""
    source = settings.source
    return {
        name: SourceTable(
            name,
            ".".join(_quoted(part, dialect) for part in source.tables.get(name, name).rsplit(".", 1)),
            {
                column: _quoted(source.columns.get(name, {}).get(column, column), dialect)
                for column in columns
            },
        )
        for name, columns in {**SHAPES[source.profile].mappable, **BESIDE.mappable}.items()
        if name != HOURLY_COUNT
    }


def _quoted(name: str, dialect: Dialect) -> str:
    preparer = postgresql.dialect().identifier_preparer  # type: ignore[no-untyped-call]
    if name not in RESERVED:
        return str(preparer.quote(name))
    # A small name without quotes is a capital one to Oracle and Snowflake.
    return str(preparer.quote_identifier(name if dialect is Dialect.SQL_SERVER else name.upper()))


def _bound(settings: Settings, site: Site, since: datetime, issued_at: datetime) -> dict[str, object]:
    ed = site.ed
    return {
        "site_id": site.source_id or site.site_id,
        "ed_unit_id": (ed.source_id or ed.unit_id) if ed else "",
        "one_site": int(settings.source.omop.site == "one"),
        "since": f"{since:%Y-%m-%d %H:%M:%S}",
        "until": f"{issued_at:%Y-%m-%d %H:%M:%S}",
        "last_hour": f"{issued_at - timedelta(hours=1):%Y-%m-%d %H:%M:%S}",
        "since_hour": hour_number(since),
        "until_hour": hour_number(issued_at),
        "longest": ED_STAY_HOURS,
        "longest_hours": LONGEST_WARD_STAY_HOURS,
    }


def _lists(settings: Settings, site: Site, issued_at: datetime) -> Lists:
    """What is configured of concepts and units; of the hours that a night asks of, a week for an example."""
    now, omop = hour_number(issued_at), settings.source.omop
    return {
        "span": [(now - HOURS_PER_WEEK, now, 0, 1)],
        "asked": [(now - 24, 0), (now, 0)],
        "clock": [(now - HOURS_PER_WEEK, now, 0)],
        "stay_limit": stay_limits(site),
        "ed_visit_concept": [(concept,) for concept in omop.ed_visit_concepts],
        "ed_admission_concept": [(concept,) for concept in omop.ed_admission_concepts],
    }


def _with_head(
    text: str, name: str, settings: Settings, bound: Mapping[str, object], dialect: Dialect
) -> str:
    sign = "@" if dialect is Dialect.SQL_SERVER else ":"
    named = set(_PARAMETER.findall(text))
    told = [f"--   {sign}{word} = {value!r}" for word, value in bound.items() if f"{sign}{word}" in named]
    head = [
        f"-- {name} of profile {settings.source.profile}, rendered for {dialect}; it was not run there.",
        "-- Parameters, and what a night binds to them:",
        *told,
    ]
    return "\n".join([*head, text, ""])
