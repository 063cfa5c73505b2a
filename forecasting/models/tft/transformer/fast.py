"""pytorch-forecasting's temporal fusion transformer, doing the same arithmetic in fewer steps.

Parameters, checkpoints, outputs and interpretation are the stock model's; tests hold them side by side.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from pytorch_forecasting import TemporalFusionTransformer
from torch.nn import functional

from forecasting.models.tft.transformer.dropout import dropout
from forecasting.models.tft.transformer.gating import gate_add_norm, gated_linear_unit, gated_residual
from forecasting.models.tft.transformer.variable_selection import can_select, select


class FastTransformer(TemporalFusionTransformer):  # type: ignore[misc]
    """The stock transformer, faster where windows are whole: all as long as the batch's longest.

    Where the batch lies on a CPU, whether its windows are whole is looked up. On a device that look would
    wait for the device, so whoever makes the windows says it in :attr:`whole_windows`.
    """

    whole_windows: bool = False
    """Whether every window that comes from a device is whole."""
    explains: bool = True
    """Whether answers hold the weights of attention; without, they come sooner and those are empty."""

    def forward(self, x: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """What the stock model's ``forward`` gives."""
        if not self._are_whole(x):
            stock: dict[str, torch.Tensor] = super().forward(x)
            return stock
        encoder_hours = x["encoder_cont"].shape[1]
        static, static_weights = self.static_variable_selection(self._static_inputs(x))
        context = self.static_context_variable_selection(static)
        past, past_weights = self._select(
            self.encoder_variable_selection, x["encoder_cat"], x["encoder_cont"], context
        )
        ahead, ahead_weights = self._select(
            self.decoder_variable_selection, x["decoder_cat"], x["decoder_cont"], context
        )
        remembered = self._remember(past, ahead, static)
        enrichment = self.static_context_enrichment(static)
        enriched = gated_residual(self.static_enrichment, remembered, enrichment)
        enriched_ahead = enriched[:, encoder_hours:]
        attended, attention = self._attend(enriched, enriched_ahead)
        attended = gate_add_norm(self.post_attn_gate_norm, attended, enriched_ahead)
        fused = gated_residual(self.pos_wise_ff, attended)
        fused = gate_add_norm(self.pre_output_gate_norm, fused, remembered[:, encoder_hours:])
        if self.n_targets > 1:
            output: Any = [layer(fused) for layer in self.output_layer]
        else:
            output = self.output_layer(fused)
        answer: dict[str, torch.Tensor] = self.to_network_output(
            prediction=self.transform_output(output, target_scale=x["target_scale"]),
            encoder_attention=attention[..., :encoder_hours],
            decoder_attention=attention[..., encoder_hours:],
            static_variables=static_weights,
            encoder_variables=past_weights,
            decoder_variables=ahead_weights,
            decoder_lengths=x["decoder_lengths"],
            encoder_lengths=x["encoder_lengths"],
        )
        return answer

    def _are_whole(self, x: dict[str, torch.Tensor]) -> bool:
        if not self.static_variables:
            return False
        if x["encoder_lengths"].device.type != "cpu":
            return self.whole_windows
        shortest = int(x["encoder_lengths"].min()), int(x["decoder_lengths"].min())
        return shortest == (x["encoder_cont"].shape[1], x["decoder_cont"].shape[1]) and shortest[0] > 0

    def _static_inputs(self, x: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        first_hour = self.input_embeddings(x["encoder_cat"][:, :1])
        reals = {
            name: x["encoder_cont"][:, :1, column, None] for column, name in enumerate(self.hparams.x_reals)
        }
        known = {**reals, **first_hour}
        return {name: known[name][:, 0] for name in self.static_variables}

    def _select(
        self, selection: Any, categories: torch.Tensor, values: torch.Tensor, context: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        column = {name: number for number, name in enumerate(self.hparams.x_reals)}
        names = list(selection.input_sizes)
        if can_select(selection, self.hparams.x_reals):
            return select(selection, values[..., [column[name] for name in names]], context)
        reals = {name: values[..., column[name], None] for name in names if name in column}
        inputs = {**reals, **self.input_embeddings(categories)}
        selected: tuple[torch.Tensor, torch.Tensor] = selection(
            {name: inputs[name] for name in names}, self.expand_static_context(context, values.shape[1])
        )
        return selected

    def _remember(self, past: torch.Tensor, ahead: torch.Tensor, static: torch.Tensor) -> torch.Tensor:
        """The recurrent layers with their gate and skip (batch, hours, hidden)."""
        layers = self.hparams.lstm_layers
        state = tuple(
            initial(static).expand(layers, -1, -1).contiguous()
            for initial in (self.static_context_initial_hidden_lstm, self.static_context_initial_cell_lstm)
        )
        # The stock layer packs its windows by their length; whole ones need none of it.
        recalled, state = torch.nn.LSTM.forward(self.lstm_encoder, past, state)
        expected, _ = torch.nn.LSTM.forward(self.lstm_decoder, ahead, state)
        gated = gated_linear_unit(self.post_lstm_gate_encoder, torch.cat([recalled, expected], dim=1))
        remembered: torch.Tensor = self.post_lstm_add_norm_encoder(gated, torch.cat([past, ahead], dim=1))
        return remembered

    def _attend(
        self, enriched: torch.Tensor, enriched_ahead: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Each forecast hour's look at the hours it may see: the result, and the weights of each head."""
        attention = self.multihead_attn
        batch, hours, _ = enriched.shape
        ahead, heads, size = enriched_ahead.shape[1], attention.n_head, attention.d_k
        queries = _joined(attention.q_layers, enriched_ahead)
        queries = queries.view(batch, ahead, heads, size).transpose(1, 2)
        keys = _joined(attention.k_layers, enriched).view(batch, hours, heads, size).transpose(1, 2)
        # All heads look at the same values.
        values = attention.v_layer(enriched)[:, None]
        causal, bias = self.hparams.causal_attention, attention.attention.mask_bias
        unseen = _unseen(ahead, hours, causal, bias, enriched.device).to(queries.dtype)
        if self.explains:
            weights = torch.softmax(queries @ keys.transpose(2, 3) * size**-0.5 + unseen, dim=-1)
            seen = weights @ values
        else:
            weights = queries.new_empty(batch, heads, ahead, 0)
            seen = functional.scaled_dot_product_attention(
                queries, keys, values.expand(-1, heads, -1, -1), attn_mask=unseen
            )
        seen = dropout(seen, attention.dropout.p, training=self.training).mean(dim=1)
        attended = dropout(attention.w_h(seen), attention.dropout.p, training=self.training)
        return attended, weights.transpose(1, 2)


def _joined(layers: Any, values: torch.Tensor) -> torch.Tensor:
    weight = torch.cat([layer.weight for layer in layers])
    return functional.linear(values, weight, torch.cat([layer.bias for layer in layers]))


# Kept for later steps: a tensor made while validating could not be learned through.
@cache
@torch.inference_mode(mode=False)
def _unseen(ahead: int, hours: int, causal: bool, bias: float, device: torch.device) -> torch.Tensor:
    """What is added to a look at an hour: nothing, or ``bias`` where a forecast hour must not look."""
    hidden = torch.zeros(ahead, hours, device=device)
    if causal:
        step = torch.arange(ahead, device=device)
        hidden[:, hours - ahead :].masked_fill_(step[None, :] >= step[:, None], bias)
    return hidden
