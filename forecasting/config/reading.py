"""Reading hospital.toml."""

from __future__ import annotations

from pathlib import Path
from reprlib import Repr

import rtoml
from pydantic import BaseModel, ValidationError

from forecasting.config.errors import ConfigError
from forecasting.config.settings import Settings


def read_settings(path: Path) -> Settings:
    """Read and validate a hospital.toml.

    Raises:
        ConfigError: the file can't be read or is not TOML, or a key has a value that isn't allowed.
    """
    try:
        # Every task reads all sites: for a hundred of them tomllib takes ten times as long.
        content = rtoml.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; set HOSPITAL_CONFIG to your hospital.toml") from None
    except OSError as error:
        raise ConfigError(
            f"{path}: can't be read ({error.strerror}); set HOSPITAL_CONFIG to a file that can"
        ) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}: line {line} is not UTF-8; save the file in that encoding") from None
    except rtoml.TomlParsingError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        lines = _lines(error)
        more = [f"  and {len(lines) - MOST_TOLD} more"] if len(lines) > MOST_TOLD else []
        said = [f"{path}: {len(lines)} wrong", *lines[:MOST_TOLD], *more]
        raise ConfigError("\n".join(said)) from None


MOST_TOLD = 50

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 80


def _lines(error: ValidationError) -> list[str]:
    lines = []
    for fault in error.errors(include_url=False):
        key = ".".join(str(part) for part in fault["loc"]) or "the file"
        value = fault["input"]
        shown = "" if isinstance(value, dict | BaseModel) else f" = {_SHORT.repr(value)}"
        lines.append(f"  {key}{shown}: {fault['msg'].removeprefix('Value error, ')}")
    return lines
