"""The results of rows on their device: what `calibeval.core.sums.rows` computes of a block, by the same formulas."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from calibeval.core.data.row_source import Kind
from calibeval.core.sums.binning import ROUNDER, is_computed
from calibeval.core.sums.excess import VANISHED
from calibeval.core.sums.rows import FEW_CLASSES


class DeviceRows(NamedTuple):
    """Results of b rows, as in `calibeval.core.sums.rows.Rows`, (b,) each.

    others: the probabilities with 0 in place of the label's, (k, b) if axis is 0, else (b, k). axis: of the classes.
    cumulants: (3, b), the second to fourth cumulants of the NLL of each row.
    """

    confidence: Tensor
    label_p: Tensor
    label_log_p: Tensor
    other_squares: Tensor
    excess: Tensor
    correct: Tensor
    others: Tensor
    axis: int
    cumulants: Tensor

    @property
    def brier(self) -> Tensor:
        """The Brier score of each row, (b,), in [0, 2]."""
        return (1.0 - self.label_p).square_().add_(self.other_squares)

    @property
    def keys(self) -> Tensor:
        """The sort key of each row, (b,): as `calibeval.core.sums.equal_mass.confidence_keys`."""
        return sort_keys(self.confidence, self.correct)


def sort_keys(confidence: Tensor, correct: Tensor) -> Tensor:
    """The bits of each confidence, with whether the row is correct in a last bit, (b,)."""
    return (confidence.contiguous().view(torch.int64) << 1) | correct


def on_grid(p: Tensor) -> Tensor:
    """Probabilities rounded in place to multiples of 2^-45: as `calibeval.core.sums.binning.on_grid`."""
    return p.add_(ROUNDER).sub_(ROUNDER)


def row_results(scores: Tensor, labels: Tensor, kind: Kind) -> DeviceRows:
    """The results of rows whose values are known to suit the kind. scores: (b, k). labels: (b,), int64."""
    b, k = scores.shape
    axis = 0 if k <= FEW_CLASSES else 1
    z = torch.empty((k, b) if axis == 0 else (b, k), dtype=torch.float64, device=scores.device)
    z.copy_(scores.t() if axis == 0 else scores)
    place = labels.unsqueeze(axis)
    best, first = z.max(axis)  # the first of equal ones
    label_score = z.gather(axis, place).squeeze(axis)
    if kind == "logits":
        z -= best.unsqueeze(axis)
        p = z.exp()
        norm = p.sum(axis)
        p *= norm.reciprocal().unsqueeze(axis)
        confidence, label_log_p = norm.reciprocal(), label_score - best - norm.log()
    elif kind == "log_probs":
        p = z.exp().clamp_(max=1.0)
        confidence, label_log_p = best.exp().clamp_(max=1.0), label_score.clone()
    else:
        p = z.clamp_(0.0, 1.0)
        z = p.log()
        confidence, label_log_p = best.clamp(max=1.0), label_score.clamp(min=0.0).log()
    label_p = p.gather(axis, place).squeeze(axis)
    if is_computed(kind):
        confidence, label_p = on_grid(confidence), on_grid(label_p)
    excess, cumulants = _excess(p, z, axis, place)
    p.scatter_(axis, place, 0.0)
    return DeviceRows(
        confidence=confidence,
        label_p=label_p,
        label_log_p=label_log_p.clamp_(max=0.0),
        other_squares=(p * p).sum(axis),
        excess=excess,
        correct=first == labels,
        others=p,
        axis=axis,
        cumulants=cumulants,
    )


def _excess(p: Tensor, z: Tensor, axis: int, place: Tensor) -> tuple[Tensor, Tensor]:
    """The excess, (b,), and the second to fourth cumulants, (3, b), of the NLL: as `calibeval.core.sums.excess`.

    z: overwritten. place: of the labels.
    """
    z_label = z.gather(axis, place).squeeze(axis)
    z.clamp_(min=VANISHED)
    work = p * z
    m1 = work.sum(axis)
    excess = m1 - z_label
    m2, m3, m4 = (work.mul_(z).sum(axis) for _ in range(3))
    squares = m1 * m1
    variance = (m2 - squares).clamp_(min=0.0)
    third = m1 * (3.0 * m2 - 2.0 * squares) - m3
    fourth = m4 - (4.0 * m1 * m3 - 12.0 * squares * m2 + 3.0 * m2 * m2 + 6.0 * squares * squares)
    return excess, torch.stack((variance, third, fourth))


def log_risk(rows: DeviceRows, k: int) -> Tensor:
    """What a row's NLL would grow by if it were wrong: as `calibeval.core.sums.risk.log_risk`."""
    c, label = rows.confidence, rows.label_p * rows.label_p
    squares = torch.where(rows.correct, rows.other_squares, torch.maximum(rows.other_squares + label - c * c, label))
    least = squares.sqrt()
    rest = torch.minimum(torch.maximum(1.0 - c, least), least * (k - 1.0) ** 0.5)
    return torch.where(squares > 0.0, (c * rest / squares).log(), torch.inf)
