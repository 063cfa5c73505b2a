"""What all tables of hospital.toml have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """A table of hospital.toml: never changed once read, and without keys that aren't known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def refuse_repeats(what: str, values: list[str]) -> None:
    """Raise ValueError where a name that must be unique stands more than once."""
    repeated = sorted({repr(value) for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"{what} {', '.join(repeated)} stands more than once; each must be unique")


ROUNDING = 1e-6
