"""What became of each defect, over all years: a table for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from benchmarks.planted.case import DEFECTS, Case
from benchmarks.planted.defect import EVERYWHERE
from forecasting.evaluate import Estimate, estimate_of
from forecasting.profile import Profile


@dataclass(frozen=True)
class Row:
    """A defect at one rate, over all years."""

    profile: str
    defect: str
    rate: float
    years: int
    told: int
    told_by: str
    blocked: int
    rows_told: float
    wrong_trusting: float
    wrong_left: float
    valid_lost: float
    trusting: Estimate
    ours: Estimate


def rows_of(cases: Sequence[Case]) -> Iterator[Row]:
    """The cases by profile, defect and rate."""
    for (profile, defect, rate), group in groupby(
        sorted(cases, key=_place), key=lambda case: (case.profile, case.defect, case.rate)
    ):
        of = list(group)
        by = Counter(name for case in of for name in case.told_by)
        losses = np.array([loss for case in of for loss in case.losses]).reshape(-1, 3)
        yield Row(
            profile,
            defect,
            rate,
            len(of),
            sum(bool(case.told_by) for case in of),
            ", ".join(name for name, _ in by.most_common(3)),
            sum(bool(case.blocked) for case in of),
            sum(case.rows_told for case in of) / max(sum(case.rows for case in of), 1),
            float(np.mean([case.wrong_trusting for case in of])),
            float(np.mean([case.wrong_left for case in of])),
            max(case.valid_lost for case in of),
            *(_ratio(losses, column) for column in (1, 2)),
        )


def _place(case: Case) -> tuple[int, int, float]:
    profile = Profile(case.profile)
    names = [defect.name for defect in DEFECTS[profile]]
    return list(DEFECTS).index(profile), names.index(case.defect), case.rate


def _ratio(losses: np.ndarray, column: int) -> Estimate:
    """The loss of a column over the clean one's, paired by year and issue time, with its 90 % interval."""
    if not len(losses):
        return Estimate(np.nan, np.nan, np.nan)
    return estimate_of(losses, lambda total: total[column] / total[0])


def markdown(rows: Sequence[Row]) -> str:
    """A line a defect: what was told at each rate, and what came of it at the highest."""
    lines = [
        "| profile | defect | told | by | rows found | wrong | left | lost | loss, trusting | loss |",
        "|---|---|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for (profile, defect), group in groupby(rows, key=lambda row: (row.profile, row.defect)):
        of = list(group)
        last = of[-1]
        shares = (last.rows_told, last.wrong_trusting, last.wrong_left, max(row.valid_lost for row in of))
        cells = [
            profile,
            defect,
            " / ".join(f"{row.told} of {row.years}" for row in of) + (", blocked" if last.blocked else ""),
            last.told_by or max((row.told_by for row in of), default=""),
            *("" if last.rate == EVERYWHERE[0] else f"{share:.1%}" for share in shares),
            _told(last.trusting),
            "no plan" if last.blocked else _told(last.ours),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _told(ratio: Estimate) -> str:
    return "" if np.isnan(ratio.value) else f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
