"""The Brier score as a loss, by hand, and its soft labels."""

from __future__ import annotations

import pytest
import torch

import calibeval
from calibeval.core.metrics.table import METRICS
from calibeval.losses import Brier
from calibeval.losses.brier import brier_gradient, brier_terms
from tests.losses.cases import K, rows, soft


def log(*probs):
    return torch.tensor([probs], dtype=torch.float64).log()


def test_value_and_gradient_by_hand():
    # (.5 - 1)^2 + .3^2 + .2^2 = .38. The mean of (-.5, .3, .2) weighted by p is -.12: 2 p (-.38, .42, .32).
    found = brier_gradient(log(0.5, 0.3, 0.2), torch.tensor([0]))
    assert found.terms.total.item() == pytest.approx(0.38)
    assert found.gradient[0].tolist() == pytest.approx([-0.38, 0.252, 0.128])
    assert brier_terms(log(0.5, 0.3, 0.2), torch.tensor([0])).total.item() == pytest.approx(0.38)


def test_it_is_the_metric():
    logits, labels = rows()
    report = calibeval.evaluate(logits=logits.numpy(), labels=labels.numpy())
    assert Brier()(logits, labels).item() == pytest.approx(report["brier"].value, rel=1e-12)
    assert METRICS["brier"].most == 2


def test_soft_label_by_hand():
    # (.5 - .5)^2 + (.3 - .5)^2 + .2^2 = .08; a label of twice the sum counts twice.
    label = torch.tensor([[0.5, 0.5, 0.0]], dtype=torch.float64)
    assert brier_terms(log(0.5, 0.3, 0.2), label).total.item() == pytest.approx(0.08)
    assert brier_terms(log(0.5, 0.3, 0.2), 2 * label).total.item() == pytest.approx(0.16)
    assert brier_terms(log(0.5, 0.3, 0.2), 0 * label).total.item() == 0


def test_soft_labels_have_the_gradient_of_the_mean_over_labels():
    logits, labels = rows()[0], soft()
    each = torch.stack([brier_gradient(logits, torch.full((40,), j)).gradient for j in range(K)], dim=-1)
    expected = (labels.unsqueeze(1) * each).sum(-1)
    torch.testing.assert_close(brier_gradient(logits, labels).gradient, expected)
