"""The dual focal loss: of rows, with its gradient, and as a torch module."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from calibeval.losses.arguments import ClassWeights, number
from calibeval.losses.criterion import Criterion
from calibeval.losses.gradients import LossGradient, less_at, row_values
from calibeval.losses.penalties import Parameter
from calibeval.losses.terms import (
    NO_POWER,
    LossTerms,
    at_least_float32,
    class_index,
    difference,
    is_soft,
    miss,
    of_labels,
)


class DualFocal(Criterion):
    """Cross entropy times (1 - p + q) ** gamma, where p is the probability of the label, and q the next lower one.

    q is the largest probability of a class that is smaller than p, 0 if there is none; so the loss also widens the gap
    between the two. The focal loss has q = 0. It takes no soft labels, because q belongs to a single label.

    gamma: at least 0; 0 gives cross entropy. weight, ignore_index, reduction: as for `Criterion`.
    Raises: TypeError, ValueError for invalid arguments.
    Source: Tao, Dong, Xu, ICML 2023.

    >>> DualFocal(gamma=2.0)(torch.tensor([[2.0, 1.0, 0.0]]), torch.tensor([0]))
    tensor(0.1369)
    """

    soft: ClassVar[bool] = False

    def __init__(
        self,
        gamma: float = 5.0,
        *,
        weight: ClassWeights | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight=weight, ignore_index=ignore_index, reduction=reduction)
        self.gamma = number("gamma", gamma, low=0.0)

    def row_terms(self, logits: Tensor, labels: Tensor) -> LossTerms:
        """The terms of each row."""
        return dual_focal_terms(logits, labels, gamma=self.gamma)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"gamma={self.gamma:g}, {super().extra_repr()}"


def dual_focal_terms(logits: Tensor, labels: Tensor, *, gamma: Parameter) -> LossTerms:
    """Cross entropy times (1 - p + q) ** gamma; q is the largest probability below p, that of the label.

    Equal classes of probability q share its gradient evenly.
    Raises: TypeError for soft labels.
    Source: Tao et al., ICML 2023.

    >>> dual_focal_terms(torch.tensor([[0.0, 1.0], [0.0, 0.0]]), torch.tensor([1, 1]), gamma=1.0).total
    tensor([0.1685, 0.3466])
    """
    wide = at_least_float32(logits)
    cross_entropy = of_labels(wide.log_softmax(-1), _numbers(labels))
    next_loss = wide.logsumexp(-1) - _below(wide, labels).amax(-1)
    missed = miss(cross_entropy) + torch.exp((-next_loss).clamp(min=NO_POWER))
    total = missed**gamma * cross_entropy
    return LossTerms(total, cross_entropy, difference(total, cross_entropy))


def dual_focal_gradient(logits: Tensor, labels: Tensor, *, gamma: Parameter) -> LossGradient:
    """The gradient of the factor and of cross entropy, by the product rule.

    >>> dual_focal_gradient(torch.tensor([[0.0, 0.0]]), torch.tensor([1]), gamma=1.0).gradient
    tensor([[ 0.4233, -0.4233]])
    """
    wide = at_least_float32(logits.detach())
    rows = row_values(wide, _numbers(labels))
    loss = rows.cross_entropy
    below = _below(wide, labels)
    top = below.amax(-1, keepdim=True)
    log = (top - rows.top - rows.top_loss).squeeze(-1)
    missed = miss(loss) + torch.exp(log.clamp(min=NO_POWER))
    factor = missed**gamma
    steep = gamma * missed ** (gamma - 1.0)
    # p ln p is 0 if p is 0, although its logarithm is infinite; and so is q ln p, as q < p.
    of_label = factor + steep * (torch.exp(-loss) * loss).nan_to_num(nan=0.0)
    of_next = steep * (torch.where(log < NO_POWER, 0.0, torch.exp(log)) * loss).nan_to_num(nan=0.0)
    tied = torch.eq(below, top, out=below)
    tied.mul_(of_next.unsqueeze(-1) / tied.sum(-1, keepdim=True))
    gradient = less_at(rows.probs.mul_((of_label - of_next).unsqueeze(-1)).add_(tied), labels, of_label)
    total = factor * loss
    return LossGradient(LossTerms(total, loss, difference(total, loss)), gradient)


def _numbers(labels: Tensor) -> Tensor:
    """The labels, if they are class numbers.

    Raises: TypeError.
    """
    if is_soft(labels):
        raise TypeError("dual focal loss: takes no soft labels, because its formula is that of a single label")
    return labels


def _below(wide: Tensor, labels: Tensor) -> Tensor:
    """The logits that are smaller than that of the label; -inf instead of the others."""
    own = wide.gather(-1, class_index(labels, wide))
    return torch.where(wide < own, wide, -math.inf)
