from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.models.tft.transformer import gated_sum as module
from forecasting.models.tft.transformer.dropout import dropout, keepers
from forecasting.models.tft.transformer.gated_sum import Networks, gated_each, gated_sum, whole_gated_sum

pytestmark = pytest.mark.unit


def draw(variables: int, rows: int, width: int, outer: int, skipped: int) -> tuple[torch.Tensor, ...]:
    random = torch.Generator().manual_seed(variables + 7 * rows + 11 * width)

    def numbers(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=random).requires_grad_()

    line = torch.stack([numbers(variables, rows).detach(), torch.ones(variables, rows)], dim=-1)
    parameters = (
        numbers(variables, 2, width),
        numbers(variables, width + 1, width),
        numbers(variables, width + 1, outer),
        numbers(variables, width + 1, outer),
        numbers(variables, skipped, outer),
        numbers(variables, outer),
        numbers(variables, outer),
    )
    weight = torch.softmax(numbers(variables, rows).detach(), dim=0).requires_grad_()
    return line, numbers(variables, rows, skipped), weight, *parameters


@settings(max_examples=25, deadline=None)
@given(
    variables=st.integers(1, 5),
    rows=st.integers(1, 40),
    width=st.integers(1, 6),
    outer=st.integers(2, 9),
    skipped=st.integers(1, 3),
    numbers_in_a_block=st.integers(1, 60),
)
def test_block_by_block_is_what_all_at_once_is(
    variables: int, rows: int, width: int, outer: int, skipped: int, numbers_in_a_block: int
) -> None:
    outcomes = []
    for function in (gated_sum, whole_gated_sum):
        line, skip, weight, *parameters = draw(variables, rows, width, outer, skipped)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "NUMBERS_IN_A_BLOCK", numbers_in_a_block)
            summed = function(line, skip, weight, Networks(*parameters), 0.0, 1e-3)
            torch.autograd.backward(summed.sin().sum())
        outcomes.append([summed.detach(), *(given.grad for given in (skip, weight, *parameters))])
    for found, expected in zip(*outcomes, strict=True):
        assert found is not None
        torch.testing.assert_close(found, expected, rtol=2e-3, atol=2e-4)


def test_dropping_is_felt_on_the_way_back_as_on_the_way_there() -> None:
    """The gradient is that of the very numbers that were kept: a finite difference with the same seed."""
    line, skip, weight, *parameters = draw(3, 20, 4, 6, 2)

    def total(inner: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(3)
        networks = Networks(parameters[0], inner, *parameters[2:])
        return gated_sum(line, skip, weight, networks, 0.4, 1e-3).sin().sum()

    inner = parameters[1]
    torch.autograd.backward(total(inner))
    step = torch.zeros_like(inner)
    step[1, 2, 1] = 1e-2
    with torch.no_grad():
        slope = (total(inner + step) - total(inner - step)) / 2e-2
    assert inner.grad is not None
    assert float(inner.grad[1, 2, 1]) == pytest.approx(float(slope), rel=0.05, abs=1e-2)


def test_going_the_way_back_again_gives_the_same() -> None:
    """What the way there left behind is read, not used up."""
    line, skip, weight, *parameters = draw(3, 20, 4, 6, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "NUMBERS_IN_A_BLOCK", 24)
        said = gated_sum(line, skip, weight, Networks(*parameters), 0.4, 1e-3).sin().sum()
        learned = (skip, weight, *parameters)
        first = torch.autograd.grad(said, learned, retain_graph=True)
        again = torch.autograd.grad(said, learned)
    torch.testing.assert_close(again, first, rtol=0, atol=0)


def test_each_weighted_and_summed_is_the_sum() -> None:
    line, skip, weight, *parameters = draw(4, 15, 3, 5, 3)
    with torch.no_grad():
        each = gated_each(line, skip, Networks(*parameters), 1e-3)
        summed = gated_sum(line, skip, weight, Networks(*parameters), 0.0, 1e-3)
    torch.testing.assert_close((each * weight[..., None]).sum(dim=0), summed, rtol=1e-3, atol=1e-4)


def test_double_precision_is_kept() -> None:
    doubles = [given.detach().double() for given in draw(2, 5, 3, 4, 2)]
    line, skip, weight, *parameters = doubles
    assert gated_sum(line, skip, weight, Networks(*parameters), 0.0, 1e-3).dtype == torch.float64


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_share_asked_for_is_dropped_and_the_mean_stays(share: float) -> None:
    torch.manual_seed(1)
    keep = keepers((300, 401), share)
    assert float((keep == 0).float().mean()) == pytest.approx(share, abs=0.01)
    assert float(keep.mean()) == pytest.approx(1.0, abs=0.01)
    by_place = (keep.flatten()[: 300 * 400].view(-1, 4) == 0).float().mean(dim=0)
    assert by_place.tolist() == pytest.approx([share] * 4, abs=0.02)


def test_nothing_is_dropped_where_nothing_is_learned() -> None:
    values = torch.randn(4, 5)
    assert dropout(values, 0.5, training=False) is values
    assert dropout(values, 0.0, training=True) is values
