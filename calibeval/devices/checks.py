"""Which tensors are added up where they are, and whether their values are surely right."""

from __future__ import annotations

import torch
from torch import Tensor

from calibeval.core.data.precision import Tolerance
from calibeval.core.data.row_source import Kind

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
SURE = 0.9  # of the tolerance of a sum: within it, a sum in another order is right as well


def is_matrix(values: Tensor) -> bool:
    """Whether these can be scores of several classes: (n, k) numbers, with rows and at least two columns."""
    plain = values.layout is torch.strided and values.dtype in FLOATS and values.dim() == 2
    return bool(plain and values.shape[0] > 0 and values.shape[1] > 1)


def surely_right(kind: Kind, scores: Tensor, tolerance: Tolerance) -> Tensor:
    """Whether the scores of each row suit the kind, (n,); false where that is not sure."""
    if kind == "logits":
        return scores.amax(1).isfinite()
    p = scores.to(torch.float64)
    p = p.exp() if kind == "log_probs" else p
    least, most = p.aminmax(dim=1)
    return (least >= 0.0) & (most <= 1.0) & ((p.sum(1) - 1.0).abs() <= SURE * tolerance.of_sum)


def all_right(kind: Kind, scores: Tensor, labels: Tensor, tolerance: Tolerance) -> bool:
    """Whether all labels are classes, and all scores surely suit the kind: with one answer of the device."""
    low, high = labels.aminmax()
    classes = (low >= 0) & (high < scores.shape[1])
    return bool(classes & surely_right(kind, scores, tolerance).all())
