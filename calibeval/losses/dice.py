"""Margin-based label smoothing with soft Dice: of whole images, with its gradient, as a torch module."""

from __future__ import annotations

import torch
from torch import Tensor

from calibeval.losses.arguments import ClassWeights, flag, number
from calibeval.losses.criterion import Counts, Criterion, weighted
from calibeval.losses.gradients import LossGradient, mbls_gradient
from calibeval.losses.penalties import Parameter
from calibeval.losses.terms import LossTerms, at_least_float32, by_class, class_index, is_soft, mbls_terms


class MbLSDice(Criterion):
    """The loss of MbLS plus soft Dice: cross entropy, a penalty on logits beyond a margin, and the overlap of classes.

    Soft Dice of a class is 1 - (2 sum(p y) + smooth) / (sum(p) + sum(y) + smooth), with sums over the positions of an
    image; it is averaged over the classes, and then over the images. A class that an image lacks costs nearly 1 unless
    its probabilities are nearly 0. Ignored rows do not take part, images of ignored rows only do not count, and rows
    count as the weights of their labels. Logits (n, k) without positions are one image. The Dice of a row is that of
    its image, so "sum" is the number of rows times the mean.

    margin, alpha: as for `MbLS`; with alpha 0 the loss is cross entropy plus Dice. dice: the factor of Dice, at least
    0. background: whether class 0 takes part in Dice. smooth: above 0; keeps the quotient defined.
    weight, ignore_index, reduction: as for `Criterion`.
    Raises: TypeError, ValueError for invalid arguments.
    Source: Murugesan, Liu, Galdran, Ben Ayed, Dolz, Medical Image Analysis 2023; the defaults are those of its code.

    >>> criterion = MbLSDice(margin=6.0, alpha=0.1)
    >>> criterion.terms(torch.zeros(1, 2, 4), torch.tensor([[0, 0, 1, 1]])).penalty
    tensor(0.5000)
    """

    def __init__(
        self,
        margin: float = 10.0,
        alpha: float = 0.1,
        dice: float = 1.0,
        background: bool = False,
        smooth: float = 1e-5,
        *,
        weight: ClassWeights | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight=weight, ignore_index=ignore_index, reduction=reduction)
        self.margin = number("margin", margin, low=0.0)
        self.alpha = number("alpha", alpha, low=0.0)
        self.dice = number("dice", dice, low=0.0)
        self.background = flag("background", background)
        self.smooth = number("smooth", smooth, low=0.0, above=True)

    def batch_terms(self, logits: Tensor, labels: Tensor, counts: Counts) -> LossTerms:
        """The terms of each row of a batch, times the weight of its label."""
        rows = counts.rows.to(torch.promote_types(logits.dtype, torch.float32))
        axes = (0,) if rows.ndim == 1 else tuple(range(1, rows.ndim))
        worth = rows * over_classes(labels, counts.weight) if is_soft(labels) else rows
        share = image_shares(worth.sum(axes, keepdim=True))
        return weighted(
            lambda given: mbls_dice_terms(
                logits,
                given,
                margin=self.margin,
                alpha=self.alpha,
                dice=self.dice * share,
                background=self.background,
                smooth=self.smooth,
                counts=rows,
                batch=axes,
            ),
            labels,
            counts,
        )

    def extra_repr(self) -> str:
        """The arguments."""
        own = f"dice={self.dice:g}, background={self.background}, smooth={self.smooth:g}"
        return f"margin={self.margin:g}, alpha={self.alpha:g}, {own}, {super().extra_repr()}"


def over_classes(labels: Tensor, weight: Tensor | None) -> Tensor:
    """The sum of soft labels over the classes, each times its weight."""
    return labels.sum(-1) if weight is None else labels @ weight.to(labels.dtype)


def image_shares(counts: Tensor) -> Tensor:
    """Factors of images of so many rows, so that the mean over all rows counts every image alike; 0 for empty images.

    >>> image_shares(torch.tensor([1.0, 3.0, 0.0]))
    tensor([2.0000, 0.6667, 0.0000])
    """
    there = counts > 0
    each = counts.sum() / torch.where(there.any(), there.sum(), 1)
    return torch.where(there, each / torch.where(there, counts, 1.0), 0.0)


def mbls_dice_terms(
    logits: Tensor,
    labels: Tensor,
    *,
    margin: Parameter,
    alpha: Parameter,
    dice: Parameter = 1.0,
    background: bool = False,
    smooth: Parameter = 1e-5,
    counts: Tensor | None = None,
    batch: tuple[int, ...] | None = None,
) -> LossTerms:
    """The terms of MbLS, plus the Dice of each row's image; see `MbLSDice`.

    counts: as what each row counts in the sums, which broadcasts to the rows; None: as 1. batch: the axes of the rows
    that are an image; None: all.
    Source: Murugesan et al., Medical Image Analysis 2023.

    >>> mbls_dice_terms(torch.zeros(2, 2), torch.tensor([0, 1]), margin=6.0, alpha=0.1).penalty
    tensor([0.5000, 0.5000])
    """
    wide = at_least_float32(logits)
    base = mbls_terms(wide, labels, margin=margin, alpha=alpha)
    overlap = _Overlap(wide.softmax(-1), labels, background, smooth, counts, batch)
    penalty = base.penalty + dice * overlap.missed() * overlap.worth
    return LossTerms(base.cross_entropy + penalty, base.cross_entropy, penalty)


def mbls_dice_gradient(
    logits: Tensor,
    labels: Tensor,
    *,
    margin: Parameter,
    alpha: Parameter,
    dice: Parameter = 1.0,
    background: bool = False,
    smooth: Parameter = 1e-5,
    counts: Tensor | None = None,
    batch: tuple[int, ...] | None = None,
) -> LossGradient:
    """The gradient of MbLS, plus p times what the slope of Dice by p exceeds its mean, weighted by p.

    As for MDCA, the gradient of the sum of the rows, or of a sum weighted by counts, is that of the loss.

    >>> mbls_dice_gradient(torch.zeros(2, 2), torch.tensor([0, 1]), margin=6.0, alpha=0.1).gradient
    tensor([[-0.6250,  0.6250],
            [ 0.8750, -0.8750]])
    """
    wide = at_least_float32(logits.detach())
    base = mbls_gradient(wide, labels, margin=margin, alpha=alpha)
    probs = wide.softmax(-1)
    overlap = _Overlap(probs, labels, background, smooth, counts, batch)
    missed = dice * overlap.missed() * overlap.worth
    slope = overlap.slope().mul_(by_class(dice) * overlap.rows.unsqueeze(-1))
    gradient = base.gradient.add_((slope - (probs * slope).sum(-1, keepdim=True)).mul_(probs))
    penalty = base.terms.penalty + missed
    return LossGradient(LossTerms(base.terms.cross_entropy + penalty, base.terms.cross_entropy, penalty), gradient)


class _Overlap:
    """The sums over images that soft Dice consists of.

    worth: the sum of each row's label, (...), which is 1 for class numbers. rows: how many rows an image has, with 1 on
    its axes.
    """

    def __init__(
        self,
        probs: Tensor,
        labels: Tensor,
        background: bool,
        smooth: Parameter,
        counts: Tensor | None,
        batch: tuple[int, ...] | None,
    ) -> None:
        self._axes = tuple(range(probs.ndim - 1)) if batch is None else batch
        self._first = 0 if background else 1
        self._truth = labels.to(probs.dtype) if is_soft(labels) else _one_hot(labels, probs)
        self.worth = self._truth.sum(-1)
        weight = torch.ones_like(self.worth) if counts is None else counts.to(probs.dtype).expand(self.worth.shape)
        there, each = weight != 0, (weight * self.worth).unsqueeze(-1)
        self.rows = torch.where(there, each.squeeze(-1), 0.0).sum(self._axes, keepdim=True)
        kept, weight = there.unsqueeze(-1), weight.unsqueeze(-1)
        found = torch.where(kept, each * probs, 0.0).sum(self._axes, keepdim=True)
        true = torch.where(kept, weight * self._truth, 0.0).sum(self._axes, keepdim=True)
        both = torch.where(kept, weight * self._truth * probs, 0.0).sum(self._axes, keepdim=True)
        self._shared = 2.0 * both + by_class(smooth)
        self._all = found + true + by_class(smooth)

    def missed(self) -> Tensor:
        """Soft Dice as a loss: the mean over the classes, of each image."""
        return 1.0 - (self._shared / self._all)[..., self._first :].mean(-1)

    def slope(self) -> Tensor:
        """The slope of `missed` by the probabilities of a row, (..., k), for a row that counts as 1."""
        found = (self._shared / self._all * self.worth.unsqueeze(-1) - 2.0 * self._truth) / self._all
        found[..., : self._first] = 0.0
        return found.div_(found.shape[-1] - self._first)


def _one_hot(labels: Tensor, probs: Tensor) -> Tensor:
    """The labels as soft labels, (..., k)."""
    return torch.zeros_like(probs).scatter_(-1, class_index(labels, probs), 1.0)
