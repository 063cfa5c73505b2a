"""What a backtest is asked: which models forecast which target, from which issue times, fitted when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any, TypeVar

from forecasting.config import Settings
from forecasting.models.catalogue import CATALOGUE, REFERENCE
from forecasting.outcome import BacktestRefused
from forecasting.schema import Target

Name = TypeVar("Name", str, int)


@dataclass(frozen=True)
class Contender:
    """One of those that are compared: a model, and its seed where a seed decides what it learns."""

    model: str
    seed: int | None = None

    @property
    def name(self) -> str:
        """How its rows, scores and plots call it."""
        return self.model if self.seed is None else f"{self.model} seed {self.seed}"


@dataclass(frozen=True)
class Part:
    """What is forecast in one go: a refit period's nights, by a contender fitted at the first of them."""

    target: Target
    contender: Contender
    nights: tuple[date, ...]


@dataclass(frozen=True)
class BacktestProtocol:
    """The parameters of a backtest, as :func:`read_protocol` checked them."""

    targets: tuple[Target, ...]
    first: date
    """Date of the first issue time; the hour is the group's."""
    last: date
    """No issue time is after this date."""
    step_days: int
    refit_days: int
    models: tuple[str, ...]
    seeds: tuple[int, ...]
    site_ids: tuple[str, ...]

    @property
    def nights(self) -> tuple[date, ...]:
        """The dates of the issue times."""
        days = range(0, (self.last - self.first).days + 1, self.step_days)
        return tuple(self.first + timedelta(days=day) for day in days)

    @property
    def contenders(self) -> tuple[Contender, ...]:
        """Each model, a seeded one once per seed."""
        return tuple(
            Contender(model, seed)
            for model in self.models
            for seed in (self.seeds if CATALOGUE[model].seeded else (None,))
        )

    def contenders_of(self, target: Target) -> tuple[Contender, ...]:
        """Those of them that can forecast the target."""
        return tuple(one for one in self.contenders if target in CATALOGUE[one.model].targets)

    @property
    def parts(self) -> tuple[Part, ...]:
        """All there is to forecast, in the order of the result's rows."""
        periods = groupby(self.nights, lambda night: (night - self.first).days // self.refit_days)
        blocks = [tuple(nights) for _, nights in periods]
        return tuple(
            Part(target, contender, block)
            for target in self.targets
            for contender in self.contenders_of(target)
            for block in blocks
        )

    def as_json(self) -> dict[str, Any]:
        """The parameters as plain values."""
        return {
            "targets": [target.value for target in self.targets],
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "step_days": self.step_days,
            "refit_days": self.refit_days,
            "models": list(self.models),
            "seeds": list(self.seeds),
            "site_ids": list(self.site_ids),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> BacktestProtocol:
        """The protocol that :meth:`as_json` wrote."""
        return cls(
            targets=tuple(Target(name) for name in values["targets"]),
            first=date.fromisoformat(values["first"]),
            last=date.fromisoformat(values["last"]),
            step_days=values["step_days"],
            refit_days=values["refit_days"],
            models=tuple(values["models"]),
            seeds=tuple(values["seeds"]),
            site_ids=tuple(values["site_ids"]),
        )


def read_protocol(
    settings: Settings,
    *,
    targets: Sequence[str],
    first: date,
    last: date,
    step_days: int = 7,
    refit_days: int | None = None,
    models: Sequence[str] = (REFERENCE,),
    seeds: Sequence[int] = (),
    site_ids: Sequence[str] = (),
) -> BacktestProtocol:
    """Check what a person asks for.

    The reference that skill is measured against takes part whether it is named or not.

    Args:
        settings: the sites that may be asked for, and what holds where nothing is asked.
        targets: names of targets.
        first: date of the first issue time.
        last: no issue time is after it.
        step_days: days from one issue time to the next.
        refit_days: each model is fitted at the first issue time of every so many days;
            ``training.retrain_after_days`` if left out.
        models: names from the catalogue.
        seeds: for models that a seed decides; ``training.seed`` if there is none.
        site_ids: all sites if there is none.

    Raises:
        BacktestRefused: something asked for does not exist, repeats, or contradicts the rest.
    """
    if last < first:
        raise BacktestRefused(f"the last issue date {last} is before the first, {first}; swap them")
    for what, days in (("step", step_days), ("refit", refit_days)):
        if days is not None and days < 1:
            raise BacktestRefused(f"--{what} {days}: allowed are whole days from 1 on")
    asked = _allowed("model", models, tuple(CATALOGUE))
    wanted = tuple(Target(name) for name in _allowed("target", targets, tuple(Target)))
    for name in asked:
        if not set(wanted) & set(CATALOGUE[name].targets):
            can = ", ".join(CATALOGUE[name].targets)
            raise BacktestRefused(f"model {name} forecasts {can} alone; ask for that target, or leave it out")
    return BacktestProtocol(
        targets=wanted,
        first=first,
        last=last,
        step_days=step_days,
        refit_days=refit_days or settings.training.retrain_after_days,
        models=asked if REFERENCE in asked else (REFERENCE, *asked),
        seeds=_once("seed", seeds) or (settings.training.seed,),
        site_ids=_allowed("site", site_ids, settings.site_ids) if site_ids else settings.site_ids,
    )


def _allowed(what: str, asked: Sequence[str], allowed: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in asked if name not in allowed]
    if unknown or not asked:
        named = f"{what} {unknown[0]!r} is unknown" if unknown else f"no {what} is named"
        raise BacktestRefused(f"{named}; allowed are {', '.join(allowed)}")
    return _once(what, asked)


def _once(what: str, asked: Sequence[Name]) -> tuple[Name, ...]:
    repeated = [name for name in asked if asked.count(name) > 1]
    if repeated:
        raise BacktestRefused(f"{what} {repeated[0]} is named more than once; name each once")
    return tuple(asked)
