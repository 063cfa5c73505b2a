"""Where the time of one training step goes on a processor, for the stock transformer and for ours.

Both are given the same batch of the same data, on one thread; times are PyTorch's own, of its operations, per
window. It is the profile behind ``bench-training``, and has no bar.
"""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import torch
from pytorch_forecasting.metrics import QuantileLoss
from rich.console import Console
from rich.table import Table
from torch.profiler import ProfilerActivity, profile

from benchmarks.contenders import ours, stock
from benchmarks.contenders.panel import panel_of
from benchmarks.training import JOBS
from forecasting.models.tft.heap import keep_freed_memory
from forecasting.models.tft.windows.table import WindowTable

WARM_STEPS = 3
STEPS = 3
GROUPS = {
    "products": ("mm", "addmm", "bmm", "baddbmm", "baddbmm_", "linear"),
    "recurrent layers": ("mkldnn_rnn_layer", "mkldnn_rnn_layer_backward"),
    "attention": (
        "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_flash_attention_for_cpu_backward",
        "_softmax",
        "_softmax_backward_data",
        "masked_fill",
        "masked_fill_",
    ),
    "normalization": ("native_layer_norm", "native_layer_norm_backward", "linalg_vector_norm", "rsqrt_"),
    "dropped numbers": ("bernoulli_", "random_", "ge", "div_", "native_dropout", "native_dropout_backward"),
    "gates and activations": (
        *("glu", "glu_backward", "sigmoid", "sigmoid_backward", "elu", "elu_backward"),
        *("exp", "exp_", "reciprocal_", "clamp", "clamp_"),
    ),
    "stretching to the hidden size": ("upsample_linear1d", "upsample_linear1d_backward"),
    "copies": ("copy_", "cat", "stack", "fill_", "zero_", "index", "select_backward"),
    "sums and products by element": ("mul", "mul_", "add", "add_", "sub", "sub_", "sum", "addcmul_", "div"),
}


def microseconds(
    network: Any, table: WindowTable, batch_size: int, levels: tuple[float, ...]
) -> Counter[str]:
    """Per window, by group of operations."""
    optimizer = torch.optim.Adam(network.parameters(), lr=0.003)
    loss = QuantileLoss(list(levels))
    x, (outcomes, _) = table.batch(torch.arange(batch_size))

    def step() -> None:
        optimizer.zero_grad()
        torch.autograd.backward(loss.loss(network(x)["prediction"], outcomes).mean())
        optimizer.step()

    for _ in range(WARM_STEPS):
        step()
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        for _ in range(STEPS):
            step()
    group_of = {f"aten::{name}": group for group, names in GROUPS.items() for name in names}
    spent: Counter[str] = Counter()
    for event in seen.key_averages():
        spent[group_of.get(event.key, "everything else")] += event.self_cpu_time_total
    return Counter({group: time / STEPS / batch_size for group, time in spent.items()})


def main() -> None:
    """Print a table."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    keep_freed_memory()
    job = JOBS["cpu"]
    data = stock.training_set(panel_of(job), job)
    table = WindowTable.of(data)
    spent = {
        name: microseconds(build(data, job).train(), table, job.batch_size, job.levels)
        for name, build in (("stock", stock.build), ("ours", ours.build))
    }
    shown = Table(title="microseconds a window, one thread")
    shown.add_column("")
    for name in spent:
        shown.add_column(name, justify="right")
    for group in (*GROUPS, "everything else"):
        shown.add_row(group, *(f"{times[group]:,.0f}" for times in spent.values()))
    shown.add_row("all", *(f"{sum(times.values()):,.0f}" for times in spent.values()))
    Console().print(shown)


if __name__ == "__main__":
    main()
