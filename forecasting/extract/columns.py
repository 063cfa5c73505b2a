"""What the tables of a source are like: every column that they have, read or not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pandas as pd

from forecasting.config import Site
from forecasting.extract.contract import SourceTable
from forecasting.schema import SOURCE_COLUMN


def source_columns(tables: Mapping[str, SourceTable], site: Site, issued_at: datetime) -> pd.DataFrame:
    """The columns of the profile's tables as a site's night sees them: SOURCE_COLUMN rows."""
    rows = [
        (site.site_id, pd.Timestamp(issued_at), name, column, kind, table.read_as.get(column, ""))
        for name, table in tables.items()
        for column, kind in table.types.items()
    ]
    names = ["site_id", "known_at", "table_name", "column_name", "column_type", "read_as"]
    return SOURCE_COLUMN.conform(pd.DataFrame(rows, columns=names))
