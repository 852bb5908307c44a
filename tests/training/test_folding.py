"""Folding: the same logits, from raw features and with the temperature inside."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from calibeval.core.errors import InputError
from calibeval.core.heads.layers import PlainLayer, logits_of
from calibeval.training.folding import cooled, folded, narrowed, unfolded
from calibeval.training.heads import Heads, Layer, new_heads
from calibeval.training.split import standard_of

RNG = np.random.default_rng(0)
ROWS = RNG.normal(5.0, [0.1, 3.0, 40.0, 1.0], (30, 4))


def stack(sizes):
    layers = new_heads(1, sizes, torch.Generator().manual_seed(0))
    return [Layer(*(part.double() for part in layer)) for layer in layers]


@pytest.mark.parametrize("sizes", [(4, 3), (4, 6, 3)])
def test_standardisation_is_folded_into_the_first_layer(sizes):
    layers, standard = stack(sizes), standard_of(ROWS)
    x = torch.from_numpy((ROWS - standard.mean) / standard.scale)
    expected = Heads(layers).forward(x)[0][:, 0]
    np.testing.assert_allclose(logits_of(folded(layers, standard), ROWS), expected, atol=1e-12)


@pytest.mark.parametrize("sizes", [(4, 3), (4, 6, 3)])
def test_unfolding_undoes_folding(sizes):
    layers, standard = stack(sizes), standard_of(ROWS)
    again = unfolded(folded(layers, standard), standard)
    for layer, plain in zip(layers, again, strict=True):
        np.testing.assert_allclose(plain.weight, layer.weight[0], atol=1e-12)
        np.testing.assert_allclose(plain.bias, layer.bias[0], atol=1e-12)


@pytest.mark.parametrize("sizes", [(4, 3), (4, 6, 3)])
def test_the_temperature_divides_the_logits(sizes):
    plain = folded(stack(sizes), standard_of(ROWS))
    np.testing.assert_allclose(logits_of(cooled(plain, 2.5), ROWS), logits_of(plain, ROWS) / 2.5, atol=1e-12)
    assert all(part.dtype == np.float32 for layer in narrowed(cooled(plain, 2.5)) for part in layer)


def test_weights_that_float32_cannot_hold():
    for layer in (PlainLayer(np.array([[1e39]]), np.zeros(1)), PlainLayer(np.ones((1, 1)), np.array([-1e300]))):
        with pytest.raises(InputError, match="a weight of the head is too large for float32; multiply the features"):
            narrowed([layer])
