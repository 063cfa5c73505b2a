"""hospital.toml, read once and validated: what the hospitals are and how they staff.

Addresses and secrets are not configuration; they live in :mod:`forecasting.deployment`.
"""

from forecasting.config.approval import Approval, Ask, OnTimeout
from forecasting.config.cost import HeadCost, Waiting
from forecasting.config.errors import ConfigError
from forecasting.config.fields import (
    Count,
    Identifier,
    Level,
    Positive,
    Rate,
    Share,
    SourceName,
    TimeZoneName,
)
from forecasting.config.monitoring import Monitoring
from forecasting.config.night import Group, Horizon, Shift
from forecasting.config.privacy import Privacy
from forecasting.config.reading import read_settings
from forecasting.config.role import CalledHeads, EventMinutes, Role
from forecasting.config.rule import Applies, BoardersAt, LocalRule, RuleKind
from forecasting.config.settings import Settings
from forecasting.config.site import FloatPool, Site
from forecasting.config.source import Events, Hourly, Omop, Source
from forecasting.config.training import Likelihood, Training
from forecasting.config.unit import LONGEST_WARD_STAY_HOURS, Boarders, Load, Unit, UnitType
from forecasting.config.weather import Weather

__all__ = [
    "LONGEST_WARD_STAY_HOURS",
    "Applies",
    "Approval",
    "Ask",
    "Boarders",
    "BoardersAt",
    "CalledHeads",
    "ConfigError",
    "Count",
    "EventMinutes",
    "Events",
    "FloatPool",
    "Group",
    "HeadCost",
    "Horizon",
    "Hourly",
    "Identifier",
    "Level",
    "Likelihood",
    "Load",
    "LocalRule",
    "Monitoring",
    "Omop",
    "OnTimeout",
    "Positive",
    "Privacy",
    "Rate",
    "Role",
    "RuleKind",
    "Settings",
    "Share",
    "Shift",
    "Site",
    "Source",
    "SourceName",
    "TimeZoneName",
    "Training",
    "Unit",
    "UnitType",
    "Waiting",
    "Weather",
    "read_settings",
]
