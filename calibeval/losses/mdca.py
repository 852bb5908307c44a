"""Multi-class difference of confidence and accuracy (MDCA): of whole batches, with its gradient, as a torch module."""

from __future__ import annotations

import torch
from torch import Tensor

from calibeval.losses.arguments import ClassWeights, number
from calibeval.losses.criterion import Counts, Criterion, weighted
from calibeval.losses.gradients import LossGradient, cross_entropy_gradient, focal_gradient
from calibeval.losses.penalties import Parameter
from calibeval.losses.terms import LossTerms, at_least_float32, class_index, counted, focal_terms, is_soft


class MDCA(Criterion):
    """Cross entropy plus, for each class, the gap between its mean probability and its frequency in the batch.

    The penalty is beta times the mean over classes of |mean probability - share of the labels|. It belongs to the whole
    batch: a larger batch measures it better. Here a row's penalty is its part of that, beta times the mean over classes
    of (probability - label) with the sign of the class's gap, so that the mean of the rows is the penalty of the batch,
    and "sum" is n times it. Ignored rows do not take part, and rows count as the weights of their labels. All positions
    of (n, k, ...) are one batch. In distributed training it is the batch of each process, as in the paper's code.

    beta: at least 0. gamma: of a focal loss in place of cross entropy; 0 is cross entropy.
    weight, ignore_index, reduction: as for `Criterion`.
    Raises: TypeError, ValueError for invalid arguments.
    Source: Hebbalaguppe, Prakash, Madan, Arora, CVPR 2022.

    >>> criterion = MDCA(beta=1.0)
    >>> criterion.terms(torch.tensor([[0.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 0])).penalty
    tensor(0.5000)
    """

    def __init__(
        self,
        beta: float = 1.0,
        gamma: float = 0.0,
        *,
        weight: ClassWeights | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight=weight, ignore_index=ignore_index, reduction=reduction)
        self.beta = number("beta", beta, low=0.0)
        self.gamma = number("gamma", gamma, low=0.0)

    def batch_terms(self, logits: Tensor, labels: Tensor, counts: Counts) -> LossTerms:
        """The terms of each row of a batch, times the weight of its label."""
        return weighted(
            lambda given: mdca_terms(logits, given, beta=self.beta, gamma=self.gamma, counts=counts.rows),
            labels,
            counts,
        )

    def extra_repr(self) -> str:
        """The arguments."""
        return f"beta={self.beta:g}, gamma={self.gamma:g}, {super().extra_repr()}"


def mdca_terms(
    logits: Tensor,
    labels: Tensor,
    *,
    beta: Parameter,
    gamma: Parameter = 0.0,
    counts: Tensor | None = None,
    batch: tuple[int, ...] | None = None,
) -> LossTerms:
    """Cross entropy, or the focal loss, plus each row's part of the penalty of its batch; see `MDCA`.

    counts: as what each row counts in the batch, which broadcasts to the rows; None: as 1. batch: the axes of the rows
    that are a batch; None: all. The gradient of the sum, or of a sum weighted by counts, is that of the penalty.
    Source: Hebbalaguppe et al., CVPR 2022.

    >>> mdca_terms(torch.zeros(2, 2), torch.tensor([0, 0]), beta=1.0).penalty
    tensor([0.5000, 0.5000])
    """
    wide = at_least_float32(logits)
    base = focal_terms(wide, labels, gamma=gamma)
    surplus = _surplus(wide.softmax(-1), labels)
    signs = _signs(surplus.detach(), counts, batch)
    penalty = beta * (surplus * signs).mean(-1)
    return LossTerms(base.total + penalty, base.cross_entropy, base.penalty + penalty)


def mdca_gradient(
    logits: Tensor,
    labels: Tensor,
    *,
    beta: Parameter,
    gamma: Parameter = 0.0,
    counts: Tensor | None = None,
    batch: tuple[int, ...] | None = None,
) -> LossGradient:
    """The gradient of cross entropy, plus beta / k times p times what the sign of a class exceeds their mean.

    >>> mdca_gradient(torch.zeros(2, 2), torch.tensor([0, 0]), beta=1.0).gradient
    tensor([[-0.7500,  0.7500],
            [-0.7500,  0.7500]])
    """
    wide = at_least_float32(logits.detach())
    plain = not isinstance(gamma, Tensor) and gamma == 0.0
    base = cross_entropy_gradient(wide, labels) if plain else focal_gradient(wide, labels, gamma=gamma)
    probs = wide.softmax(-1)
    surplus = _surplus(probs, labels)
    signs = _signs(surplus, counts, batch)
    penalty = beta * (surplus * signs).mean(-1)
    pull = counted(beta / wide.shape[-1] * torch.ones_like(penalty), labels).unsqueeze(-1)
    gradient = base.gradient.add_((signs - (probs * signs).sum(-1, keepdim=True)).mul_(probs).mul_(pull))
    terms = LossTerms(base.terms.total + penalty, base.terms.cross_entropy, base.terms.penalty + penalty)
    return LossGradient(terms, gradient)


def _surplus(probs: Tensor, labels: Tensor) -> Tensor:
    """The probabilities minus the label; with soft labels, times their sum."""
    if is_soft(labels):
        labels = labels.to(probs.dtype)
        return probs * labels.sum(-1, keepdim=True) - labels
    place = class_index(labels, probs)
    return probs.scatter(-1, place, probs.gather(-1, place) - 1.0)


def _signs(surplus: Tensor, counts: Tensor | None, batch: tuple[int, ...] | None) -> Tensor:
    """The sign of each class's gap in the batch of a row: -1, 0 or 1."""
    if counts is not None:
        counts = counts.to(surplus.dtype).unsqueeze(-1)
        surplus = torch.where(counts == 0, 0.0, counts * surplus)
    return surplus.sum(tuple(range(surplus.ndim - 1)) if batch is None else batch, keepdim=True).sign()
