"""MDCA by hand: the whole batch counts, without ignored rows, by the weights of the rows and the labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from calibeval.losses import MDCA
from calibeval.losses.mdca import mdca_gradient, mdca_terms
from calibeval.losses.table import LOSS_TABLE
from calibeval.training.head_losses import HeadLosses
from calibeval.training.spec import LossSpec
from tests.losses.cases import CASES, K, rows, soft

WEIGHT = [0.5, 2.0, 0.0, 1.25]
WHOLE = torch.linspace(0.1, 2.0, 40, dtype=torch.float64)


def penalty(logits, share, counts, beta=1.0):
    """The formula of the paper for rows that count differently."""
    counts = counts[:, None] / counts.sum()
    probs = torch.softmax(logits, -1)
    return beta * (counts * (probs - share)).sum(0).abs().mean()


def one_hot(labels):
    return torch.nn.functional.one_hot(labels, K).double()


def test_value_by_hand():
    # Mean probabilities (.45, .35, .2), labels (.5, .5, 0): (.05 + .15 + .2) / 3.
    logits = torch.tensor([[0.6, 0.1, 0.3], [0.3, 0.6, 0.1]], dtype=torch.float64).log()
    terms = MDCA(beta=3.0).terms(logits, torch.tensor([0, 1]))
    assert terms.penalty.item() == pytest.approx(0.4)
    # The parts of the rows, with signs (-1, -1, 1): .4 - .1 + .3 and -.3 + .4 + .1; their mean is .4.
    each = MDCA(beta=3.0, reduction="none").terms(logits, torch.tensor([0, 1])).penalty
    assert each.tolist() == pytest.approx([0.6, 0.2])
    assert MDCA(beta=3.0, reduction="sum").terms(logits, torch.tensor([0, 1])).penalty.item() == pytest.approx(0.8)


def test_gradient_is_that_of_the_formula():
    logits, labels = rows()
    logits.requires_grad_()
    penalty(logits, one_hot(labels), torch.ones(40)).backward()
    ce, both = (CASES[n].entry.gradient(logits, labels, **s).gradient for n, s in (("ce", {}), ("mdca", {"beta": 1.0})))
    torch.testing.assert_close((both - ce) / 40, logits.grad)


@pytest.mark.parametrize("beta", [0.0, 1.0, 7.0])
def test_ignored_rows_and_class_weights(beta):
    logits, labels = rows()
    marked = torch.where(torch.arange(40) % 3 > 0, labels, -100)
    logits[0] = float("nan")  # of an ignored row
    counts = torch.tensor(WEIGHT, dtype=torch.float64)[labels] * (marked >= 0)
    found = MDCA(beta, weight=WEIGHT, ignore_index=-100).terms(logits, marked)
    expected = penalty(logits.nan_to_num(0.0), one_hot(labels), counts, beta)
    torch.testing.assert_close(found.penalty, expected)


def test_soft_labels_with_weights():
    logits, labels = rows()[0], soft()
    own = labels * torch.tensor(WEIGHT, dtype=torch.float64)
    gap = (own.sum(1, keepdim=True) * logits.softmax(-1) - own).mean(0)
    torch.testing.assert_close(MDCA(weight=WEIGHT).terms(logits, labels).penalty, gap.abs().mean())


def test_pixels_are_one_batch():
    logits, labels = rows(24)
    image = logits.reshape(2, 3, 4, K).movedim(-1, 1)
    torch.testing.assert_close(MDCA()(image, labels.reshape(2, 3, 4)), MDCA()(logits, labels))
    assert MDCA()(image[:1], labels[:12].reshape(1, 3, 4)) != MDCA()(logits, labels)


@pytest.mark.parametrize("share", [None, WHOLE])
@pytest.mark.parametrize("labels", [rows()[1], soft()], ids=["numbers", "soft"])
def test_heads_have_batches_of_their_own_and_rows_weights(share, labels):
    losses = [LossSpec("mdca", {"beta": 1.0}), LossSpec("mdca", {"beta": 4.0})]
    logits = torch.stack([rows(seed=seed)[0] for seed in range(2)], dim=1)
    heads = HeadLosses(losses, K, torch.device("cpu"), torch.float64)
    values, slope = heads.value_and_slope(logits, labels, share)
    counts = torch.ones(40, dtype=torch.float64) if share is None else share
    given = labels if labels.is_floating_point() else one_hot(labels)
    for i, beta in enumerate((1.0, 4.0)):
        own = logits[:, i].clone().requires_grad_()
        ce = (counts * -(given * own.log_softmax(-1)).sum(-1)).sum()
        loss = (ce + counts.sum() * penalty(own, given, counts, beta)) / 40
        loss.backward()
        torch.testing.assert_close(values[i], loss.detach())
        torch.testing.assert_close(slope[:, i], own.grad)


def test_focal_loss_as_the_base():
    logits, labels = rows()
    plain, focal = MDCA(2.0).terms(logits, labels), MDCA(2.0, gamma=3.0).terms(logits, labels)
    base = LOSS_TABLE["focal"].terms(logits, labels, gamma=3.0).total.mean()
    torch.testing.assert_close(focal.total, base + plain.penalty)
    assert repr(MDCA()).startswith("MDCA(beta=1, gamma=0, ")


def test_gamma_of_candidates():
    logits, labels = rows()
    gamma = torch.tensor([[0.0], [2.0]], dtype=torch.float64)
    both = mdca_gradient(logits.expand(2, 40, K), labels, beta=1.0, gamma=gamma, batch=(1,))
    for i in range(2):
        alone = mdca_gradient(logits, labels, beta=1.0, gamma=gamma[i, 0].item())
        torch.testing.assert_close(both.gradient[i], alone.gradient)


def test_a_gap_of_0_has_no_gradient():
    logits, labels = torch.zeros(2, 2, dtype=torch.float64), torch.tensor([0, 1])
    terms = mdca_terms(logits, labels, beta=1.0)
    assert terms.penalty.tolist() == [0.0, 0.0]
    assert np.allclose(mdca_gradient(logits, labels, beta=1.0).gradient, [[-0.5, 0.5], [0.5, -0.5]])


def test_mixup_sees_the_mixed_labels_of_the_batch():
    (logits, one), other = rows(), rows(seed=1)[1]
    heads = HeadLosses([LossSpec("ce"), LossSpec("mdca", {"beta": 3.0})], K, torch.device("cpu"), torch.float64)
    stack = torch.stack([logits, logits], dim=1)
    share, rest = WHOLE, 2.0 - WHOLE
    values, slope = heads.mixed(stack, (one, share), (other, rest))
    own = logits.clone().requires_grad_()
    mixed = (share[:, None] * one_hot(one) + rest[:, None] * one_hot(other)) / 2.0
    ce = 2 * torch.nn.functional.cross_entropy(own, mixed)
    loss = ce + 2 * penalty(own, mixed, torch.ones(40, dtype=torch.float64), 3.0)
    loss.backward()
    torch.testing.assert_close(values, torch.stack([ce, loss]).detach())
    torch.testing.assert_close(slope[:, 1], own.grad)
