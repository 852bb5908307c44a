"""ACLS by hand: its value, its gradient with the top logit as a constant, ties and masked classes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from calibeval.losses import ACLS
from calibeval.losses.acls import acls_gradient, acls_terms
from tests.losses.cases import rows

SETTINGS = {"margin": 3.0, "alpha": 0.5, "pos_lambda": 2.0, "neg_lambda": 0.4}


def penalty_slope(logits, **settings):
    """The gradient of the penalty alone."""
    logits = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    acls_terms(logits, torch.zeros(len(logits), dtype=torch.int64), **settings).penalty.sum().backward()
    return logits.grad.tolist()


def test_value_and_gradient_by_hand():
    # Top 7: 2 (7 - 3)^2 = 32. Distances 0, 4, 7 are beyond 3 by 0, 1, 4: .4 (1 + 16) / 2 = 3.4. Half of 35.4 is 17.7.
    terms = acls_terms(torch.tensor([[7.0, 3.0, 0.0]]), torch.tensor([1]), **SETTINGS)
    assert terms.penalty.item() == pytest.approx(17.7)
    assert terms.cross_entropy.item() == pytest.approx(4 + math.log1p(math.exp(-4) + math.exp(-7)))
    # .5 * 2 * 2 (7 - 3) = 8 at the top alone; -.5 * .4 / 2 * 2 * (1, 4) at the others.
    assert penalty_slope([[7.0, 3.0, 0.0]], **SETTINGS)[0] == pytest.approx([8.0, -0.2, -0.8])


def test_defaults_are_those_of_the_paper():
    assert repr(ACLS()).startswith("ACLS(margin=10, alpha=0.1, pos_lambda=1, neg_lambda=0.1, ")
    # Top 12: 4; distance 13: 9 * .1 / 1. A tenth of 4.9.
    assert ACLS().terms(torch.tensor([[12.0, -1.0]]), torch.tensor([0])).penalty.item() == pytest.approx(0.49)


def test_nothing_at_the_margin():
    assert penalty_slope([[3.0, 0.0, 1.0]], **SETTINGS) == [[0.0, 0.0, 0.0]]
    assert penalty_slope([[-5.0, -9.0, -6.0]], **SETTINGS)[0] == pytest.approx([0.0, -0.2, 0.0])


def test_equal_tops_share_their_gradient_and_count_once():
    terms = acls_terms(torch.tensor([[7.0, 7.0, 7.0]]), torch.tensor([0]), **SETTINGS)
    assert terms.penalty.item() == pytest.approx(16.0)
    assert penalty_slope([[7.0, 7.0, 7.0]], **SETTINGS)[0] == pytest.approx([8 / 3] * 3)
    closed = acls_gradient(torch.tensor([[7.0, 7.0, 7.0]]), torch.tensor([0]), **SETTINGS).gradient
    assert closed[0].tolist() == pytest.approx([8 / 3 - 2 / 3, 3.0, 3.0])


def test_it_is_not_shift_invariant_in_the_top_logit():
    logits, labels = rows()
    for settings, same in (({**SETTINGS, "pos_lambda": 0.0}, True), (SETTINGS, False)):
        one, other = (acls_terms(logits + shift, labels, **settings).penalty for shift in (0.0, 2.0))
        assert torch.allclose(one, other) is same


def test_gradient_is_that_of_the_formula_with_the_top_as_a_constant():
    logits = rows(12)[0]
    tops = logits.amax(-1)

    def penalty(values):
        high = np.maximum(0, values.max(axis=1) - 3.0) ** 2
        low = (np.maximum(0, tops.numpy()[:, None] - values - 3.0) ** 2).sum(axis=1) / 3
        return float((0.5 * (2.0 * high + 0.4 * low)).sum())

    found, step = np.array(penalty_slope(logits.tolist(), **SETTINGS)), 1e-6
    for i, k in np.ndindex(*logits.shape):
        shift = np.zeros(logits.shape)
        shift[i, k] = step
        slope = (penalty(logits.numpy() + shift) - penalty(logits.numpy() - shift)) / (2 * step)
        assert found[i, k] == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("name", ["margin", "alpha", "pos_lambda", "neg_lambda"])
def test_arguments_that_cannot_work(name):
    with pytest.raises(ValueError, match=f"^{name}: -1, expected a number of at least 0, and finite$"):
        ACLS(**{name: -1})
