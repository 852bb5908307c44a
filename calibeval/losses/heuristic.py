"""CALS-HR, the heuristic rule that the paper of CALS compares with: its rows, their gradient, and the torch module."""

from __future__ import annotations

from torch import Tensor

from calibeval.losses.arguments import ClassWeights, number, whole_number
from calibeval.losses.gradients import LossGradient, cross_entropy_gradient, plus_at_top
from calibeval.losses.held_out import HeldOutCriterion, start
from calibeval.losses.penalties import Parameter
from calibeval.losses.rules import HeuristicRule
from calibeval.losses.terms import LossTerms, at_least_float32, counted, excess, is_soft, log_probs, of_labels


class CALSHR(HeldOutCriterion):
    """Cross entropy plus the penalty of MbLS with a strength for each class, which a simple rule adapts (CALS-HR).

    The penalty is the mean over rows and classes of lambd times max(0, d - margin), where d is the distance of a
    class's logit to the top logit of its row, and lambd is the multiplier of the class. Call `update` with held-out
    logits after every training epoch: a class whose mean penalty there grew gets a larger lambd, one whose penalty fell
    a smaller one.

    num_classes: k, at least 2. margin: in units of the logits, at least 0. lambd_init: initial value for all classes.
    lambd_min, lambd_max: bounds. lambd_step: number of epochs between changes. gamma: factor of at least 1 by which
    lambd grows if the penalty is more than tau times that of the previous epoch, and falls if it is less than that over
    tau. tau: at least 1. weight, ignore_index, reduction: as for `Criterion`.

    The state is in `state_dict`: the buffers `lambd` and `mean_penalty` (of the last update), (k,) each, and `epoch`,
    the number of updates. A run that loads it continues as if it had never stopped.
    Raises: TypeError, ValueError for invalid arguments, and for logits with another number of classes.
    Source: Liu, Rony, Galdran, Dolz, Ben Ayed, CVPR 2023, and its code (LogitMarginPlus), whose alpha is lambd_init.

    >>> import torch
    >>> criterion = CALSHR(num_classes=2, margin=6.0)
    >>> criterion.update([torch.tensor([[8.0, 0.0]])])
    >>> criterion.update([torch.tensor([[9.0, 0.0]])])
    >>> criterion.lambd
    tensor([0.1000, 0.1100])
    """

    mean_penalty: Tensor

    def __init__(
        self,
        num_classes: int,
        margin: float = 10.0,
        lambd_init: float = 0.1,
        lambd_min: float = 1e-6,
        lambd_max: float = 1e6,
        lambd_step: int = 1,
        gamma: float = 1.1,
        tau: float = 1.1,
        *,
        weight: ClassWeights | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        rule = HeuristicRule(
            lambd_min=number("lambd_min", lambd_min, low=0.0),
            lambd_max=number("lambd_max", lambd_max, low=0.0, above=True),
            lambd_step=whole_number("lambd_step", lambd_step, low=1),
            gamma=number("gamma", gamma, low=1.0),
            tau=number("tau", tau, low=1.0),
        )
        lambd = start("lambd", number("lambd_init", lambd_init, low=0.0), rule.lambd_min, rule.lambd_max)
        super().__init__(
            num_classes,
            margin,
            rule,
            {"lambd": lambd},
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
        )

    def row_terms(self, logits: Tensor, labels: Tensor) -> LossTerms:
        """The terms of each row, with the current multipliers."""
        self._check(logits, classes=logits.shape[-1])
        return cals_hr_terms(logits, labels, margin=self.margin, **self._multipliers(logits))


def cals_hr_terms(logits: Tensor, labels: Tensor, *, margin: Parameter, lambd: Parameter) -> LossTerms:
    """Cross entropy plus the mean over classes of lambd times max(0, distance to the top logit - margin).

    lambd: the multiplier of each class, a number or a tensor that broadcasts to the logits: (k,), or (c, 1, k) for c
    candidates. If several logits are the largest, only the first gets the gradient of the top logit.
    Source: Liu et al., CVPR 2023, and its code.

    >>> import torch
    >>> lambd = torch.tensor([0.5, 0.1])
    >>> cals_hr_terms(torch.tensor([[8.0, 0.0]]), torch.tensor([0]), margin=6.0, lambd=lambd).penalty
    tensor([0.1000])
    """
    wide = at_least_float32(logits)
    cross_entropy = of_labels(log_probs(wide), labels)
    penalty = counted((lambd * excess(wide, wide.max(-1, keepdim=True).values, margin)).mean(-1), labels)
    return LossTerms(cross_entropy + penalty, cross_entropy, penalty)


def cals_hr_gradient(logits: Tensor, labels: Tensor, *, margin: Parameter, lambd: Parameter) -> LossGradient:
    """The gradient of cross entropy, minus lambd / k at each class beyond the margin.

    The same amounts are added at the first top class.

    >>> import torch
    >>> cals_hr_gradient(torch.tensor([[8.0, 0.0]]), torch.tensor([0]), margin=6.0, lambd=0.1).gradient
    tensor([[ 0.0497, -0.0497]])
    """
    wide = at_least_float32(logits.detach())
    terms, gradient = cross_entropy_gradient(wide, labels)
    top = wide.amax(-1, keepdim=True)
    beyond = excess(wide, top, margin)
    penalty = counted((lambd * beyond).mean(-1), labels)
    pull = beyond.sign_().mul_(lambd / wide.shape[-1])
    if is_soft(labels):
        pull.mul_(labels.sum(-1, keepdim=True))
    gradient = plus_at_top(gradient.sub_(pull), wide, top, pull.sum(-1, keepdim=True))
    return LossGradient(LossTerms(terms.cross_entropy + penalty, terms.cross_entropy, penalty), gradient)
