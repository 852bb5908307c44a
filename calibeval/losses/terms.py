"""The losses as functions of rows: from logits (..., k) and labels (...) to one loss per row.

Labels are whole numbers in [0, k) that broadcast to the rows, or soft labels of a floating type, (..., k): the
probability of each class, which broadcast to the logits. A soft label counts as often as its sum says: one that sums to
2 doubles the loss of its row. One-hot labels give what class numbers give.

Parameters are numbers, or tensors that broadcast to the rows: with logits (c, n, k) of c candidates, labels (n,) and
margin (c, 1), each candidate has its own margin. The caller takes the mean over rows and handles ignored rows: give an
ignored row any class, and drop its loss.

float16 and bfloat16 logits are computed in float32, others in their own precision. A class with the logit -inf is
masked: it adds nothing to any penalty and gets no gradient, but still counts in k. If the label itself is masked, the
loss is inf, as in torch; a row of -inf only has no probabilities and gives NaN.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from calibeval.losses.penalties import PENALTIES, Parameter

LOW_PRECISION = (torch.float16, torch.bfloat16)
NO_POWER = -100.0  # if ln p is below this, any power of (1 - p) is exactly 1 in floating point
FLSD_BORDER = 0.2
FLSD_BELOW, FLSD_ABOVE = 5.0, 3.0


class LossTerms(NamedTuple):
    """A loss, its cross entropy, and what the method adds to it: total = cross_entropy + penalty. In nats.

    The penalty is negative if the loss is smaller than cross entropy, as for the focal loss.
    """

    total: Tensor
    cross_entropy: Tensor
    penalty: Tensor


def cross_entropy_terms(logits: Tensor, labels: Tensor) -> LossTerms:
    """Cross entropy: the negative log-probability of the label.

    >>> cross_entropy_terms(torch.tensor([[0.0, 0.0]]), torch.tensor([1])).total
    tensor([0.6931])
    """
    cross_entropy = of_labels(log_probs(logits), labels)
    return LossTerms(cross_entropy, cross_entropy, torch.zeros_like(cross_entropy))


def label_smoothing_terms(logits: Tensor, labels: Tensor, *, alpha: Parameter, spread: str = "all") -> LossTerms:
    """Cross entropy with a smoothed target: 1 - alpha for the label, and alpha spread evenly.

    spread: "all" gives every class alpha / k, so the label has 1 - alpha + alpha / k; "others" gives every other class
    alpha / (k - 1), so the label has 1 - alpha.
    Source: Szegedy et al., CVPR 2016; Müller et al., NeurIPS 2019.

    >>> label_smoothing_terms(torch.tensor([[0.0, 0.0], [3.0, 0.0]]), torch.tensor([1, 0]), alpha=0.1).penalty
    tensor([0.0000, 0.1500])
    """
    logs = log_probs(logits)
    share = share_of_all(alpha, logits.shape[-1], spread)
    cross_entropy = of_labels(logs, labels)
    uniform = counted(-unmasked(logs).sum(-1) / logits.shape[-1], labels)
    return LossTerms((1.0 - share) * cross_entropy + share * uniform, cross_entropy, share * (uniform - cross_entropy))


def weighted_smoothing_terms(
    logits: Tensor, labels: Tensor, weight: Tensor, *, alpha: Parameter, spread: str = "all"
) -> LossTerms:
    """Label smoothing with a weight (k,) for each class of the smoothed target, as in torch.

    >>> logits, labels = torch.tensor([[3.0, 0.0]]), torch.tensor([0])
    >>> weighted_smoothing_terms(logits, labels, torch.tensor([1.0, 2.0]), alpha=0.1).total
    tensor([0.3510])
    """
    logs = log_probs(logits)
    share = share_of_all(alpha, logits.shape[-1], spread)
    cross_entropy = of_labels(logs, labels * weight) if is_soft(labels) else of_labels(logs, labels) * weight[labels]
    uniform = counted(-(unmasked(logs) * weight).sum(-1) / logits.shape[-1], labels)
    return LossTerms((1.0 - share) * cross_entropy + share * uniform, cross_entropy, share * (uniform - cross_entropy))


def confidence_penalty_terms(logits: Tensor, labels: Tensor, *, beta: Parameter) -> LossTerms:
    """Cross entropy minus beta times the entropy of the probabilities, summed over classes.

    Source: Pereyra et al., ICLR 2017 workshop. The code published with MbLS uses the mean over classes, so its alpha is
    beta times k.

    >>> confidence_penalty_terms(torch.tensor([[0.0, 0.0]]), torch.tensor([1]), beta=0.1).penalty
    tensor([-0.0693])
    """
    logs = log_probs(logits)
    cross_entropy = of_labels(logs, labels)
    penalty = counted(beta * (logs.exp() * unmasked(logs)).sum(-1), labels)
    return LossTerms(cross_entropy + penalty, cross_entropy, penalty)


def focal_terms(logits: Tensor, labels: Tensor, *, gamma: Parameter, alpha: float | Tensor = 1.0) -> LossTerms:
    """Cross entropy times alpha (1 - p) ** gamma, where p is the probability of the label.

    alpha: a number, or (k,): one for each class as the label.
    With soft labels, the loss is the mean over the classes, weighted by the label.
    Source: Lin et al., ICCV 2017; Mukhoti et al., NeurIPS 2020.

    >>> focal_terms(torch.tensor([[0.0, 0.0]]), torch.tensor([1]), gamma=3.0).total
    tensor([0.0866])
    """
    each = each_label(log_probs(logits), labels)
    gamma = by_class(gamma) if is_soft(labels) else gamma
    return _scaled(miss(each) ** gamma * of_class(alpha, labels), each, labels)


def flsd_terms(logits: Tensor, labels: Tensor) -> LossTerms:
    """The focal loss with gamma 5 if the label's probability is below 0.2, else 3.

    The gradient treats gamma as a constant. Source: Mukhoti et al., NeurIPS 2020 (FLSD-53).

    >>> flsd_terms(torch.tensor([[0.0, 0.0], [0.0, 2.0]]), torch.tensor([1, 0])).total
    tensor([0.0866, 1.1275])
    """
    each = each_label(log_probs(logits), labels)
    return _scaled(miss(each) ** flsd_gamma(each), each, labels)


def mbls_terms(logits: Tensor, labels: Tensor, *, margin: Parameter, alpha: Parameter) -> LossTerms:
    """Cross entropy plus alpha times the mean over classes of max(0, distance to the top logit - margin).

    If several logits are the largest, only the first gets the gradient of the top logit. A distance equal to the margin
    has no gradient.
    Source: Liu et al., CVPR 2022.

    >>> mbls_terms(torch.tensor([[8.0, 0.0]]), torch.tensor([0]), margin=6.0, alpha=0.1).penalty
    tensor([0.1000])
    """
    wide = at_least_float32(logits)
    cross_entropy = of_labels(log_probs(wide), labels)
    penalty = counted(alpha * excess(wide, wide.max(-1, keepdim=True).values, margin).mean(-1), labels)
    return LossTerms(cross_entropy + penalty, cross_entropy, penalty)


def cals_terms(
    logits: Tensor,
    labels: Tensor,
    *,
    margin: Parameter,
    lambd: Parameter,
    rho: Parameter,
    penalty: str = "phr",
    normalize: bool = True,
) -> LossTerms:
    """Cross entropy plus the mean over classes of an augmented Lagrangian penalty for distance <= margin.

    lambd, rho: multiplier and penalty weight of each class, numbers or tensors that broadcast to the logits: (k,), or
    (c, 1, k) for c candidates. penalty: a key of `calibeval.losses.penalties.PENALTIES`. normalize: whether the
    constraint is (distance - margin) / margin. Equal top logits share their gradient evenly.
    Source: Liu et al., CVPR 2023.

    >>> cals_terms(torch.tensor([[9.0, 0.0]]), torch.tensor([0]), margin=6.0, lambd=0.1, rho=1.0).penalty
    tensor([0.0850])
    """
    wide = at_least_float32(logits)
    cross_entropy = of_labels(log_probs(wide), labels)
    h = constraint(wide, margin=margin, normalize=normalize).nan_to_num(nan=math.nan, posinf=0.0)
    value = PENALTIES[penalty].value(h, lambd, rho).mean(-1)  # which is 0 at h = 0, for masked classes
    value = counted(value, labels)
    return LossTerms(cross_entropy + value, cross_entropy, value)


def constraint(logits: Tensor, *, margin: Parameter, normalize: bool = True) -> Tensor:
    """How far each class is beyond the margin: distance - margin, over margin if normalize; inf if masked.

    >>> constraint(torch.tensor([[9.0, 0.0]]), margin=6.0)
    tensor([[-1.0000,  0.5000]])
    """
    wide = at_least_float32(logits)
    beyond = wide.amax(-1, keepdim=True) - wide - by_class(margin)
    return beyond / by_class(margin) if normalize else beyond


def excess(wide: Tensor, top: Tensor, margin: Parameter) -> Tensor:
    """How far each class is beyond the margin; 0 within it, and if masked. top: the largest logit, (..., 1).

    >>> excess(torch.tensor([[9.0, 7.0, 1.0]]), torch.tensor([[9.0]]), 6.0)
    tensor([[0., 0., 2.]])
    """
    return torch.relu(top - wide - by_class(margin)).nan_to_num(nan=math.nan, posinf=0.0)


def at_least_float32(logits: Tensor) -> Tensor:
    """The logits in float32 if they are float16 or bfloat16, else unchanged.

    A loss should call it once: the gradients of two casts would be added in the low precision.
    """
    return logits.float() if logits.dtype in LOW_PRECISION else logits


def log_probs(logits: Tensor) -> Tensor:
    """The log-probabilities of the classes on the last axis."""
    return torch.log_softmax(at_least_float32(logits), dim=-1)


def class_index(labels: Tensor, scores: Tensor) -> Tensor:
    """The labels as an index into the last axis of scores, one for each row."""
    return labels.expand(scores.shape[:-1]).unsqueeze(-1)


def is_soft(labels: Tensor) -> bool:
    """Whether the labels are probabilities of the classes, (..., k), instead of class numbers, (...)."""
    return bool(labels.is_floating_point())


def of_labels(logs: Tensor, labels: Tensor) -> Tensor:
    """The negative log-probability of each row's label; the mean over the classes, weighted by a soft label."""
    each = each_label(logs, labels)
    return over_label(each, labels) if is_soft(labels) else each


def each_label(logs: Tensor, labels: Tensor) -> Tensor:
    """The negative log-probability of each row's label, (...); with soft labels that of each class, (..., k)."""
    return -logs if is_soft(labels) else -logs.gather(-1, class_index(labels, logs)).squeeze(-1)


def over_label(each: Tensor, labels: Tensor) -> Tensor:
    """The sum over the classes of values (..., k), weighted by soft labels; infinite values of weight 0 add nothing."""
    labels = labels.to(each.dtype)
    return (labels * each.masked_fill((labels == 0) & each.isinf(), 0.0)).sum(-1)


def of_class(values: float | Tensor, labels: Tensor) -> float | Tensor:
    """The value of each label, from a number or values (k,); with soft labels those of the classes."""
    return values if is_soft(labels) or not isinstance(values, Tensor) else values[labels]


def counted(values: Tensor, labels: Tensor) -> Tensor:
    """The values of the rows, (...), times the sum of each row's label, which is 1 for class numbers."""
    return values * labels.to(values.dtype).sum(-1) if is_soft(labels) else values


def by_class(parameter: Parameter) -> Parameter:
    """A parameter per row with an additional axis, so that it broadcasts over the classes."""
    return parameter.unsqueeze(-1) if isinstance(parameter, Tensor) else parameter


def unmasked(logs: Tensor) -> Tensor:
    """The log-probabilities, with 0 for masked classes."""
    return logs.nan_to_num(nan=math.nan, posinf=math.inf, neginf=0.0)


def share_of_all(alpha: Parameter, k: int, spread: str) -> Parameter:
    """The alpha that gives the same target if it is spread over all k classes.

    >>> share_of_all(0.375, 4, "others")
    0.5
    """
    return alpha if spread == "all" else alpha * k / (k - 1)


def miss(cross_entropy: Tensor) -> Tensor:
    """1 - p for the label, from -ln p; always slightly above 0, so that no power below 1 has an infinite slope."""
    return (-torch.expm1((-cross_entropy).clamp(min=NO_POWER))).clamp(min=torch.finfo(cross_entropy.dtype).tiny)


def flsd_gamma(cross_entropy: Tensor) -> Tensor:
    """The gamma for a label, from its -ln p."""
    below = torch.exp(-cross_entropy.detach()) < FLSD_BORDER
    return torch.where(below, FLSD_BELOW, FLSD_ABOVE).to(cross_entropy.dtype)


def _scaled(factor: Tensor, each: Tensor, labels: Tensor) -> LossTerms:
    """The terms of a loss that is cross entropy times a factor. each: the -ln p of `each_label`."""
    parts = (factor * each, each)
    total, cross_entropy = (over_label(part, labels) for part in parts) if is_soft(labels) else parts
    return LossTerms(total, cross_entropy, difference(total, cross_entropy))


def difference(total: Tensor, cross_entropy: Tensor) -> Tensor:
    """The total minus the cross entropy; 0 if both are infinite."""
    return torch.where(total == cross_entropy, 0.0, total - cross_entropy)
