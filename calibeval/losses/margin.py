"""Margin-based label smoothing (MbLS), as a torch module."""

from __future__ import annotations

from torch import Tensor

from calibeval.losses.arguments import ClassWeights, number
from calibeval.losses.criterion import Criterion
from calibeval.losses.terms import LossTerms, mbls_terms


class MbLS(Criterion):
    """Cross entropy plus a penalty on logits that are more than a margin below the top logit.

    The penalty is alpha times the mean over rows and classes of max(0, d - margin), where d is the distance of a
    class's logit to the top logit of its row. Unlike label smoothing, it does not penalise distances within the margin.

    margin: at least 0, in units of the logits; with 0, every distance counts. alpha: at least 0.
    weight, ignore_index, reduction: as for `Criterion`.
    Raises: TypeError, ValueError for invalid arguments.
    Source: Liu, Ben Ayed, Galdran, Dolz, CVPR 2022.

    >>> import torch
    >>> criterion = MbLS(margin=6.0, alpha=0.1)
    >>> terms = criterion.terms(torch.tensor([[8.0, 0.0], [1.0, 0.0]]), torch.tensor([0, 0]))
    >>> terms.penalty
    tensor(0.0500)
    """

    def __init__(
        self,
        margin: float = 10.0,
        alpha: float = 0.1,
        *,
        weight: ClassWeights | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight=weight, ignore_index=ignore_index, reduction=reduction)
        self.margin = number("margin", margin, low=0.0)
        self.alpha = number("alpha", alpha, low=0.0)

    def row_terms(self, logits: Tensor, labels: Tensor) -> LossTerms:
        """The terms of each row."""
        return mbls_terms(logits, labels, margin=self.margin, alpha=self.alpha)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"margin={self.margin:g}, alpha={self.alpha:g}, {super().extra_repr()}"
