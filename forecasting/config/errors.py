"""What a configuration that can't be used is refused with."""

from __future__ import annotations


class ConfigError(ValueError):
    """A hospital.toml that can't be used; the message names each key, its value and what is allowed."""
