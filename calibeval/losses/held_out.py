"""Losses with a multiplier for each class, as torch modules: updated from held-out rows, by one process or by many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce as fold
from hashlib import sha256
from typing import TypeAlias

import torch
import torch.distributed as dist
from torch import Tensor

from calibeval.losses.arguments import ClassWeights, flag, number, whole_number
from calibeval.losses.criterion import Criterion, check_logits
from calibeval.losses.processes import Processes, processes
from calibeval.losses.rules import COUNT, EPOCH, MultiplierRule, Tensors, plus

Batch: TypeAlias = Tensor | tuple[Tensor, Tensor] | list[Tensor]

BATCHES = "batches"  # their number, beside the sums over their rows


class HeldOutCriterion(Criterion):
    """A loss with multipliers for each class; call `update` with held-out logits after every training epoch.

    num_classes: k, at least 2. margin: in units of the logits, at least 0. rule: how the multipliers change.
    multipliers: their initial values. weight, ignore_index, reduction: as for `Criterion`.
    Raises: TypeError, ValueError for invalid arguments.
    """

    lambd: Tensor
    epoch: Tensor

    def __init__(
        self,
        num_classes: int,
        margin: float,
        rule: MultiplierRule,
        multipliers: Mapping[str, float],
        *,
        weight: ClassWeights | None,
        ignore_index: int,
        reduction: str,
    ) -> None:
        super().__init__(weight=weight, ignore_index=ignore_index, reduction=reduction)
        self.num_classes = whole_number("num_classes", num_classes, low=2)
        self.margin = number("margin", margin, low=0.0)
        self.rule = rule
        for name, value in rule.begin({name: torch.full((num_classes,), v) for name, v in multipliers.items()}).items():
            self.register_buffer(name, value)

    def update(
        self,
        batches: Iterable[Batch],
        *,
        distributed: bool = True,
        process_group: dist.ProcessGroup | None = None,
    ) -> None:
        """Update the multipliers from a held-out split: once after every epoch, with the model in eval mode.

        batches: any iterable, also a generator that computes logits on the fly; no gradients are recorded. Each batch
        is logits (n, k) or (n, k, ...), or a pair of logits and labels, where labels only mark ignored rows. The batch
        sizes make no difference.
        distributed: if torch.distributed is initialised, all processes must call this, each with its own part of the
        split; they wait for each other. Means are over the rows of all processes, so parts may be of any size, also
        empty, or the same whole split everywhere. False: this process alone. process_group: the processes that take
        part; None: all. The papers' code has the mean of the processes' means, which differs for unequal parts.
        Raises: ValueError, TypeError for invalid batches, in all processes if one has them; the multipliers then stay
        unchanged.

        >>> from calibeval.losses import CALS
        >>> cals = CALS(num_classes=2, margin=6.0)
        >>> cals.update([(torch.tensor([[12.0, 0.0], [0.0, 99.0]]), torch.tensor([0, -100]))])
        >>> cals.mean_constraint, cals.epoch
        (tensor([-1.,  1.]), tensor(1))
        """
        if not flag("distributed", distributed) and process_group is not None:
            raise ValueError("process_group: needs distributed=True")
        with torch.no_grad():
            together = processes(process_group, self.lambd.device, self._settings()) if distributed else None
            if together is None:
                sums = self._sums(batches)
                _refuse(sums)
            else:
                with together:
                    sums = self._sums(batches)
                sums = _of_all(together, self._state(), sums)
            if not sums.pop(BATCHES):
                raise ValueError("update: no batches; a generator can be used only once")
            if not sums[COUNT].any():
                raise ValueError("update: there are no rows, or all are ignored")
            for name, value in self.rule.next(self._state(), sums).items():
                getattr(self, name).copy_(value)

    def extra_repr(self) -> str:
        """The arguments."""
        words = "".join(f"{name}={value!r}, " for name, value in self.rule.fixed.items())
        return f"num_classes={self.num_classes}, margin={self.margin:g}, {words}{super().extra_repr()}"

    def _settings(self) -> str:
        """A text of fixed length that differs between losses with different settings."""
        weight = None if self.weight is None else self.weight.tolist()
        return sha256(f"{self!r} {self.margin!r} {self.rule} {weight}".encode()).hexdigest()

    def _state(self) -> Tensors:
        """The buffers by name."""
        return {name: getattr(self, name) for name in (*self.rule.multipliers, self.rule.memory, EPOCH)}

    def _multipliers(self, logits: Tensor) -> Tensors:
        """The multipliers in the precision of the logits, or that of the buffers if it is higher."""
        wide = logits.dtype == torch.float64
        return {n: getattr(self, n).double() if wide else getattr(self, n).float() for n in self.rule.multipliers}

    def _sums(self, batches: Iterable[Batch]) -> Tensors:
        """The sums over all rows, and the number of batches."""
        if isinstance(batches, Tensor):
            raise TypeError("update: a tensor, expected an iterable of batches; put a single batch into a list")
        none = self._of_logits(self.lambd.new_zeros(0, self.num_classes), None)
        nothing = {**none, BATCHES: torch.zeros_like(none[COUNT][0])}
        return fold(plus, (self._of_batch(batch) for batch in batches), nothing)

    def _of_batch(self, batch: Batch) -> Tensors:
        """The sums of one batch."""
        logits, labels = batch if isinstance(batch, tuple | list) and len(batch) == 2 else (batch, None)
        if not isinstance(logits, Tensor):
            raise TypeError(f"update: a batch is a {type(batch).__name__}, expected logits or a pair (logits, labels)")
        check_logits(logits)
        self._check(logits, classes=logits.shape[1])
        kept = None if labels is None else self.usable(logits, labels)[1].flatten()
        sums = self._of_logits(logits.movedim(1, -1).flatten(0, -2), kept)
        return {**sums, BATCHES: torch.ones_like(sums[COUNT][0])}

    def _of_logits(self, logits: Tensor, kept: Tensor | None) -> Tensors:
        return self.rule.sums(logits, kept, margin=self.margin, multipliers=self._multipliers(logits))

    def _check(self, logits: Tensor, *, classes: int) -> None:
        """Raises: ValueError if the number of classes or the device differs."""
        if classes != self.num_classes:
            raise ValueError(f"logits: {classes} classes on axis 1, but num_classes is {self.num_classes}")
        if logits.device != self.lambd.device:
            raise ValueError(
                f"logits: on {logits.device}, but the multipliers of {type(self).__name__} are on "
                f'{self.lambd.device}: call criterion.to("{logits.device}") once'
            )


def start(name: str, init: float | None, low: float, high: float) -> float:
    """The initial value of a multiplier, which must be within its bounds; None: the lower one.

    Raises: TypeError, ValueError.
    """
    if low > high:
        raise ValueError(f"{name}_min: {low:g} is above {name}_max, {high:g}")
    return low if init is None else number(f"{name}_init", init, low=low, high=high)


def _of_all(together: Processes, state: Tensors, sums: Tensors) -> Tensors:
    """The sums of all processes, added in their order. state: of the multipliers, which must be the same in all.

    Raises: ValueError in every process for one that has another state, or sums that are not finite.
    """
    parts = {**state, **sums}
    rows = together.rows(torch.cat([part.flatten().double() for part in parts.values()]))
    columns = dict(zip(parts, rows.split([part.numel() for part in parts.values()], dim=1), strict=True))
    for process in range(len(rows)):
        if any(not columns[name][process].equal(columns[name][0]) for name in state):
            raise ValueError(
                f"update: other multipliers than on rank 0, load the same state_dict ({together.place(process)})"
            )
    for process in range(len(rows)):
        _refuse({name: columns[name][process] for name in sums}, f" ({together.place(process)})")
    return {name: fold(torch.add, columns[name]).reshape(part.shape) for name, part in sums.items()}


def _refuse(sums: Tensors, place: str = "") -> None:
    """Raises: ValueError if sums of rows would make the multipliers invalid."""
    if not all(value.isfinite().all() for value in sums.values()):
        raise ValueError(f"update: the logits contain NaN or +inf, or a row of -inf only{place}")
