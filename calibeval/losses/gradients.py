"""The losses of rows with their gradients in closed form, for trainers without autograd.

Each function takes the arguments of its namesake in `calibeval.losses.terms`, and returns the terms of the rows and the
gradient of each row's total with respect to its logits, (..., k). The gradients agree with autograd, including ties,
masked classes and soft labels. Nothing is recorded for autograd.

On a CPU each needs only a few vectorised passes over the logits: one exponential, no arg-max, and no comparison that
creates a tensor of bool, which would take as long as ten sums.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from calibeval.losses.penalties import PENALTIES, Parameter
from calibeval.losses.terms import (
    LossTerms,
    at_least_float32,
    by_class,
    class_index,
    counted,
    difference,
    flsd_gamma,
    is_soft,
    miss,
    of_class,
    over_label,
    share_of_all,
)


class LossGradient(NamedTuple):
    """The terms of each row, (...), and the gradient of its total with respect to its logits, (..., k)."""

    terms: LossTerms
    gradient: Tensor


class RowValues(NamedTuple):
    """What the gradients have in common.

    probs: (..., k). top: the largest logit, (..., 1). top_loss: the negative log-probability of the top class, (...,
    1); for another class, add its distance to the top logit. cross_entropy: (...).
    """

    probs: Tensor
    top: Tensor
    top_loss: Tensor
    cross_entropy: Tensor


def cross_entropy_gradient(logits: Tensor, labels: Tensor) -> LossGradient:
    """The gradient is the probabilities minus the one-hot label.

    >>> cross_entropy_gradient(torch.tensor([[0.0, 0.0]]), torch.tensor([1])).gradient
    tensor([[ 0.5000, -0.5000]])
    """
    rows = row_values(at_least_float32(logits.detach()), labels)
    terms = LossTerms(rows.cross_entropy, rows.cross_entropy, torch.zeros_like(rows.cross_entropy))
    return LossGradient(terms, less_at(rows.probs, labels, 1.0))


def label_smoothing_gradient(logits: Tensor, labels: Tensor, *, alpha: Parameter, spread: str = "all") -> LossGradient:
    """The gradient is the probabilities minus the smoothed target.

    >>> label_smoothing_gradient(torch.tensor([[0.0, 0.0]]), torch.tensor([1]), alpha=0.1).gradient
    tensor([[ 0.4500, -0.4500]])
    """
    wide = at_least_float32(logits.detach())
    rows = row_values(wide, labels)
    k = wide.shape[-1]
    share = share_of_all(alpha, k, spread)
    distance = rows.top - wide
    target = torch.lt(distance, math.inf, out=torch.empty_like(distance))
    possible = target.sum(-1, keepdim=True)
    uniform = counted((finite_(distance).sum(-1) + (possible * rows.top_loss).squeeze(-1)) / k, labels)
    gradient = rows.probs.mul_(1.0 - by_class(share) + by_class(share) / k * possible)
    gradient.sub_(target.mul_(by_class(share) / k))
    penalty = share * (uniform - rows.cross_entropy)
    total = (1.0 - share) * rows.cross_entropy + share * uniform
    return LossGradient(LossTerms(total, rows.cross_entropy, penalty), less_at(gradient, labels, 1.0 - share))


def confidence_penalty_gradient(logits: Tensor, labels: Tensor, *, beta: Parameter) -> LossGradient:
    """The gradient is that of cross entropy, plus beta p (ln p + entropy).

    >>> confidence_penalty_gradient(torch.tensor([[0.0, 0.0]]), torch.tensor([1]), beta=0.1).gradient
    tensor([[ 0.5000, -0.5000]])
    """
    wide = at_least_float32(logits.detach())
    rows = row_values(wide, labels)
    distance = finite_(rows.top - wide)
    mean_distance = (rows.probs * distance).sum(-1, keepdim=True)
    penalty = counted(-beta * (mean_distance + rows.top_loss).squeeze(-1), labels)
    # ln p + entropy is the mean distance minus the distance of the class.
    factor = (mean_distance - distance).mul_(by_class(beta)).add_(1.0)
    return with_penalty(rows.cross_entropy, penalty, less_at(rows.probs.mul_(factor), labels, 1.0))


def focal_gradient(logits: Tensor, labels: Tensor, *, gamma: Parameter, alpha: float | Tensor = 1.0) -> LossGradient:
    """The gradient of cross entropy times (1 - p) ** gamma - gamma p (1 - p) ** (gamma - 1) ln p, p of the label.

    >>> focal_gradient(torch.tensor([[0.0, 0.0]]), torch.tensor([1]), gamma=1.0).gradient
    tensor([[ 0.4233, -0.4233]])
    """
    wide = at_least_float32(logits.detach())
    rows = row_values(wide, labels)
    if is_soft(labels):
        return _soft_focal(rows, each_loss(wide, rows), labels, by_class(gamma), alpha)
    return _focal(rows, labels, gamma, alpha)


def flsd_gradient(logits: Tensor, labels: Tensor) -> LossGradient:
    """The gradient is that of the focal loss with the gamma of each row.

    >>> flsd_gradient(torch.tensor([[0.0, 0.0]]), torch.tensor([1])).gradient
    tensor([[ 0.1925, -0.1925]])
    """
    wide = at_least_float32(logits.detach())
    rows = row_values(wide, labels)
    if is_soft(labels):
        each = each_loss(wide, rows)
        return _soft_focal(rows, each, labels, flsd_gamma(each))
    return _focal(rows, labels, flsd_gamma(rows.cross_entropy))


def mbls_gradient(logits: Tensor, labels: Tensor, *, margin: Parameter, alpha: Parameter) -> LossGradient:
    """The gradient of cross entropy, minus alpha / k at each class beyond the margin.

    The same amounts are added at the first top class.

    >>> mbls_gradient(torch.tensor([[8.0, 0.0]]), torch.tensor([0]), margin=6.0, alpha=0.1).gradient
    tensor([[ 0.0497, -0.0497]])
    """
    wide = at_least_float32(logits.detach())
    rows = row_values(wide, labels)
    excess = finite_((rows.top - wide).sub_(by_class(margin)).relu_())
    penalty = counted(alpha * excess.mean(-1), labels)
    pull = excess.sign_().mul_(by_class(alpha) / wide.shape[-1])
    gradient = plus_at_top(rows.probs.sub_(pull), wide, rows.top, pull.sum(-1, keepdim=True))
    return with_penalty(rows.cross_entropy, penalty, less_at(gradient, labels, 1.0))


def cals_gradient(
    logits: Tensor,
    labels: Tensor,
    *,
    margin: Parameter,
    lambd: Parameter,
    rho: Parameter,
    penalty: str = "phr",
    normalize: bool = True,
) -> LossGradient:
    """The gradient of cross entropy, minus the slope of the mean penalty at each class.

    The same amounts are added at the top classes, evenly.

    >>> logits, labels = torch.tensor([[9.0, 0.0]]), torch.tensor([0])
    >>> cals_gradient(logits, labels, margin=6.0, lambd=0.1, rho=1.0).gradient
    tensor([[ 0.0499, -0.0499]])
    """
    wide = at_least_float32(logits.detach())
    rows = row_values(wide, labels)
    k = wide.shape[-1]
    h = (rows.top - wide).sub_(by_class(margin))
    if normalize:
        h.div_(by_class(margin))
    rule = PENALTIES[penalty]
    pull = finite_(rule.slope(h, lambd, rho)).div_(by_class(margin) * k if normalize else k)
    value = counted(rule.value(finite_(h), lambd, rho).mean(-1), labels)
    tied = torch.eq(wide, rows.top, out=torch.empty_like(wide))
    tied.mul_(pull.sum(-1, keepdim=True) / tied.sum(-1, keepdim=True))
    gradient = rows.probs.sub_(pull).add_(tied)
    return with_penalty(rows.cross_entropy, value, less_at(gradient, labels, 1.0))


def row_values(wide: Tensor, labels: Tensor) -> RowValues:
    """The softmax of the logits, and values that follow from it."""
    probs = _softmax(wide)
    top = wide.amax(-1, keepdim=True)
    # The top class has a p of at least 1 / k, so its logarithm is accurate even if that of the label's p is not.
    top_loss = -probs.amax(-1, keepdim=True).log()
    if is_soft(labels):
        # A masked class has an infinite distance, which counts 0 times where the label has 0: that is not a number.
        distance = (top - wide).mul_(labels).nan_to_num_(nan=0.0, posinf=math.inf).sum(-1)
        cross_entropy = distance + counted(top_loss.squeeze(-1), labels)
    else:
        cross_entropy = (top - wide.gather(-1, class_index(labels, wide)) + top_loss).squeeze(-1)
    return RowValues(probs, top, top_loss, cross_entropy)


def _softmax(wide: Tensor) -> Tensor:
    """The softmax over the classes; logits that lie class by class in memory stay so, while torch would copy them."""
    if wide.ndim > 1 and wide.stride(-1) != 1 and wide.stride(0) == 1:
        return torch.softmax(wide.transpose(0, -1), dim=0).transpose(0, -1)
    return torch.softmax(wide, dim=-1)


def each_loss(wide: Tensor, rows: RowValues) -> Tensor:
    """The negative log-probability of every class, (..., k)."""
    return (rows.top - wide).add_(rows.top_loss)


def finite_(values: Tensor) -> Tensor:
    """The values, changed in place: 0 instead of inf, which marks masked classes."""
    return values.nan_to_num_(nan=math.nan, posinf=0.0)


def plus_at_top(scores: Tensor, wide: Tensor, top: Tensor, amount: Tensor) -> Tensor:
    """The scores, changed in place: the amount is added at the first of the largest logits of each row."""
    tied = torch.eq(wide, top, out=torch.empty_like(wide))
    if wide.device.type == "cpu" and float(tied.sum(-1).amax()) <= 1:  # no ties; a GPU would have to be waited for
        return scores.addcmul_(tied, amount)
    k = wide.shape[-1]
    place = tied.mul_(-k).add_(torch.arange(k, dtype=wide.dtype, device=wide.device))
    return plus_at(scores, place.amin(-1, keepdim=True).long().remainder_(k), amount)


def less_at(scores: Tensor, labels: Tensor, amount: Parameter) -> Tensor:
    """The scores, changed in place: the amount is subtracted at each row's label.

    With soft labels: the scores times the sum of the label, minus the amount times the label.
    """
    if is_soft(labels):
        labels = labels.to(scores.dtype)
        return scores.mul_(labels.sum(-1, keepdim=True)).sub_(labels * by_class(amount))
    return plus_at(scores, class_index(labels, scores), -by_class(amount))


def plus_at(scores: Tensor, index: Tensor, amount: Parameter) -> Tensor:
    """The scores, changed in place: the amount is added at one class of each row. Deterministic on every device."""
    if isinstance(amount, float) and scores.device.type == "cpu":
        return scores.scatter_(-1, index, amount, reduce="add")
    return scores.scatter_(-1, index, (scores.gather(-1, index) + amount).to(scores.dtype))


def with_penalty(cross_entropy: Tensor, penalty: Tensor, gradient: Tensor) -> LossGradient:
    """The gradient, with the terms of a loss that is the sum of cross entropy and a penalty."""
    return LossGradient(LossTerms(cross_entropy + penalty, cross_entropy, penalty), gradient)


def _focal(rows: RowValues, labels: Tensor, gamma: Parameter, alpha: float | Tensor = 1.0) -> LossGradient:
    factor, slope = _focal_slope(rows.cross_entropy, gamma, of_class(alpha, labels))
    total = factor * rows.cross_entropy
    gradient = less_at(rows.probs, labels, 1.0).mul_(slope.unsqueeze(-1))
    return LossGradient(LossTerms(total, rows.cross_entropy, difference(total, rows.cross_entropy)), gradient)


def _soft_focal(
    rows: RowValues, each: Tensor, labels: Tensor, gamma: Parameter, alpha: float | Tensor = 1.0
) -> LossGradient:
    """The focal loss of soft labels. each: the negative log-probability of every class; gamma broadcasts to it."""
    factor, slope = _focal_slope(each, gamma, alpha)
    total = over_label(factor.mul_(each), labels)
    terms = LossTerms(total, rows.cross_entropy, difference(total, rows.cross_entropy))
    return LossGradient(terms, less_at(rows.probs, slope.mul_(labels), 1.0))


def _focal_slope(loss: Tensor, gamma: Parameter, alpha: float | Tensor) -> tuple[Tensor, Tensor]:
    """The factor alpha (1 - p) ** gamma, and the slope of that times the loss by the loss, -ln p."""
    missed = miss(loss)
    factor = missed**gamma * alpha
    # p ln p is 0 if p is 0, although its logarithm is infinite.
    inner = (torch.exp(-loss) * loss).nan_to_num(nan=0.0)
    return factor, factor + alpha * gamma * missed ** (gamma - 1.0) * inner
