"""The update of the multipliers of CALS, once per epoch, from the constraints on a held-out split.

Everything is a tensor operation over the classes on the last axis: (k,), or (c, k) for c candidates in parallel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from calibeval.losses.penalties import PENALTIES, Parameter
from calibeval.losses.terms import constraint


@dataclass(frozen=True, slots=True)
class MultiplierSchedule:
    """Bounds and schedule of the multipliers; the defaults are those of the paper's code.

    lambd_min, lambd_max, rho_min, rho_max: bounds. lambd_step, rho_step: epochs between two changes; a rho_step of 0
    means never. gamma: factor for rho of a class whose constraint is violated and has not fallen below tau times its
    value in the previous epoch.
    """

    lambd_min: float = 1e-6
    lambd_max: float = 1e6
    lambd_step: int = 1
    rho_min: float = 1.0
    rho_max: float = 10.0
    rho_step: int = 10
    gamma: float = 1.2
    tau: float = 0.9


class Multipliers(NamedTuple):
    """The state of CALS: lambd, rho and the last mean constraint of each class, and the number of epochs so far."""

    lambd: Tensor
    rho: Tensor
    mean_constraint: Tensor
    epoch: Tensor


class ConstraintSums(NamedTuple):
    """Sums over rows for each class: the penalty's slope (within the bounds of lambd), the constraint, the row count.

    With weights, the count is their sum. The sums of two sets of rows add up to those of their union. Masked classes
    are not counted.
    """

    slope: Tensor
    constraint: Tensor
    count: Tensor


def constraint_sums(
    logits: Tensor,
    kept: Tensor | None = None,
    weights: Tensor | None = None,
    *,
    margin: Parameter,
    lambd: Parameter,
    rho: Parameter,
    schedule: MultiplierSchedule,
    penalty: str = "phr",
    normalize: bool = True,
) -> ConstraintSums:
    """The sums over rows of logits (..., n, k), in float64 if the device supports it.

    kept: (..., n), which rows are not ignored; None: all of them. weights: (..., n), by which rows count; None: all 1.
    The other arguments are those of `cals_terms`.

    >>> logits = torch.tensor([[9.0, 0.0], [2.0, 8.0]])
    >>> constraint_sums(logits, margin=6.0, lambd=0.1, rho=1.0, schedule=MultiplierSchedule()).constraint
    tensor([-1.0000, -0.5000], dtype=torch.float64)
    """
    h = constraint(logits, margin=margin, normalize=normalize)
    slope = PENALTIES[penalty].slope(h, lambd, rho).clamp(schedule.lambd_min, schedule.lambd_max)
    counts, dropped = rows_that_count(h, kept)
    slope, h = (values.masked_fill(dropped, 0.0) for values in (slope, h))
    wide = of_sums(logits)
    return ConstraintSums(summed(slope, weights, wide), summed(h, weights, wide), row_counts(counts, weights, wide))


def rows_that_count(h: Tensor, kept: Tensor | None) -> tuple[Tensor, Tensor]:
    """Which constraints (..., n, k) are counted, and which are not to be added; kept: as for `constraint_sums`.

    Classes that are masked, so that their h is inf, and ignored rows do not count. A NaN in a row that is not ignored
    must remain visible, so it is added.
    """
    if kept is None:
        return h < math.inf, h == math.inf
    return (h < math.inf) & kept.unsqueeze(-1), (h == math.inf) | ~kept.unsqueeze(-1)


def summed(values: Tensor, weights: Tensor | None, dtype: torch.dtype) -> Tensor:
    """The sums over the rows of values (..., n, k), each times the weight of its row."""
    return (values if weights is None else values * weights.unsqueeze(-1)).sum(-2, dtype=dtype)


def row_counts(counts: Tensor, weights: Tensor | None, dtype: torch.dtype) -> Tensor:
    """The number of rows that count, (..., n, k), or the sum of their weights."""
    return counts.sum(-2) if weights is None else summed(counts, weights, dtype)


def divisor(count: Tensor) -> Tensor:
    """What sums are divided by for means: the count, or 1 where it is 0."""
    return torch.where(count > 0, count, 1)


def of_sums(logits: Tensor) -> torch.dtype:
    """The type of sums over many rows: float64 if the device supports it."""
    return torch.float32 if logits.device.type == "mps" else torch.float64


def next_multipliers(now: Multipliers, sums: ConstraintSums, schedule: MultiplierSchedule) -> Multipliers:
    """The multipliers after an epoch: lambd becomes the mean slope; rho grows if the constraint did not improve.

    The slopes are those at the current multipliers. A class that is masked in every row gets lambd_min.
    Source: Liu et al., CVPR 2023, and its code: slopes are bounded before their mean is taken, and the constraint of
    each epoch is kept, whether or not rho changes in it.

    >>> now = Multipliers(torch.ones(2), torch.ones(2), torch.tensor([0.5, 0.5]), torch.tensor(1))
    >>> sums = ConstraintSums(torch.tensor([6.0, 2.0]), torch.tensor([2.0, 1.0]), torch.tensor([4, 4]))
    >>> after = next_multipliers(now, sums, MultiplierSchedule(rho_step=1))
    >>> after.lambd, after.rho
    (tensor([1.5000, 0.5000]), tensor([1.2000, 1.0000]))
    """
    count = divisor(sums.count)
    mean_constraint = (sums.constraint / count).to(now.mean_constraint.dtype)  # as what it is compared with
    lambd = (sums.slope / count).clamp(schedule.lambd_min, schedule.lambd_max).to(now.lambd.dtype)
    epoch = now.epoch + 1
    lambd = torch.where(epoch % schedule.lambd_step == 0, lambd, now.lambd)
    rho = now.rho
    if schedule.rho_step:
        stuck = mean_constraint > schedule.tau * now.mean_constraint.clamp(min=0.0)
        grown = torch.where(stuck, schedule.gamma * rho, rho).clamp(schedule.rho_min, schedule.rho_max)
        rho = torch.where((epoch % schedule.rho_step == 0) & (now.epoch > 0), grown, rho)
    return Multipliers(lambd, rho, mean_constraint, epoch)
