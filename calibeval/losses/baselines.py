"""Cross entropy and the other losses that MbLS and CALS are compared with, as torch modules."""

from __future__ import annotations

from torch import Tensor

from calibeval.losses.arguments import ClassWeights, choice, class_weights, number
from calibeval.losses.criterion import Counts, Criterion, fitting
from calibeval.losses.terms import (
    LossTerms,
    confidence_penalty_terms,
    cross_entropy_terms,
    flsd_terms,
    focal_terms,
    label_smoothing_terms,
    weighted_smoothing_terms,
)

SPREADS = ("all", "others")


class CrossEntropy(Criterion):
    """Cross entropy: the negative log-probability of the label, in nats; at least 0.

    weight, ignore_index, reduction: as for `Criterion`, like the logits and labels of a call.

    >>> import torch
    >>> CrossEntropy()(torch.tensor([[0.0, 0.0], [5.0, 0.0]]), torch.tensor([1, -100]))
    tensor(0.6931)
    """

    def row_terms(self, logits: Tensor, labels: Tensor) -> LossTerms:
        """The terms of each row."""
        return cross_entropy_terms(logits, labels)


class LabelSmoothing(Criterion):
    """Cross entropy with a softened target.

    alpha: the part of the target that is spread evenly, in [0, 1]. spread: "all" spreads it over all k classes,
    including the label; "others" over the k - 1 other classes. Class weights weight every class of the target, as in
    torch: also those that the label smoothing adds. weight, ignore_index, reduction: as for `Criterion`.
    Raises: TypeError, ValueError for invalid arguments.
    Source: Szegedy et al., CVPR 2016; Müller et al., NeurIPS 2019.

    >>> import torch
    >>> LabelSmoothing(alpha=0.1)(torch.tensor([[3.0, 0.0]]), torch.tensor([0]))
    tensor(0.1986)
    """

    def __init__(
        self,
        alpha: float = 0.05,
        spread: str = "all",
        *,
        weight: ClassWeights | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight=weight, ignore_index=ignore_index, reduction=reduction)
        self.alpha = number("alpha", alpha, low=0.0, high=1.0)
        self.spread = choice("spread", spread, SPREADS)

    def row_terms(self, logits: Tensor, labels: Tensor) -> LossTerms:
        """The terms of each row."""
        return label_smoothing_terms(logits, labels, alpha=self.alpha, spread=self.spread)

    def batch_terms(self, logits: Tensor, labels: Tensor, counts: Counts) -> LossTerms:
        """The terms of each row, with the weight of each class in the target."""
        if counts.weight is None:
            return self.row_terms(logits, labels)
        return weighted_smoothing_terms(logits, labels, counts.weight, alpha=self.alpha, spread=self.spread)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"alpha={self.alpha:g}, spread={self.spread!r}, {super().extra_repr()}"


class ConfidencePenalty(Criterion):
    """Cross entropy minus beta times the entropy of the predicted probabilities (ECP), in nats.

    beta: at least 0. The entropy is a sum over classes, as in the paper; the code published with MbLS uses the mean, so
    its alpha is beta times k. weight, ignore_index, reduction: as for `Criterion`.
    Raises: TypeError, ValueError for invalid arguments.
    Source: Pereyra et al., ICLR 2017 workshop.

    >>> import torch
    >>> ConfidencePenalty(beta=0.1)(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    tensor(0.6238)
    """

    def __init__(
        self,
        beta: float = 0.1,
        *,
        weight: ClassWeights | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight=weight, ignore_index=ignore_index, reduction=reduction)
        self.beta = number("beta", beta, low=0.0)

    def row_terms(self, logits: Tensor, labels: Tensor) -> LossTerms:
        """The terms of each row."""
        return confidence_penalty_terms(logits, labels, beta=self.beta)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"beta={self.beta:g}, {super().extra_repr()}"


class FocalLoss(Criterion):
    """Cross entropy times (1 - p) ** gamma, where p is the probability of the label.

    gamma: at least 0; 0 gives cross entropy. alpha: a factor for the loss, at least 0, or (k,) of them: one for each
    class as the label. Unlike weight, it does not change what the mean divides by. With soft labels the loss is the
    mean over the classes, weighted by the label. weight, ignore_index, reduction: as for `Criterion`.
    Raises: TypeError, ValueError for invalid arguments.
    Source: Lin et al., ICCV 2017; Mukhoti et al., NeurIPS 2020.

    >>> import torch
    >>> FocalLoss(gamma=3.0)(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    tensor(0.0866)
    """

    alpha: Tensor | float

    def __init__(
        self,
        gamma: float = 3.0,
        *,
        alpha: float | ClassWeights = 1.0,
        weight: ClassWeights | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight=weight, ignore_index=ignore_index, reduction=reduction)
        self.gamma = number("gamma", gamma, low=0.0)
        if isinstance(alpha, int | float):
            self.alpha = number("alpha", alpha, low=0.0)
        else:
            self.register_buffer("alpha", class_weights("alpha", alpha))

    def row_terms(self, logits: Tensor, labels: Tensor) -> LossTerms:
        """The terms of each row."""
        if not isinstance(self.alpha, Tensor):
            return focal_terms(logits, labels, gamma=self.gamma, alpha=self.alpha)
        alpha = fitting(self.alpha, logits, "alpha")
        return focal_terms(logits, labels, gamma=self.gamma, alpha=alpha)

    def extra_repr(self) -> str:
        """The arguments."""
        alpha = f"({len(self.alpha)},)" if isinstance(self.alpha, Tensor) else f"{self.alpha:g}"
        return f"gamma={self.gamma:g}, alpha={alpha}, {super().extra_repr()}"


class FLSD(Criterion):
    """The focal loss with gamma 5 for rows whose label has a probability below 0.2, else 3 (FLSD-53).

    weight, ignore_index, reduction: as for `Criterion`.
    Source: Mukhoti et al., NeurIPS 2020.

    >>> import torch
    >>> FLSD()(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    tensor(0.0866)
    """

    def row_terms(self, logits: Tensor, labels: Tensor) -> LossTerms:
        """The terms of each row."""
        return flsd_terms(logits, labels)
