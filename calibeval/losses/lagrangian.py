"""Class adaptive label smoothing (CALS), as a torch module that keeps its multipliers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce as fold
from typing import TypeAlias

import torch
from torch import Tensor

from calibeval.losses.arguments import ClassWeights, choice, flag, number, whole_number
from calibeval.losses.criterion import Criterion, check_logits, usable_labels
from calibeval.losses.multipliers import (
    ConstraintSums,
    Multipliers,
    MultiplierSchedule,
    constraint_sums,
    next_multipliers,
)
from calibeval.losses.penalties import PENALTIES
from calibeval.losses.terms import LossTerms, cals_terms

Batch: TypeAlias = Tensor | tuple[Tensor, Tensor] | list[Tensor]


class CALS(Criterion):
    """Cross entropy plus a penalty whose strength for each class is learned from a held-out split.

    Like MbLS, it requires each logit to be within a margin of the top logit of its row. Here every class has a
    multiplier `lambd` and a weight `rho` in an augmented Lagrangian; call `update` with held-out logits after every
    training epoch.

    num_classes: k, at least 2. margin: in units of the logits, at least 0; above 0 with normalize. penalty: "phr", "p2"
    or "p3". normalize: whether the constraint is (distance - margin) / margin.
    lambd_init, rho_init: initial value for all classes; None: the lower bound. lambd_min, lambd_max, rho_min, rho_max:
    bounds. lambd_step, rho_step: number of epochs between changes; a rho_step of 0 means never. gamma: factor of at
    least 1 for rho of a class whose mean constraint is positive and more than tau times that of the previous epoch.
    weight, ignore_index, reduction: as for `Criterion`.

    The state is in `state_dict`: the buffers `lambd`, `rho` and `mean_constraint` (of the last update), (k,) each, and
    `epoch`, the number of updates. A run that loads it continues as if it had never stopped.
    Raises: TypeError, ValueError for invalid arguments, and for logits with another number of classes.
    Source: Liu, Rony, Galdran, Dolz, Ben Ayed, CVPR 2023.

    >>> cals = CALS(num_classes=2, margin=6.0)
    >>> held_out = torch.tensor([[12.0, 0.0], [9.0, 0.0]])
    >>> cals.update([held_out])
    >>> cals.lambd
    tensor([1.0000e-06, 7.5000e-01])
    >>> round(cals(torch.tensor([[9.0, 0.0]]), torch.tensor([0])).item(), 4)
    0.2501
    """

    lambd: Tensor
    rho: Tensor
    mean_constraint: Tensor
    epoch: Tensor

    def __init__(
        self,
        num_classes: int,
        margin: float = 10.0,
        penalty: str = "phr",
        normalize: bool = True,
        lambd_init: float | None = None,
        lambd_min: float = 1e-6,
        lambd_max: float = 1e6,
        lambd_step: int = 1,
        rho_init: float | None = None,
        rho_min: float = 1.0,
        rho_max: float = 10.0,
        rho_step: int = 10,
        gamma: float = 1.2,
        tau: float = 0.9,
        *,
        weight: ClassWeights | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight=weight, ignore_index=ignore_index, reduction=reduction)
        self.num_classes = whole_number("num_classes", num_classes, low=2)
        self.margin = number("margin", margin, low=0.0)
        self.penalty = choice("penalty", penalty, tuple(PENALTIES))
        self.normalize = flag("normalize", normalize)
        if self.normalize and not self.margin:
            raise ValueError("margin: 0 cannot be normalized; expected a margin above 0, or normalize=False")
        self.schedule = MultiplierSchedule(
            lambd_min=number("lambd_min", lambd_min, low=0.0),
            lambd_max=number("lambd_max", lambd_max, low=0.0, above=True),
            lambd_step=whole_number("lambd_step", lambd_step, low=1),
            rho_min=number("rho_min", rho_min, low=0.0, above=True),
            rho_max=number("rho_max", rho_max, low=0.0, above=True),
            rho_step=whole_number("rho_step", rho_step, low=0),
            gamma=number("gamma", gamma, low=1.0),
            tau=number("tau", tau, low=0.0),
        )
        lambd = _start("lambd", lambd_init, self.schedule.lambd_min, self.schedule.lambd_max)
        rho = _start("rho", rho_init, self.schedule.rho_min, self.schedule.rho_max)
        if self.penalty == "p3" and not lambd:
            raise ValueError('lambd_init: 0, but with penalty "p3" lambd would then stay 0; expected a number above 0')
        self.register_buffer("lambd", torch.full((num_classes,), lambd))
        self.register_buffer("rho", torch.full((num_classes,), rho))
        self.register_buffer("mean_constraint", torch.zeros(num_classes))
        self.register_buffer("epoch", torch.zeros((), dtype=torch.int64))

    def row_terms(self, logits: Tensor, labels: Tensor) -> LossTerms:
        """The terms of each row, with the current multipliers."""
        self._check(logits, classes=logits.shape[-1])
        lambd, rho = self._weights(logits)
        return cals_terms(
            logits,
            labels,
            margin=self.margin,
            lambd=lambd,
            rho=rho,
            penalty=self.penalty,
            normalize=self.normalize,
        )

    def update(self, batches: Iterable[Batch]) -> None:
        """Update the multipliers from a held-out split: once after every epoch, with the model in eval mode.

        batches: any iterable, also a generator that computes logits on the fly; no gradients are recorded. Each batch
        is logits (n, k) or (n, k, ...), or a pair of logits and labels, where labels only mark ignored rows. The batch
        sizes make no difference. In distributed training, every process needs the whole split, or the multipliers
        diverge.
        Raises: ValueError, TypeError for invalid batches; the multipliers then stay unchanged.

        >>> cals = CALS(num_classes=2, margin=6.0)
        >>> cals.update([(torch.tensor([[12.0, 0.0], [0.0, 99.0]]), torch.tensor([0, -100]))])
        >>> cals.mean_constraint, cals.epoch
        (tensor([-1.,  1.]), tensor(1))
        """
        if isinstance(batches, Tensor):
            raise TypeError("update: a tensor, expected an iterable of batches; put a single batch into a list")
        with torch.no_grad():
            parts = [self._sums(batch) for batch in batches]
            if not parts:
                raise ValueError("update: no batches; a generator can be used only once")
            sums = fold(ConstraintSums.plus, parts)
            self._refuse(sums)
            now = Multipliers(self.lambd, self.rho, self.mean_constraint, self.epoch)
            for buffer, value in zip(now, next_multipliers(now, sums, self.schedule), strict=True):
                buffer.copy_(value)

    def extra_repr(self) -> str:
        """The arguments."""
        what = f"num_classes={self.num_classes}, margin={self.margin:g}, penalty={self.penalty!r}"
        return f"{what}, normalize={self.normalize}, {super().extra_repr()}"

    def _sums(self, batch: Batch) -> ConstraintSums:
        """The sums of one batch."""
        logits, labels = batch if isinstance(batch, tuple | list) and len(batch) == 2 else (batch, None)
        if not isinstance(logits, Tensor):
            raise TypeError(f"update: a batch is a {type(batch).__name__}, expected logits or a pair (logits, labels)")
        check_logits(logits)
        self._check(logits, classes=logits.shape[1])
        kept = None if labels is None else usable_labels(logits, labels, self.ignore_index)[1].flatten()
        lambd, rho = self._weights(logits)
        return constraint_sums(
            logits.movedim(1, -1).flatten(0, -2),
            kept,
            margin=self.margin,
            lambd=lambd,
            rho=rho,
            schedule=self.schedule,
            penalty=self.penalty,
            normalize=self.normalize,
        )

    def _weights(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Multipliers and weights in the precision of the logits, or that of the buffers if it is higher."""
        lambd, rho = self.lambd, self.rho
        return (lambd.double(), rho.double()) if logits.dtype == torch.float64 else (lambd.float(), rho.float())

    def _check(self, logits: Tensor, *, classes: int) -> None:
        """Raises: ValueError if the number of classes or the device differs."""
        if classes != self.num_classes:
            raise ValueError(f"logits: {classes} classes on axis 1, but num_classes is {self.num_classes}")
        if logits.device != self.lambd.device:
            raise ValueError(
                f"logits: on {logits.device}, but the multipliers of CALS are on {self.lambd.device}: "
                f'call cals.to("{logits.device}") once'
            )

    def _refuse(self, sums: ConstraintSums) -> None:
        """Raises: ValueError if the sums of a split would make the multipliers invalid."""
        if not (sums.slope.isfinite() & sums.constraint.isfinite()).all():
            raise ValueError("update: the logits contain NaN or +inf, or a row of -inf only")
        if not sums.count.any():
            raise ValueError("update: there are no rows, or all are ignored")


def _start(name: str, init: float | None, low: float, high: float) -> float:
    """The initial value of a multiplier, which must be within its bounds."""
    if low > high:
        raise ValueError(f"{name}_min: {low:g} is above {name}_max, {high:g}")
    return low if init is None else number(f"{name}_init", init, low=low, high=high)
