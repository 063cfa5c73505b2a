"""The roster."""

from __future__ import annotations

import pandas as pd

from forecasting.config import Site
from forecasting.schema import SCHEDULED_SHIFT, Severity
from forecasting.validate.suite import Check, Suite, counted, expect
from forecasting.validate.suites.structure import key_check, known_units_check


def scheduled_shift_suite(scheduled_shift: pd.DataFrame, site: Site) -> Suite:
    """Shifts are of configured units and float pools, end after they start, and have a number of heads."""
    return Suite(
        SCHEDULED_SHIFT.name,
        scheduled_shift,
        (
            key_check(SCHEDULED_SHIFT),
            known_units_check(site, [pool.pool_id for pool in site.float_pools]),
            Check(
                "shift_ends_after_it_starts",
                Severity.WARN,
                expect(
                    "column_pair_values_a_to_be_greater_than_b", column_A="shift_end", column_B="shift_start"
                ),
                lambda failed: f"{len(failed)} shifts end before they start ({counted(failed)}); left out.",
                "shift_end",
                "ends before it starts",
            ),
            Check(
                "heads_are_known",
                Severity.WARN,
                expect("column_values_to_not_be_null", column="heads"),
                lambda failed: f"{len(failed)} shifts have no heads ({counted(failed)}); left out.",
                "heads",
                "no heads",
            ),
            Check(
                "heads_are_not_negative",
                Severity.WARN,
                expect("column_values_to_be_between", column="heads", min_value=0),
                lambda failed: f"{len(failed)} shifts have negative heads ({counted(failed)}); left out.",
                "heads",
                "negative heads",
            ),
        ),
    )
