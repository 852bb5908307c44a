"""The dual focal loss by hand: the next lower probability, ties, a label that is the lowest, and soft labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from calibeval.losses import DualFocal, FocalLoss
from calibeval.losses.dual_focal import dual_focal_gradient, dual_focal_terms
from tests.losses.cases import rows


def log(*probs):
    return torch.tensor([probs], dtype=torch.float64).log()


@pytest.mark.parametrize(
    ("probs", "label", "missed"),
    [
        ((0.5, 0.3, 0.2), 0, 1 - 0.5 + 0.3),
        ((0.5, 0.3, 0.2), 1, 1 - 0.3 + 0.2),  # the larger one does not count
        ((0.5, 0.3, 0.2), 2, 1 - 0.2),  # nothing is lower
        ((0.4, 0.4, 0.2), 0, 1 - 0.4 + 0.2),  # an equal one is not lower
        ((0.25, 0.25, 0.5), 1, 1 - 0.25),
    ],
)
def test_value_by_hand(probs, label, missed):
    terms = dual_focal_terms(log(*probs), torch.tensor([label]), gamma=2.0)
    assert terms.total.item() == pytest.approx(missed**2 * -math.log(probs[label]))
    assert terms.cross_entropy.item() == pytest.approx(-math.log(probs[label]))


def test_gradient_by_hand():
    # p = .5, q = .3, gamma 1: the factor is .8. With c = -ln .5: (.8 + .5 c)(p - e_0) + .3 c (e_1 - p).
    c, probs = math.log(2), np.array([0.5, 0.3, 0.2])
    expected = (0.8 + 0.5 * c) * (probs - [1, 0, 0]) + 0.3 * c * (np.array([0, 1, 0]) - probs)
    found = dual_focal_gradient(log(*probs), torch.tensor([0]), gamma=1.0).gradient
    assert found[0].tolist() == pytest.approx(expected.tolist())


def test_equal_next_classes_share_their_gradient():
    found = dual_focal_gradient(log(0.4, 0.2, 0.2, 0.2), torch.tensor([0]), gamma=1.0).gradient[0].tolist()
    assert found[1] == pytest.approx(found[2])
    assert found[1] == pytest.approx(found[3])
    assert sum(found) == pytest.approx(0)


def test_gamma_0_is_cross_entropy_and_less_is_never_more():
    logits, labels = rows()
    torch.testing.assert_close(DualFocal(0.0)(logits, labels), torch.nn.functional.cross_entropy(logits, labels))
    dual, focal = (
        loss(logits, labels) for loss in (DualFocal(2.0, reduction="none"), FocalLoss(2.0, reduction="none"))
    )
    assert (dual >= focal).all()
    assert (dual > focal).any()
    assert repr(DualFocal()).startswith("DualFocal(gamma=5, ")


def test_soft_labels_are_refused():
    message = (
        "labels: float32, but DualFocal takes no soft labels; expected class numbers of an integer type, such as "
        "int64, of shape (2,)"
    )
    with pytest.raises(TypeError) as error:
        DualFocal()(torch.zeros(2, 3), torch.zeros(2, 3))
    assert str(error.value) == message
    for function in (dual_focal_terms, dual_focal_gradient):
        with pytest.raises(
            TypeError, match=r"^dual focal loss: takes no soft labels, because its formula is that of a single label$"
        ):
            function(torch.zeros(2, 3), torch.zeros(2, 3), gamma=1.0)
