"""Adaptive and conditional label smoothing (ACLS): of rows, with its gradient, and as a torch module."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from calibeval.losses.arguments import ClassWeights, number
from calibeval.losses.criterion import Criterion
from calibeval.losses.gradients import LossGradient, finite_, less_at, row_values, with_penalty
from calibeval.losses.penalties import Parameter
from calibeval.losses.terms import LossTerms, at_least_float32, by_class, counted, of_labels


class ACLS(Criterion):
    """Cross entropy plus squared penalties on a top logit above a margin and on logits far below the top logit.

    The penalty is alpha times the mean over rows of pos_lambda times max(0, top logit - margin) ** 2, plus neg_lambda
    times the mean over the k - 1 other classes of max(0, d - margin) ** 2, where d is the distance of a class's logit
    to the top logit. The top logit is a constant in d, so the second part only raises the other logits. The first part
    changes if a constant is added to all logits.

    margin: at least 0, in units of the logits. alpha, pos_lambda, neg_lambda: at least 0.
    weight, ignore_index, reduction: as for `Criterion`.
    Raises: TypeError, ValueError for invalid arguments.
    Source: Park, Noh, Oh, Baek, Ham, ICCV 2023; the defaults are those of its code.

    >>> criterion = ACLS(margin=6.0, alpha=0.1)
    >>> criterion.terms(torch.tensor([[8.0, 0.0], [1.0, 0.0]]), torch.tensor([0, 0])).penalty
    tensor(0.2200)
    """

    def __init__(
        self,
        margin: float = 10.0,
        alpha: float = 0.1,
        pos_lambda: float = 1.0,
        neg_lambda: float = 0.1,
        *,
        weight: ClassWeights | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight=weight, ignore_index=ignore_index, reduction=reduction)
        self.margin = number("margin", margin, low=0.0)
        self.alpha = number("alpha", alpha, low=0.0)
        self.pos_lambda = number("pos_lambda", pos_lambda, low=0.0)
        self.neg_lambda = number("neg_lambda", neg_lambda, low=0.0)

    def row_terms(self, logits: Tensor, labels: Tensor) -> LossTerms:
        """The terms of each row."""
        return acls_terms(
            logits,
            labels,
            margin=self.margin,
            alpha=self.alpha,
            pos_lambda=self.pos_lambda,
            neg_lambda=self.neg_lambda,
        )

    def extra_repr(self) -> str:
        """The arguments."""
        lambdas = f"pos_lambda={self.pos_lambda:g}, neg_lambda={self.neg_lambda:g}"
        return f"margin={self.margin:g}, alpha={self.alpha:g}, {lambdas}, {super().extra_repr()}"


def acls_terms(
    logits: Tensor,
    labels: Tensor,
    *,
    margin: Parameter,
    alpha: Parameter,
    pos_lambda: Parameter = 1.0,
    neg_lambda: Parameter = 0.1,
) -> LossTerms:
    """Cross entropy plus the penalties that `ACLS` describes. Equal top logits share their gradient evenly.

    Source: Park et al., ICCV 2023.

    >>> acls_terms(torch.tensor([[8.0, 0.0]]), torch.tensor([0]), margin=6.0, alpha=0.1).penalty
    tensor([0.4400])
    """
    wide = at_least_float32(logits)
    cross_entropy = of_labels(wide.log_softmax(-1), labels)
    top = wide.amax(-1, keepdim=True)
    high = torch.relu(top - by_class(margin)).squeeze(-1).square()
    beyond = torch.relu(top.detach() - wide - by_class(margin)).nan_to_num(nan=math.nan, posinf=0.0)
    low = beyond.square().sum(-1) / (wide.shape[-1] - 1)
    penalty = counted(alpha * (pos_lambda * high + neg_lambda * low), labels)
    return LossTerms(cross_entropy + penalty, cross_entropy, penalty)


def acls_gradient(
    logits: Tensor,
    labels: Tensor,
    *,
    margin: Parameter,
    alpha: Parameter,
    pos_lambda: Parameter = 1.0,
    neg_lambda: Parameter = 0.1,
) -> LossGradient:
    """The gradient of cross entropy, plus twice the excess of the top logit, minus that of the far logits.

    >>> acls_gradient(torch.tensor([[8.0, 0.0]]), torch.tensor([0]), margin=6.0, alpha=0.1).gradient
    tensor([[ 0.3997, -0.0397]])
    """
    wide = at_least_float32(logits.detach())
    rows = row_values(wide, labels)
    others = wide.shape[-1] - 1
    high = (rows.top - by_class(margin)).relu_()
    beyond = finite_((rows.top - wide).sub_(by_class(margin)).relu_())
    part = pos_lambda * high.square().squeeze(-1) + neg_lambda * (beyond.square().sum(-1) / others)
    tied = torch.eq(wide, rows.top, out=torch.empty_like(wide))
    tied.mul_(high.mul_(by_class(2.0 * alpha * pos_lambda)) / tied.sum(-1, keepdim=True))
    gradient = rows.probs.sub_(beyond.mul_(by_class(2.0 * alpha * neg_lambda / others))).add_(tied)
    return with_penalty(rows.cross_entropy, counted(alpha * part, labels), less_at(gradient, labels, 1.0))
