"""A head as it is saved: plain layers on raw features, with what training did to the features and T folded in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calibeval.core.errors import InputError
from calibeval.core.heads.layers import PlainLayer
from calibeval.training.heads import Layer
from calibeval.training.split import Standard


def folded(layers: Sequence[Layer], standard: Standard) -> list[PlainLayer]:
    """The first of a stack of heads, on raw features, in float64."""
    plain = [PlainLayer(*(part[0].double().cpu().numpy() for part in layer)) for layer in layers]
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
    return [*rest, PlainLayer(*(part.astype(np.float64) / temperature for part in last))]


def narrowed(layers: Sequence[PlainLayer]) -> list[PlainLayer]:
    """The head in float32, as it is saved.

    Raises: InputError where a weight is beyond float32.
    """
    with np.errstate(over="ignore"):
        narrow = [PlainLayer(*(part.astype(np.float32) for part in layer)) for layer in layers]
    if not all(np.isfinite(part).all() for layer in narrow for part in layer):
        raise InputError(
            "a weight of the head is beyond float32; multiply the features by a constant, so that they are of order 1"
        )
    return narrow
