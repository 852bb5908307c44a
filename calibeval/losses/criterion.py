"""What all losses share: shapes, class weights, ignored labels, the mean over rows.

`forward` never waits for the device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from calibeval.losses.arguments import ClassWeights, choice, class_weights, whole_number
from calibeval.losses.terms import LossTerms, at_least_float32, is_soft

REDUCTIONS = ("mean", "sum", "none")
LABEL_TYPES = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


class Criterion(nn.Module):
    """A loss of logits and labels, like `torch.nn.CrossEntropyLoss`; the base class of all losses here.

    logits: (n, k) or (n, k, ...), of any floating type; float16 and bfloat16 are computed, and returned, in float32.
    labels: (n) or (n, ...), class indices in [0, k); or soft labels of a floating type and the shape of the logits, the
    probability of each class, if the class attribute `soft` is True. As in torch, it is not checked that they sum to 1.
    weight: (k,), the weight of each class, at least 0; None: all 1. A row counts as the weight of its label, a soft
    label as the sum of the weights of its classes. It is a buffer, so it moves with `to` and is in `state_dict`.
    ignore_index: rows with this label are left out and get no gradient; soft labels are never ignored. reduction:
    "mean", "sum", or "none": a loss for each row, 0 for ignored rows. The mean divides by the sum of the weights of the
    labels, with soft labels by the number of rows, as in torch; if nothing is left to divide by, the loss is 0, not NaN
    as in torch. The loss is in nats.
    Raises: ValueError, TypeError for logits and labels that do not fit each other.

    >>> from calibeval.losses import CrossEntropy
    >>> logits = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    >>> CrossEntropy(reduction="sum")(logits, torch.tensor([1, 0]))
    tensor(0.8201)
    >>> CrossEntropy(weight=[1.0, 3.0])(logits, torch.tensor([1, 0]))
    tensor(0.5516)
    >>> CrossEntropy()(logits, torch.tensor([[0.0, 1.0], [0.9, 0.1]]))
    tensor(0.5100)
    """

    soft: ClassVar[bool] = True

    weight: Tensor | None

    def __init__(
        self, *, weight: ClassWeights | None = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__()
        self.register_buffer("weight", None if weight is None else class_weights("weight", weight))
        self.ignore_index = whole_number("ignore_index", ignore_index)
        self.reduction = choice("reduction", reduction, REDUCTIONS)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss: a scalar, or with reduction "none" a loss for each row."""
        terms, counts = self._of_rows(logits, labels)
        return reduce(terms.total, counts, self.reduction)

    def terms(self, logits: Tensor, labels: Tensor) -> LossTerms:
        """The loss and its parts, each reduced in the same way."""
        terms, counts = self._of_rows(logits, labels)
        return LossTerms(*(reduce(part, counts, self.reduction) for part in terms))

    def row_terms(self, logits: Tensor, labels: Tensor) -> LossTerms:
        """The terms of each row, from logits (..., k) and labels (...) or (..., k), none of them ignored."""
        raise NotImplementedError

    def batch_terms(self, logits: Tensor, labels: Tensor, counts: Counts) -> LossTerms:
        """The terms of each row of a batch, times the weight of its label."""
        return weighted(lambda given: self.row_terms(logits, given), labels, counts)

    def extra_repr(self) -> str:
        """The arguments that `print` shows."""
        weight = "" if self.weight is None else f"weight=({len(self.weight)},), "
        return f"{weight}ignore_index={self.ignore_index}, reduction={self.reduction!r}"

    def _of_rows(self, logits: Tensor, labels: Tensor) -> tuple[LossTerms, Counts]:
        """The terms of each row, and how much it counts."""
        check_logits(logits)
        labels, kept = self.usable(logits, labels)
        logits = logits.movedim(1, -1)
        weight = None if self.weight is None else fitting(self.weight, logits, "weight")
        try:
            rows = kept if weight is None or is_soft(labels) else torch.where(kept, weight[labels], 0.0)
            counts = Counts(kept, rows, weight)
            return self.batch_terms(logits, labels, counts), counts
        except (RuntimeError, IndexError):
            # On a CPU, an invalid label ends in torch's own error. Checking the labels first would slow down every
            # call.
            if not is_soft(labels):
                refuse_strange_labels(labels, logits.shape[-1], self.ignore_index)
            raise

    def usable(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The labels as the losses of rows take them, and which rows are not ignored."""
        if not (isinstance(labels, Tensor) and is_soft(labels)):
            return usable_labels(logits, labels, self.ignore_index)
        soft = usable_soft_labels(logits, labels, f"{type(self).__name__} " if not self.soft else "")
        return soft, torch.ones(soft.shape[:-1], dtype=torch.bool, device=soft.device)


class Counts(NamedTuple):
    """How much the rows of a batch count.

    kept: whether each row is not ignored. rows: as what each row counts in the mean: 0 if ignored, else 1 or the weight
    of its label. weight: that of each class, (k,), or None.
    """

    kept: Tensor
    rows: Tensor
    weight: Tensor | None = None


def weighted(terms_of: Callable[[Tensor], LossTerms], labels: Tensor, counts: Counts) -> LossTerms:
    """The terms of each row, times the weight of its label. terms_of: gives the terms for labels."""
    if counts.weight is None:
        return terms_of(labels)
    if is_soft(labels):
        return terms_of(labels * counts.weight)
    return LossTerms(*(part * counts.rows for part in terms_of(labels)))


def fitting(values: Tensor, logits: Tensor, name: str) -> Tensor:
    """The values of the classes, (k,), in the precision of a loss of logits (..., k).

    Raises: ValueError if the number of classes or the device differs.
    """
    if len(values) != logits.shape[-1]:
        raise ValueError(f"logits: {logits.shape[-1]} classes, but {name} has {len(values)}")
    if logits.device != values.device:
        raise ValueError(
            f"logits: on {logits.device}, but {name} is on {values.device}: "
            f'call .to("{logits.device}") of the loss once'
        )
    return values.to(torch.promote_types(logits.dtype, torch.float32))


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
        one_hot = "; soft or one-hot labels have a floating type" if labels.shape == logits.shape else ""
        raise ValueError(
            f"labels: shape {tuple(labels.shape)}, expected {expected} for logits of shape {tuple(logits.shape)}"
            f"{one_hot}"
        )
    labels = labels.long()
    kept = labels != ignore_index
    return torch.where(kept, labels, 0), kept


def usable_soft_labels(logits: Tensor, labels: Tensor, refused: str = "") -> Tensor:
    """The soft labels with the classes on the last axis, at least in the precision of the logits.

    refused: who takes no soft labels, or nothing.
    Raises: TypeError if soft labels are refused; ValueError unless they have the shape of the logits.
    """
    if refused or labels.shape != logits.shape:
        numbers = f"class numbers of an integer type, such as int64, of shape {(logits.shape[0], *logits.shape[2:])}"
        if refused:
            raise TypeError(f"labels: {_short(labels.dtype)}, but {refused}takes no soft labels; expected {numbers}")
        raise ValueError(
            f"labels: {_short(labels.dtype)} of shape {tuple(labels.shape)}, expected soft labels of shape "
            f"{tuple(logits.shape)}, as the logits, or {numbers}"
        )
    return at_least_float32(labels).movedim(1, -1)


def refuse_strange_labels(labels: Tensor, k: int, ignore_index: int) -> None:
    """Raises: ValueError naming the first label that is not a class, if there is one."""
    strange = ((labels < 0) | (labels >= k)).nonzero()
    if len(strange):
        place = tuple(strange[0].tolist())
        raise ValueError(
            f"labels: {labels[place].item()} at {list(place)}, but the logits have {k} classes (0 to {k - 1}); "
            f"ignore_index is {ignore_index}"
        )


def reduce(values: Tensor, counts: Counts, reduction: str) -> Tensor:
    """The mean or sum of the kept values, or all values with 0 for the others; the mean of no values is 0.

    >>> kept = torch.tensor([True, True, False])
    >>> reduce(torch.tensor([1.0, 2.0, 6.0]), Counts(kept, kept), "mean")
    tensor(1.5000)
    """
    values = torch.where(counts.kept, values, 0.0)
    if reduction == "none":
        return values
    total = values.sum()
    if reduction == "sum":
        return total
    count = counts.rows.sum()
    return total / torch.where(count == 0, 1, count)


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
