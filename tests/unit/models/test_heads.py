from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom

from forecasting.config import Likelihood, Settings
from forecasting.models.counts import smooth_count_quantiles
from forecasting.models.tft.heads import CountHead, count_quantiles, likelihood_of
from forecasting.schema import Target

pytestmark = pytest.mark.unit

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


def expecting(
    mean: float, dispersion: float, came: list[float], known: list[bool]
) -> dict[str, torch.Tensor]:
    hours = torch.ones(1, len(came))
    variance = dispersion * mean + 1 / 12
    return {
        "centre": mean * hours,
        "unit": variance**0.5 * hours,
        "value": torch.tensor([came]),
        "known": torch.tensor([known]).float(),
        "hours_known": torch.tensor(float(sum(known))),
    }


@given(mean=st.floats(1, 200), dispersion=st.floats(1.02, 2.5))
def test_quantiles_are_within_a_fraction_of_a_patient_of_the_laws(mean: float, dispersion: float) -> None:
    exact = smooth_count_quantiles(np.array([mean]), dispersion, LEVELS)[0]
    near = count_quantiles(torch.tensor(mean), torch.tensor(dispersion - 1), torch.tensor(LEVELS)).numpy()
    assert np.abs(near.clip(0) - exact.clip(0)).max() < 0.25


def test_what_has_not_learned_says_what_was_expected() -> None:
    mean, excess = CountHead().law(torch.zeros(1, 3, 2), expecting(5.0, 1.4, [0, 0, 0], [True] * 3))
    torch.testing.assert_close(mean, torch.full((1, 3), 5.0))
    torch.testing.assert_close(excess, torch.full((1, 3), 0.4))


def test_it_loses_the_log_likelihood_of_the_hours_that_are_known() -> None:
    batch = expecting(5.0, 1.4, [0.0, 7.0, 0.0], [True, True, False])
    lost = CountHead().lost(torch.zeros(1, 3, 2), batch, torch.tensor(LEVELS))
    law = nbinom(5.0 / 0.4, 1 / 1.4)
    assert float(lost) == pytest.approx(-np.mean(law.logpmf([0, 7])), rel=1e-4)


def test_it_finds_the_law_of_counts_that_it_did_not_expect() -> None:
    came = np.random.default_rng(1).negative_binomial(8 / 0.8, 1 / 1.8, 4000).astype(float)
    head, batch = CountHead(), expecting(5.0, 1.0, came.tolist(), [True] * len(came))
    said = torch.zeros(2, requires_grad=True)
    learning = torch.optim.Adam([said], lr=0.05)
    for _ in range(200):
        lost = head.lost(said.expand(1, len(came), 2), batch, torch.tensor(LEVELS))
        said.grad = torch.autograd.grad(lost, said)[0]
        learning.step()
    mean, excess = head.law(said.detach().expand(1, len(came), 2), batch)
    assert float(mean[0, 0]) == pytest.approx(came.mean(), rel=0.01)
    assert float(1 + excess[0, 0]) == pytest.approx(came.var() / came.mean(), rel=0.1)


def test_a_census_is_never_learned_as_a_count(settings: Settings) -> None:
    training = settings.training.model_copy(update={"likelihood": Likelihood.NEGATIVE_BINOMIAL})
    assert likelihood_of(training, Target.ED_ARRIVALS) is Likelihood.NEGATIVE_BINOMIAL
    assert likelihood_of(training, Target.BED_CENSUS) is Likelihood.QUANTILE
