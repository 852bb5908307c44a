"""The Brier score as a loss: of rows, with its gradient, and as a torch module."""

from __future__ import annotations

import torch
from torch import Tensor

from calibeval.losses.criterion import Criterion
from calibeval.losses.gradients import LossGradient, row_values
from calibeval.losses.terms import (
    LossTerms,
    at_least_float32,
    class_index,
    cross_entropy_terms,
    difference,
    is_soft,
)


class Brier(Criterion):
    """The Brier score: the squared difference between probabilities and label, summed over the classes; from 0 to 2.

    The gradient of a row vanishes if the probability of its label is near 0, so wrong labels weigh little.
    weight, ignore_index, reduction: as for `Criterion`.
    Source: Brier, Monthly Weather Review 1950.

    >>> Brier()(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    tensor(0.5000)
    """

    def row_terms(self, logits: Tensor, labels: Tensor) -> LossTerms:
        """The terms of each row."""
        return brier_terms(logits, labels)


def brier_terms(logits: Tensor, labels: Tensor) -> LossTerms:
    """The squared difference between probabilities and label, summed over the classes.

    A soft label that sums to s gives s times the loss of the label over s. Bounded, also for a masked label.
    Source: Brier, Monthly Weather Review 1950.

    >>> brier_terms(torch.tensor([[0.0, 0.0]]), torch.tensor([[0.5, 0.5]])).total
    tensor([0.])
    """
    wide = at_least_float32(logits)
    cross_entropy = cross_entropy_terms(wide, labels).total
    surplus, count = _surplus(wide.softmax(-1), labels)
    total = surplus.square().sum(-1)
    if count is not None:
        total = count.squeeze(-1) * total
    return LossTerms(total, cross_entropy, difference(total, cross_entropy))


def brier_gradient(logits: Tensor, labels: Tensor) -> LossGradient:
    """The gradient is 2 p times what p - label exceeds its mean, weighted by p.

    >>> brier_gradient(torch.tensor([[0.0, 0.0]]), torch.tensor([1])).gradient
    tensor([[ 0.5000, -0.5000]])
    """
    rows = row_values(at_least_float32(logits.detach()), labels)
    surplus, count = _surplus(rows.probs, labels)
    total = surplus.square().sum(-1)
    gradient = surplus.sub_((rows.probs * surplus).sum(-1, keepdim=True)).mul_(rows.probs).mul_(2.0)
    if count is not None:
        total, gradient = count.squeeze(-1) * total, gradient.mul_(count)
    return LossGradient(LossTerms(total, rows.cross_entropy, difference(total, rows.cross_entropy)), gradient)


def _surplus(probs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor | None]:
    """The probabilities minus the label, and of soft labels their sum, (..., 1)."""
    if not is_soft(labels):
        place = class_index(labels, probs)
        return probs.scatter(-1, place, probs.gather(-1, place) - 1.0), None
    labels = labels.to(probs.dtype)
    count = labels.sum(-1, keepdim=True)
    return probs - labels / torch.where(count == 0, 1.0, count), count
