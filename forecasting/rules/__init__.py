"""Staffing rules as dated data: which one holds for a unit, role and date, and what it asks."""

from forecasting.rules.book import NoRule, RuleBook, rule_book
from forecasting.rules.published import PublishedRuleError, ratio_sets, read_published, seed_file
from forecasting.rules.rule import Rule, UnitRule

__all__ = [
    "NoRule",
    "PublishedRuleError",
    "Rule",
    "RuleBook",
    "UnitRule",
    "ratio_sets",
    "read_published",
    "rule_book",
    "seed_file",
]
