"""Heads in the form that is saved: plain layers on raw features, with standardisation and temperature folded in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calibeval.core.errors import InputError
from calibeval.core.heads.layers import PlainLayer
from calibeval.training.heads import Layer
from calibeval.training.split import Standard


def folded(layers: Sequence[Layer], standard: Standard) -> list[PlainLayer]:
    """The first head of a stack as a head on raw features, in float64."""
    plain = [PlainLayer(*(part[0].double().cpu().numpy() for part in layer)) for layer in layers]
    first = plain[0].weight / standard.scale
    plain[0] = PlainLayer(first, plain[0].bias - first @ standard.mean)
    return plain


def unfolded(layers: Sequence[PlainLayer], standard: Standard) -> list[PlainLayer]:
    """A head on raw features converted to a head on standardised features."""
    first, *rest = layers
    weight = np.asarray(first.weight, np.float64)
    return [PlainLayer(weight * standard.scale, first.bias + weight @ standard.mean), *rest]


def cooled(layers: Sequence[PlainLayer], temperature: float) -> list[PlainLayer]:
    """The head with its logits divided by the temperature."""
    *rest, last = layers
    return [*rest, PlainLayer(*(part.astype(np.float64) / temperature for part in last))]


def narrowed(layers: Sequence[PlainLayer]) -> list[PlainLayer]:
    """The head in float32, the type in which it is saved.

    Raises: InputError if a weight is too large for float32.
    """
    with np.errstate(over="ignore"):
        narrow = [PlainLayer(*(part.astype(np.float32) for part in layer)) for layer in layers]
    if not all(np.isfinite(part).all() for layer in narrow for part in layer):
        raise InputError(
            "a weight of the head is too large for float32; multiply the features by a constant, so that they are of "
            "order 1"
        )
    return narrow
