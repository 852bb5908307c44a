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
    next_multipliers,
)

Tensors: TypeAlias = dict[str, Tensor]
COUNT, EPOCH = "count", "epoch"


class MultiplierRule(ABC):
    """The multipliers of a loss, and how they change after every epoch.

    The state is a tensor of classes for each of `weights`, which are arguments of the loss, and for `memory`, a mean
    over held-out rows that the next epoch is compared with; and `epoch`, the number of epochs so far. shared: the
    parameters of the loss that heads trained together have in common.
    """

    weights: ClassVar[tuple[str, ...]]
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
    def sums(self, logits: Tensor, kept: Tensor | None = None, *, margin: Any, weights: Mapping[str, Any]) -> Tensors:
        """Sums over the rows of logits (..., n, k), and `count`, the number of rows; those of two batches add up."""

    @abstractmethod
    def next(self, state: Tensors, sums: Tensors) -> Tensors:
        """The state after an epoch, from the sums over all held-out rows."""

    def begin(self, weights: Mapping[str, Tensor]) -> Tensors:
        """The state before the first epoch."""
        like = weights[self.weights[0]]
        epoch = torch.zeros((), dtype=torch.int64, device=like.device)
        return {**weights, self.memory: torch.zeros_like(like), EPOCH: epoch}


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

    weights: ClassVar = ("lambd", "rho")
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

    def sums(self, logits: Tensor, kept: Tensor | None = None, *, margin: Any, weights: Mapping[str, Any]) -> Tensors:
        """The sums of slopes and constraints."""
        return constraint_sums(logits, kept, margin=margin, **weights, schedule=self.schedule, **self.fixed)._asdict()

    def next(self, state: Tensors, sums: Tensors) -> Tensors:
        """The state after an epoch."""
        return next_multipliers(Multipliers(**state), ConstraintSums(**sums), self.schedule)._asdict()
