"""What the options of a command ask for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Literal, cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from forecasting import outcome, pipeline
from forecasting.config import ConfigError, Settings

NightOption = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Date of the issue time; the latest if left out."),
]

RetrainOption = Annotated[str, typer.Option(help="auto, always, refresh or never.")]


def asked_night(settings: Settings, asked: datetime | None) -> date:
    """The night that is asked for; the latest where none is."""
    return asked.date() if asked else pipeline.latest_night(settings)


def asked_sites(settings: Settings, asked: str) -> tuple[str, ...]:
    """The sites that are asked for: all of them, or those between commas."""
    return settings.site_ids if asked == "all" else tuple(name.strip() for name in asked.split(","))


def asked_retrain(asked: str) -> pipeline.Retrain:
    """When to train, as asked.

    Raises:
        ConfigError: that is not one of the words for it.
    """
    allowed = get_args(pipeline.Retrain)
    if asked not in allowed:
        raise ConfigError(f"--retrain {asked!r}: allowed are {', '.join(allowed)}")
    return cast("pipeline.Retrain", asked)


def asked_time_zone(asked: str) -> ZoneInfo | Literal["site"]:
    """The zone that is asked for; ``site`` for each site's own.

    Raises:
        ConfigError: there is no such zone.
    """
    if asked == "site":
        return "site"
    try:
        return ZoneInfo(asked)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(
            f"--time-zone {asked!r}: allowed are site, and names such as Europe/London"
        ) from None


def asked_columns(asked: Sequence[str]) -> dict[str, dict[str, str]]:
    """By table, what files call our columns, from ``table.ours=theirs``.

    Raises:
        ConfigError: one is not of that form.
    """
    columns: dict[str, dict[str, str]] = {}
    for one in asked:
        ours, equals, theirs = one.partition("=")
        table, dot, name = ours.partition(".")
        if not (equals and dot and theirs):
            raise ConfigError(f"--column {one!r}: write table.ours=theirs, as in ed_visit.arrived_at=ARRIVAL")
        columns.setdefault(table, {})[name] = theirs
    return columns


def run_id_of_now() -> str:
    """The name of a run that no DAG began."""
    return f"command_line__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"


def words(asked: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(word.strip() for word in asked.split(",") if word.strip())


def named(option: str, asked: str) -> tuple[str, ...]:
    """What stands between commas, at least one.

    Raises:
        BacktestRefused: nothing does.
    """
    names = words(asked)
    if not names:
        raise outcome.BacktestRefused(f"--{option} {asked!r} names none; name some, or leave it out")
    return names


def numbers(option: str, asked: str) -> tuple[int, ...]:
    """The whole numbers between commas, at least one.

    Raises:
        BacktestRefused: none, or no numbers, are there.
    """
    digits = named(option, asked)
    strange = [word for word in digits if not word.isdecimal()]
    if strange:
        raise outcome.BacktestRefused(
            f"--{option} {strange[0]!r}: allowed are whole numbers with commas between"
        )
    return tuple(map(int, digits))
