"""What all losses share: shapes, ignored labels and the mean over rows. `forward` never synchronises with the host."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from calibeval.losses.arguments import choice, whole_number
from calibeval.losses.terms import LossTerms

REDUCTIONS = ("mean", "sum", "none")
LABEL_TYPES = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


class Criterion(nn.Module):
    """A loss of logits and labels, like `torch.nn.CrossEntropyLoss`; the base class of all losses here.

    logits: (n, k) or (n, k, ...), of any floating type; float16 and bfloat16 are computed, and returned, in float32.
    labels: (n) or (n, ...), class indices in [0, k). ignore_index: rows with this label are left out and get no
    gradient; if all rows are ignored, the loss is 0, not NaN as in torch. reduction: "mean" over the rows that are not
    ignored, their "sum", or "none": a loss for each row, 0 for ignored rows. The loss is in nats.
    Raises: ValueError, TypeError for logits and labels that do not fit each other.

    >>> from calibeval.losses import CrossEntropy
    >>> CrossEntropy(reduction="sum")(torch.tensor([[0.0, 0.0], [0.0, 0.0]]), torch.tensor([1, 0]))
    tensor(1.3863)
    """

    def __init__(self, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__()
        self.ignore_index = whole_number("ignore_index", ignore_index)
        self.reduction = choice("reduction", reduction, REDUCTIONS)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss: a scalar, or with reduction "none" a loss for each row."""
        terms, kept = self._of_rows(logits, labels)
        return reduce(terms.total, kept, self.reduction)

    def terms(self, logits: Tensor, labels: Tensor) -> LossTerms:
        """The loss and its parts, each reduced in the same way."""
        terms, kept = self._of_rows(logits, labels)
        return LossTerms(*(reduce(part, kept, self.reduction) for part in terms))

    def row_terms(self, logits: Tensor, labels: Tensor) -> LossTerms:
        """The terms of each row, from logits (..., k) and labels (...), none of them ignored."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        """The arguments that `print` shows."""
        return f"ignore_index={self.ignore_index}, reduction={self.reduction!r}"

    def _of_rows(self, logits: Tensor, labels: Tensor) -> tuple[LossTerms, Tensor]:
        """The terms of each row, and which rows are not ignored."""
        check_logits(logits)
        labels, kept = usable_labels(logits, labels, self.ignore_index)
        try:
            return self.row_terms(logits.movedim(1, -1), labels), kept
        except (RuntimeError, IndexError):
            # On a CPU, an invalid label ends in torch's own error. Checking the labels first would slow down every
            # call.
            refuse_strange_labels(labels, logits.shape[1], self.ignore_index)
            raise


def check_logits(logits: Tensor) -> None:
    """Raises: TypeError or ValueError unless these are logits (n, k) or (n, k, ...) of two or more classes."""
    if not isinstance(logits, Tensor):
        raise TypeError(f"logits: {type(logits).__name__}, expected a tensor (n, k) or (n, k, ...)")
    if not logits.is_floating_point():
        raise TypeError(f"logits: {_short(logits.dtype)}, expected a floating type")
    if logits.ndim < 2:
        raise ValueError(f"logits: shape {tuple(logits.shape)}, expected (n, k) or (n, k, ...)")
    if logits.shape[1] < 2:
        raise ValueError(
            f"logits: shape {tuple(logits.shape)} has {logits.shape[1]} classes on axis 1, expected 2 or more; "
            "pass a single logit z of a binary classifier as two columns (0, z)"
        )


def usable_labels(logits: Tensor, labels: Tensor, ignore_index: int) -> tuple[Tensor, Tensor]:
    """The labels as class indices, with 0 for ignored ones, and which of them are not ignored.

    Raises: TypeError for labels that are not whole numbers; ValueError unless their shape is that of the logits without
    the class axis.
    """
    if not isinstance(labels, Tensor):
        raise TypeError(f"labels: {type(labels).__name__}, expected a tensor of class numbers")
    if labels.dtype not in LABEL_TYPES:
        raise TypeError(f"labels: {_short(labels.dtype)}, expected class numbers of an integer type, such as int64")
    expected = (logits.shape[0], *logits.shape[2:])
    if tuple(labels.shape) != expected:
        raise ValueError(
            f"labels: shape {tuple(labels.shape)}, expected {expected} for logits of shape {tuple(logits.shape)}"
        )
    labels = labels.long()
    kept = labels != ignore_index
    return torch.where(kept, labels, 0), kept


def refuse_strange_labels(labels: Tensor, k: int, ignore_index: int) -> None:
    """Raises: ValueError naming the first label that is not a class, if there is one."""
    strange = ((labels < 0) | (labels >= k)).nonzero()
    if len(strange):
        place = tuple(strange[0].tolist())
        raise ValueError(
            f"labels: {labels[place].item()} at {list(place)}, but the logits have {k} classes (0 to {k - 1}); "
            f"ignore_index is {ignore_index}"
        )


def reduce(values: Tensor, kept: Tensor, reduction: str) -> Tensor:
    """The mean or sum of the kept values, or all values with 0 for the others; the mean of no values is 0.

    >>> reduce(torch.tensor([1.0, 2.0, 6.0]), torch.tensor([True, True, False]), "mean")
    tensor(1.5000)
    """
    values = torch.where(kept, values, 0.0)
    if reduction == "none":
        return values
    total = values.sum()
    return total if reduction == "sum" else total / kept.sum().clamp(min=1)


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
