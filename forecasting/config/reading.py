"""Reading hospital.toml."""

from __future__ import annotations

from pathlib import Path

import rtoml
from pydantic import BaseModel, ValidationError

from forecasting.config.errors import ConfigError
from forecasting.config.settings import Settings


def read_settings(path: Path) -> Settings:
    """Read and validate a hospital.toml.

    Raises:
        ConfigError: the file is missing, is not TOML, or a key has a value that isn't allowed.
    """
    try:
        # Every task reads all sites: for a hundred of them tomllib takes ten times as long.
        content = rtoml.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; set HOSPITAL_CONFIG to your hospital.toml") from None
    except rtoml.TomlParsingError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        raise ConfigError("\n".join([f"{path}: {error.error_count()} wrong", *_lines(error)])) from None


def _lines(error: ValidationError) -> list[str]:
    lines = []
    for fault in error.errors(include_url=False):
        key = ".".join(str(part) for part in fault["loc"]) or "the file"
        value = fault["input"]
        shown = "" if isinstance(value, dict | BaseModel) else f" = {value!r}"
        lines.append(f"  {key}{shown}: {fault['msg'].removeprefix('Value error, ')}")
    return lines
