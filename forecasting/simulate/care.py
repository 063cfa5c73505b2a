"""How each kind of inpatient unit works: how full, how long, whence patients come and where they go on to."""

from __future__ import annotations

from dataclasses import dataclass

from forecasting.config import UnitType

T = UnitType


@dataclass(frozen=True)
class Care:
    """Typical figures of one unit type.

    Shares are of the admissions that come from outside the wards; what neither the ED nor the elective list
    brings is admitted directly, at any hour. ``esi_pull`` says how strongly ESI 1 to 5 draw to the type.
    """

    occupancy: float
    los_days: float
    ed_share: float
    elective_share: float
    esi_pull: tuple[float, float, float, float, float]
    los_sigma: float = 0.75
    leaves_by_day: bool = True
    onward: tuple[UnitType, ...] = ()
    onward_share: float = 0.0
    overflow: tuple[UnitType, ...] = ()


CARE: dict[UnitType, Care] = {
    T.ICU: Care(
        occupancy=0.80, los_days=3.2, ed_share=0.75, elective_share=0.25,
        esi_pull=(6.0, 2.5, 0.5, 0.1, 0.05),
        onward=(T.STEP_DOWN, T.TELEMETRY, T.MEDICAL_SURGICAL), onward_share=0.75, overflow=(T.STEP_DOWN,),
    ),
    T.STEP_DOWN: Care(
        occupancy=0.84, los_days=2.8, ed_share=0.8, elective_share=0.2,
        esi_pull=(2.5, 1.8, 0.9, 0.3, 0.1),
        onward=(T.MEDICAL_SURGICAL, T.TELEMETRY), onward_share=0.35, overflow=(T.TELEMETRY, T.ICU),
    ),
    T.TELEMETRY: Care(
        occupancy=0.86, los_days=3.2, ed_share=0.85, elective_share=0.15,
        esi_pull=(1.0, 1.4, 1.0, 0.6, 0.3), overflow=(T.STEP_DOWN, T.MEDICAL_SURGICAL),
    ),
    T.MEDICAL_SURGICAL: Care(
        occupancy=0.87, los_days=4.0, ed_share=0.72, elective_share=0.28,
        esi_pull=(0.5, 0.8, 1.1, 1.2, 1.0), overflow=(T.TELEMETRY,),
    ),
    T.PEDIATRICS: Care(
        occupancy=0.80, los_days=2.4, ed_share=0.7, elective_share=0.2,
        esi_pull=(0.5, 0.8, 1.1, 1.3, 1.3),
    ),
    T.LABOR_DELIVERY: Care(
        occupancy=0.6, los_days=0.7, ed_share=0.05, elective_share=0.2,
        esi_pull=(0.2, 0.8, 1.2, 0.8, 0.3), los_sigma=0.5, leaves_by_day=False,
        onward=(T.POSTPARTUM,), onward_share=0.95,
    ),
    T.POSTPARTUM: Care(
        occupancy=0.78, los_days=2.1, ed_share=0.05, elective_share=0.0,
        esi_pull=(0.1, 0.5, 1.2, 1.0, 0.5), los_sigma=0.4,
    ),
    T.PSYCHIATRIC: Care(
        occupancy=0.88, los_days=8.0, ed_share=0.6, elective_share=0.0,
        esi_pull=(0.3, 1.5, 1.0, 0.6, 0.3),
    ),
}  # fmt: skip
