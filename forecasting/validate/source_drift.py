"""What of the source's tables is another than it was: columns gone, new, renamed or of another type."""

from __future__ import annotations

import pandas as pd

KEY = ["table_name", "column_name"]
COLUMNS = [*KEY, "drift", "was", "column_type", "read_as", "instead"]


def source_drift(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Tonight's columns beside those of the last night; none has changed where nothing is known of it.

    Args:
        now: SOURCE_COLUMN rows of one site.
        before: those of the night before.

    Returns:
        A row for each column of either: ``drift``: ``no``, ``gone``, ``new``, ``renamed`` or ``retyped``;
        its type as it ``was`` and ``column_type``, as it is; ``read_as``, of what is gone as it was read;
        ``instead``, the one new column of the same table and type where one is gone.
    """
    both = now[[*KEY, "column_type", "read_as"]].merge(
        before[[*KEY, "column_type", "read_as"]].rename(
            columns={"column_type": "was", "read_as": "read_before"}
        ),
        on=KEY,
        how="outer",
        indicator=True,
    )
    drift = both["_merge"].astype(str).map({"both": "no", "left_only": "new", "right_only": "gone"})
    drift = drift.mask((both["_merge"] == "both") & both["was"].ne(both["column_type"]), "retyped")
    if before.empty:
        drift = drift.mask(drift == "new", "no")
    told = both.assign(drift=drift, read_as=both["read_as"].fillna(both["read_before"]), instead="")
    for row, gone in told[told["drift"] == "gone"].iterrows():
        like = told["table_name"].eq(gone["table_name"]) & told["drift"].eq("new")
        like &= told["column_type"].eq(gone["was"])
        if like.sum() == 1:
            told.loc[row, ["drift", "instead"]] = ["renamed", told.loc[like, "column_name"].iloc[0]]
    return told[COLUMNS].fillna("")
