"""An emergency department's census against its arrivals."""

from __future__ import annotations

import pandas as pd

from forecasting.balance import ALLOWED_SHARE, Balance
from forecasting.schema import OBSERVATION, Severity
from forecasting.validate.suite import Check, Suite, expect


def balance_suite(balance: Balance) -> Suite:
    """The census rises by no more patients than arrived, in nearly all hours."""
    return Suite(
        f"{OBSERVATION.name}.balance",
        pd.DataFrame({"unexplained_share": [balance.share]}),
        (
            Check(
                "census_rises_by_arrivals",
                Severity.WARN,
                expect("column_values_to_be_between", column="unexplained_share", max_value=ALLOWED_SHARE),
                lambda _: balance.says,
                "value",
            ),
        ),
    )
