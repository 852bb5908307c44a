"""A head as it is saved: plain layers on raw features, with what training did to the features and T folded in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calibeval.core.linear import PlainLayer
from calibeval.training.heads import Layer
from calibeval.training.split import Standard


def folded(layers: Sequence[Layer], place: int, standard: Standard) -> list[PlainLayer]:
    """One of several heads on raw features, in float64."""
    plain = [
        PlainLayer(layer.weight[place].double().cpu().numpy(), layer.bias[place].double().cpu().numpy())
        for layer in layers
    ]
    first = plain[0].weight / standard.scale
    plain[0] = PlainLayer(first, plain[0].bias - first @ standard.mean)
    return plain


def unfolded(layers: Sequence[PlainLayer], standard: Standard) -> list[PlainLayer]:
    """A head on raw features as a head on standardised ones."""
    first, *rest = layers
    weight = np.asarray(first.weight, np.float64)
    return [PlainLayer(weight * standard.scale, first.bias + weight @ standard.mean), *rest]


def cooled(layers: Sequence[PlainLayer], temperature: float) -> list[PlainLayer]:
    """The head whose logits are divided by the temperature."""
    *rest, last = layers
    return [*rest, PlainLayer(last.weight / temperature, last.bias / temperature)]


def narrowed(layers: Sequence[PlainLayer]) -> list[PlainLayer]:
    """The head in float32, as it is saved."""
    return [PlainLayer(layer.weight.astype(np.float32), layer.bias.astype(np.float32)) for layer in layers]
