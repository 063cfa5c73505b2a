"""The fast transformer against the stock one: same weights in, same numbers out."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from pytorch_forecasting import TemporalFusionTransformer
from pytorch_forecasting.data.encoders import TorchNormalizer
from pytorch_forecasting.metrics import QuantileLoss

from forecasting.models.tft.heads import pinball_loss
from forecasting.models.tft.transformer.fast import FastTransformer

pytestmark = [
    pytest.mark.integration,
    # The stock model's own: its loss is among its parameters.
    pytest.mark.filterwarnings("ignore:Attribute .* is an instance of `nn.Module`"),
]

BATCH, PAST, AHEAD = 5, 9, 4
# Sums of a few hundred float32 numbers in another order.
CLOSE: dict[str, Any] = {"rtol": 1e-4, "atol": 2e-5}
SIZES: list[dict[str, Any]] = [
    {},
    {"hidden_size": 8, "hidden_continuous_size": 8},
    {"hidden_size": 12, "hidden_continuous_size": 5, "attention_head_size": 3},
    {"attention_head_size": 1},
    {"lstm_layers": 2},
    {"causal_attention": False},
    {"share_single_variable_networks": True},
    {"hidden_continuous_sizes": {"came": 4, "day": 6}},
    {"time_varying_reals_encoder": ["came"]},
    {"time_varying_categoricals_decoder": ["shift"], "time_varying_categoricals_encoder": ["shift"]},
    {"static_reals": [], "static_categoricals": ["site"]},
]


def stock(**sizes: Any) -> Any:
    torch.manual_seed(4)
    settings: dict[str, Any] = {
        "hidden_size": 16,
        "hidden_continuous_size": 8,
        "attention_head_size": 2,
        "dropout": 0.1,
        "output_size": 3,
        "loss": QuantileLoss([0.1, 0.5, 0.9]),
        "logging_metrics": torch.nn.ModuleList(),
        "max_encoder_length": PAST,
        "static_categoricals": ["site"],
        "static_reals": ["beds"],
        "time_varying_reals_encoder": ["came", "day", "week"],
        "time_varying_reals_decoder": ["day", "week"],
        "x_categoricals": ["site", "shift"],
        "x_reals": ["beds", "came", "day", "week"],
        "embedding_sizes": {"site": (4, 3), "shift": (3, 2)},
        "output_transformer": TorchNormalizer(method="identity", center=False),
    }
    network = TemporalFusionTransformer(**{**settings, **sizes}).eval()
    # Gates and normalizations begin at 0 and 1, where mistakes would hide.
    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(torch.randn_like(weights) * 0.1)
    return network


def fast(network: Any) -> FastTransformer:
    same: FastTransformer = FastTransformer(**network.hparams).eval()
    same.load_state_dict(network.state_dict())
    return same


def windows(shared_day: bool = False) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(2)
    hours = PAST + AHEAD
    reals = torch.randn(BATCH, hours, 4, generator=random)
    reals[..., 0] = reals[:, :1, 0]
    if shared_day:
        reals[..., 2:] = reals[:1, :, 2:]
    site = torch.randint(0, 4, (BATCH, 1), generator=random).expand(-1, hours)
    categories = torch.stack([site, torch.randint(0, 3, (BATCH, hours), generator=random)], dim=-1)
    return {
        "encoder_cat": categories[:, :PAST],
        "decoder_cat": categories[:, PAST:],
        "encoder_cont": reals[:, :PAST],
        "decoder_cont": reals[:, PAST:],
        "encoder_lengths": torch.full((BATCH,), PAST),
        "decoder_lengths": torch.full((BATCH,), AHEAD),
        "target_scale": torch.tensor([[0.0, 1.0]]).expand(BATCH, 2),
    }


def gradients(network: Any, x: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    network.zero_grad()
    network(x)["prediction"].square().sum().backward()
    return {name: weights.grad for name, weights in network.named_parameters() if weights.grad is not None}


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_every_output_and_every_gradient_is_the_stock_models(sizes: dict[str, Any]) -> None:
    network = stock(**sizes)
    ours, x = fast(network), windows()
    theirs_out, ours_out = network(x), ours(x)
    assert theirs_out._fields == ours_out._fields
    for name, expected in theirs_out.items():
        torch.testing.assert_close(ours_out[name], expected, **CLOSE)
    expected_gradients = gradients(network, x)
    found = gradients(ours, x)
    assert set(found) == set(expected_gradients)
    for name, expected in expected_gradients.items():
        largest = float(expected.abs().max())
        torch.testing.assert_close(found[name], expected, rtol=1e-3, atol=1e-4 * (1 + largest))


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_a_forecast_from_a_shared_calendar_is_the_same(sizes: dict[str, Any]) -> None:
    network = stock(**sizes)
    x = windows(shared_day=True)
    with torch.no_grad():
        theirs, ours = network(x), fast(network)(x)
    for name, expected in theirs.items():
        torch.testing.assert_close(ours[name], expected, **CLOSE)


def test_the_interpretation_is_the_stock_models() -> None:
    network, x = stock(), windows()
    theirs = network.interpret_output(network(x), reduction="sum")
    ours_network = fast(network)
    ours = ours_network.interpret_output(ours_network(x), reduction="sum")
    assert set(ours) == set(theirs)
    for name, expected in theirs.items():
        torch.testing.assert_close(ours[name], expected, **CLOSE)


def test_without_explanation_the_forecast_is_the_same_and_attention_is_not_told() -> None:
    network, x = stock(), windows()
    ours = fast(network)
    ours.explains = False
    answer = ours(x)
    torch.testing.assert_close(answer["prediction"], network(x)["prediction"], **CLOSE)
    assert answer["encoder_attention"].numel() == 0


def test_windows_of_differing_lengths_are_the_stock_models_own() -> None:
    network, x = stock(), windows()
    x["encoder_lengths"] = torch.tensor([9, 4, 9, 1, 7])
    x["decoder_lengths"] = torch.tensor([4, 4, 2, 4, 1])
    theirs, ours = network(x), fast(network)(x)
    for name, expected in theirs.items():
        torch.testing.assert_close(ours[name], expected, rtol=0, atol=0)


def test_in_bfloat16_it_says_and_learns_about_the_same() -> None:
    """As a GPU multiplies; the operations are the ones that a GPU gets."""
    network, x = stock(), windows()
    ours = fast(network)
    ours.explains = False
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = gradients(ours, x)
        prediction = ours(x)["prediction"].float()
    torch.testing.assert_close(prediction, network(x)["prediction"], rtol=0.1, atol=0.1)
    expected = gradients(network, x)
    for name in ("output_layer.weight", "lstm_encoder.weight_ih_l0", "prescalers.came.weight"):
        together = torch.nn.functional.cosine_similarity(found[name].flatten(), expected[name].flatten(), 0)
        assert float(together) > 0.98, name


def test_whole_windows_on_a_device_are_not_looked_up() -> None:
    """The meta device has no values: reading one would fail."""
    ours = fast(stock()).to("meta")
    ours.whole_windows = True
    x = {name: value.to("meta") for name, value in windows().items()}
    ours.explains = False
    assert ours(x)["prediction"].shape == (BATCH, AHEAD, 3)


def test_a_checkpoint_of_either_is_read_by_the_other(tmp_path: Path) -> None:
    network, x = stock(), windows()
    files = {}
    for model in (network, fast(network)):
        trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
        trainer.strategy.connect(model)
        files[type(model)] = tmp_path / f"{type(model).__name__}.ckpt"
        trainer.save_checkpoint(files[type(model)])
    expected = network(x)["prediction"]
    for reader, file in (
        (FastTransformer, files[TemporalFusionTransformer]),
        (TemporalFusionTransformer, files[FastTransformer]),
    ):
        read = reader.load_from_checkpoint(file, weights_only=False).eval()
        torch.testing.assert_close(read(x)["prediction"], expected, **CLOSE)


def test_it_learns_after_it_was_only_asked() -> None:
    """Lightning validates in inference mode, whose tensors can't be learned through."""
    x = {name: value[:, :-1] if name.startswith("decoder_c") else value for name, value in windows().items()}
    x["decoder_lengths"] = x["decoder_lengths"] - 1
    ours = fast(stock(hidden_size=14, hidden_continuous_size=6))
    with torch.inference_mode():
        asked = ours(x)["prediction"].clone()
    torch.testing.assert_close(ours(x)["prediction"], asked, **CLOSE)
    assert gradients(ours, x)["output_layer.weight"].abs().max() > 0


def test_while_it_learns_numbers_are_dropped_by_the_seed() -> None:
    ours, x = fast(stock()).train(), windows()

    def say(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        prediction: torch.Tensor = ours(x)["prediction"]
        return prediction

    torch.testing.assert_close(say(1), say(1), rtol=0, atol=0)
    assert all(not torch.allclose(one, other) for one, other in pairwise([say(1), say(2), say(3)]))


def test_it_learns_as_fast_as_the_stock_model_does() -> None:
    """Both see the same windows; they differ in the numbers they drop."""
    network, x = stock(), windows()
    outcome = torch.randn(BATCH, AHEAD, generator=torch.Generator().manual_seed(5))
    levels = torch.tensor([0.1, 0.5, 0.9])
    ends = []
    for model in (network, fast(network)):
        model.train()
        torch.manual_seed(0)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(60):
            loss = pinball_loss(model(x)["prediction"], outcome, levels).mean()
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            ends.append(float(pinball_loss(model(x)["prediction"], outcome, levels).mean()))
    assert abs(ends[1] - ends[0]) < 0.35 * ends[0]
