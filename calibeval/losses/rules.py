"""How the multipliers of a loss, one for each class, follow from the logits of held-out rows after every epoch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self, TypeAlias

import torch
from torch import Tensor

from calibeval.losses.multipliers import (
    ConstraintSums,
    Multipliers,
    MultiplierSchedule,
    constraint_sums,
    divisor,
    next_multipliers,
    of_sums,
    row_counts,
    rows_that_count,
    summed,
)
from calibeval.losses.terms import constraint

Tensors: TypeAlias = dict[str, Tensor]
COUNT, EPOCH = "count", "epoch"


class MultiplierRule(ABC):
    """The multipliers of a loss, and how they change after every epoch.

    The state has a tensor of classes for each of `multipliers`, which are arguments of the loss, and for `memory`, a
    mean over held-out rows that the next epoch is compared with; and `epoch`, the number of epochs so far. shared: the
    parameters of the loss that heads trained together have in common.
    """

    multipliers: ClassVar[tuple[str, ...]]
    memory: ClassVar[str]
    shared: ClassVar[tuple[str, ...]]

    @classmethod
    @abstractmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """The rule of a loss with these parameters."""

    @property
    def fixed(self) -> Mapping[str, Any]:
        """The arguments of the loss that are neither numbers nor tensors."""
        return {}

    @abstractmethod
    def sums(
        self,
        logits: Tensor,
        kept: Tensor | None = None,
        weights: Tensor | None = None,
        *,
        margin: Any,
        multipliers: Mapping[str, Any],
    ) -> Tensors:
        """Sums over the rows of logits (..., n, k), and `count`, the number of rows; those of two batches add up.

        kept, weights: as for `constraint_sums`; with weights, the count is their sum.
        """

    @abstractmethod
    def next(self, state: Tensors, sums: Tensors) -> Tensors:
        """The state after an epoch, from the sums over all held-out rows."""

    def begin(self, multipliers: Mapping[str, Tensor]) -> Tensors:
        """The state before the first epoch."""
        like = multipliers[self.multipliers[0]]
        epoch = torch.zeros((), dtype=torch.int64, device=like.device)
        return {**multipliers, self.memory: torch.zeros_like(like), EPOCH: epoch}


def plus(one: Tensors, other: Tensors) -> Tensors:
    """The sums of both sets of rows."""
    return {name: value + other[name] for name, value in one.items()}


def initial(parameters: Mapping[str, Any], name: str) -> float:
    """The initial value of a multiplier, "lambd" or "rho": its lower bound where none was set."""
    said = parameters[f"{name}_init"]
    return float(parameters[f"{name}_min"] if said is None else said)


@dataclass(frozen=True, slots=True)
class LagrangianRule(MultiplierRule):
    """The rule of CALS: an augmented Lagrangian; its arithmetic is in `calibeval.losses.multipliers`."""

    multipliers: ClassVar = ("lambd", "rho")
    memory: ClassVar = "mean_constraint"
    shared: ClassVar = tuple(field.name for field in fields(MultiplierSchedule))

    schedule: MultiplierSchedule
    penalty: str
    normalize: bool

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """The rule of a loss with these parameters."""
        schedule = MultiplierSchedule(**{name: parameters[name] for name in cls.shared})
        return cls(schedule, parameters["penalty"], parameters["normalize"])

    @property
    def fixed(self) -> Mapping[str, Any]:
        """The penalty and whether the constraint is divided by the margin."""
        return {"penalty": self.penalty, "normalize": self.normalize}

    def sums(
        self,
        logits: Tensor,
        kept: Tensor | None = None,
        weights: Tensor | None = None,
        *,
        margin: Any,
        multipliers: Mapping[str, Any],
    ) -> Tensors:
        """The sums of slopes and constraints."""
        return constraint_sums(
            logits, kept, weights, margin=margin, **multipliers, schedule=self.schedule, **self.fixed
        )._asdict()

    def next(self, state: Tensors, sums: Tensors) -> Tensors:
        """The state after an epoch."""
        return next_multipliers(Multipliers(**state), ConstraintSums(**sums), self.schedule)._asdict()


@dataclass(frozen=True, slots=True)
class HeuristicRule(MultiplierRule):
    """The rule of CALS-HR: lambd follows whether the penalty of its class grew or fell since the previous epoch.

    lambd_min, lambd_max: bounds. lambd_step: epochs between two changes. gamma: the factor by which lambd grows if the
    mean penalty is above tau times that of the previous epoch, and falls if it is below that over tau.
    """

    multipliers: ClassVar = ("lambd",)
    memory: ClassVar = "mean_penalty"
    shared: ClassVar = ("lambd_min", "lambd_max", "lambd_step", "gamma", "tau")

    lambd_min: float = 1e-6
    lambd_max: float = 1e6
    lambd_step: int = 1
    gamma: float = 1.1
    tau: float = 1.1

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """The rule of a loss with these parameters."""
        return cls(**{name: parameters[name] for name in cls.shared})

    def sums(
        self,
        logits: Tensor,
        kept: Tensor | None = None,
        weights: Tensor | None = None,
        *,
        margin: Any,
        multipliers: Mapping[str, Any],
    ) -> Tensors:
        """The sums of the penalties, lambd times how far the class is beyond the margin."""
        h = constraint(logits, margin=margin, normalize=False)
        counts, dropped = rows_that_count(h, kept)
        penalty = (multipliers["lambd"] * torch.relu(h)).masked_fill(dropped, 0.0)
        wide = of_sums(logits)
        return {"penalty": summed(penalty, weights, wide), COUNT: row_counts(counts, weights, wide)}

    def next(self, state: Tensors, sums: Tensors) -> Tensors:
        """The state after an epoch. While no class had a penalty in the previous epoch, lambd stays.

        Source: the code of Liu et al., CVPR 2023 (LogitMarginPlus).

        >>> lambd, before = torch.tensor([1.0, 1.0, 1.0]), torch.tensor([0.5, 0.5, 0.5])
        >>> state = {"lambd": lambd, "mean_penalty": before, "epoch": torch.tensor(1)}
        >>> sums = {"penalty": torch.tensor([8.0, 4.0, 2.0]), "count": torch.tensor([8, 8, 8])}
        >>> HeuristicRule(gamma=2.0).next(state, sums)["lambd"]
        tensor([2.0000, 1.0000, 0.5000])
        """
        lambd, before = state["lambd"], state[self.memory]
        now = (sums["penalty"] / divisor(sums[COUNT])).to(before.dtype)  # as what it is compared with
        moved = torch.where(now > self.tau * before, self.gamma * lambd, lambd)
        moved = torch.where(now < before / self.tau, lambd / self.gamma, moved).clamp(self.lambd_min, self.lambd_max)
        epoch = state[EPOCH] + 1
        due = (epoch % self.lambd_step == 0) & (before.sum(-1, keepdim=True) > 0)
        return {"lambd": torch.where(due, moved, lambd), self.memory: now, EPOCH: epoch}
