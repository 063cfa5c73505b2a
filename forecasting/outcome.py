"""How a stage may end other than well; light to import, so that a scheduler can name these while parsing."""

from __future__ import annotations


class SiteBlocked(RuntimeError):
    """The site's data can't be trusted or read; trying again changes nothing until someone mends it."""


class SourceLost(ConnectionError):
    """The source does not answer; worth trying again."""


class NightNotCome(ValueError):
    """A night was asked for before its issue time: what it would forecast from has not happened."""


class SiteNotReady(RuntimeError):
    """An earlier stage of this site did not end well, so this one has nothing to work on."""


class SiteTakenUp(SiteNotReady):
    """Another run of the same night has taken the site up since; the message names it."""


class TrainingNotNeeded(RuntimeError):
    """There is nothing to train tonight; the message says why."""


class NightIncomplete(RuntimeError):
    """Some sites did not publish; the message names each with its reason."""


class TrainingFailed(RuntimeError):
    """A model could not be trained; who spoke before goes on speaking."""


class HistoryTooShort(TrainingFailed):
    """Too little of the past is known to train on; it heals with time."""


class NothingToDecide(RuntimeError):
    """Nobody need be asked about this site's plan; the message says why."""


class AnswerRefused(ValueError):
    """An answer about a plan makes no sense; the message names each field, its value and what is allowed."""


class PlanReplaced(RuntimeError):
    """The plan that was put to people is no longer the one that is published."""


class BacktestRefused(ValueError):
    """A backtest can't be run as it was asked for; the message names the value and what is allowed."""


class WhatIfRefused(ValueError):
    """A what-if can't be worked out as it was asked for; the message names the value and what is allowed."""


class MonitorRefused(ValueError):
    """A monitoring can't be done as it was asked for; the message names the value and what is allowed."""
