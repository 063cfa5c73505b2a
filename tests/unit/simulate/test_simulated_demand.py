from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.config import Site, Unit, UnitType
from forecasting.simulate.care import CARE
from forecasting.simulate.demand import ESI_MIX_DAY, ESI_MIX_NIGHT, NIGHT_SHARE, admission_by_esi, demand

pytestmark = pytest.mark.unit

BEDS = st.dictionaries(st.sampled_from(list(CARE)), st.integers(1, 60), min_size=1)


def _site(beds: dict[UnitType, int]) -> Site:
    units = tuple(Unit(unit_id=kind.value, name=kind, unit_type=kind, beds=n) for kind, n in beds.items())
    return Site(site_id="one", name="One", time_zone="UTC", country="US", units=units)


@settings(deadline=None)
@given(share=st.floats(0.001, 0.4))
def test_admission_probabilities_have_the_asked_mean_and_fall_with_acuity(share: float) -> None:
    mix = (1 - NIGHT_SHARE) * ESI_MIX_DAY + NIGHT_SHARE * ESI_MIX_NIGHT
    probability = admission_by_esi(share)
    assert mix @ probability == pytest.approx(share, abs=1e-6)
    assert (np.diff(probability) < 0).all()


@settings(deadline=None)
@given(beds=BEDS, visits=st.floats(0, 300))
def test_flows_never_ask_for_more_than_the_typical_occupancy(
    beds: dict[UnitType, int], visits: float
) -> None:
    need = demand(_site(beds), visits)
    outside = need.ed + need.elective + need.direct
    assert (outside >= 0).all()
    assert need.ed.sum() <= 0.3 * visits + 1e-9
    assert (need.onward.sum(axis=1) <= 1 + 1e-9).all()
    stays = np.array([CARE[kind].occupancy * beds[kind] / CARE[kind].los_days for kind in need.types])
    assert (outside <= stays + 1e-9).all()


def test_the_sickest_go_to_intensive_care() -> None:
    beds = {UnitType.ICU: 12, UnitType.TELEMETRY: 24, UnitType.MEDICAL_SURGICAL: 60}
    need = demand(_site(beds), 150)
    icu = need.type_by_esi[:, need.types.index(UnitType.ICU)]
    assert icu[0] > 0.4
    assert (np.diff(icu[:4]) < 0).all()
    assert (icu[3:] < 0.05).all()
    assert need.onward[need.types.index(UnitType.ICU)].sum() == pytest.approx(0.75)
