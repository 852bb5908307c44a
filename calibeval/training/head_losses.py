"""The losses of heads that train together: each head has its own parameters and, with CALS, its own multipliers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from calibeval.losses.multipliers import (
    ConstraintSums,
    Multipliers,
    MultiplierSchedule,
    constraint_sums,
    next_multipliers,
)
from calibeval.losses.table import LossEntry
from calibeval.training.spec import LossSpec

_Numbers = dict[str, Any]


@dataclass(slots=True)
class _Group:
    """Consecutive heads, from start to stop, whose losses differ only in numeric parameters."""

    start: int
    stop: int
    entry: LossEntry
    parameters: _Numbers
    lagrangian: _Lagrangian | None


class HeadLosses:
    """The losses of c heads with k classes, from logits (b, c, k).

    After each epoch the multipliers of CALS change: `observe` takes the held-out logits, in any number of pieces, and
    `advance` computes the multipliers of the next epoch from them.
    """

    def __init__(self, losses: Sequence[LossSpec], k: int, device: torch.device, dtype: torch.dtype) -> None:
        self._groups = []
        start = 0
        for _, group in itertools.groupby(losses, _kind):
            specs = list(group)
            entry = specs[0].entry
            parameters = _numbers(specs, device, dtype)
            lagrangian = _Lagrangian(specs, k, device, dtype) if entry.lagrangian else None
            self._groups.append(_Group(start, start + len(specs), entry, parameters, lagrangian))
            start += len(specs)

    def value_and_slope(self, logits: Tensor, labels: Tensor, share: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The mean losses of the batch, (c,), and their gradients with respect to the logits, (b, c, k).

        labels: class numbers (b,); or soft labels (b, k) of a floating type, if every loss takes them
        (`LossEntry.soft`). share: (b,), the weight of each row; None: all 1.
        """
        found = [self._of_group(group, logits, labels) for group in self._groups]
        values, slope = found[0] if len(found) == 1 else (torch.cat(parts, dim=1) for parts in zip(*found, strict=True))
        if share is not None:
            values = values * share.unsqueeze(1)
            slope = slope * share.to(slope.dtype).view(-1, 1, 1)
        return values.mean(dim=0), slope.mul_(1.0 / len(logits))

    def observe(self, logits: Tensor, weights: Tensor | None = None) -> None:
        """Add held-out logits (b, c, k). weights: (b,), of the rows; None: all 1."""
        for group in self._groups:
            if group.lagrangian is not None:
                group.lagrangian.observe(logits[:, group.start : group.stop], weights)

    def advance(self) -> None:
        """End an epoch: compute new multipliers from the observed logits."""
        for group in self._groups:
            if group.lagrangian is not None:
                group.lagrangian.advance()

    def multipliers(self) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
        """The lambd and rho of every head, one per class; both empty if its loss has none."""
        found: list[tuple[tuple[float, ...], tuple[float, ...]]] = []
        for group in self._groups:
            if group.lagrangian is None:
                found += [((), ())] * (group.stop - group.start)
            else:
                now = group.lagrangian.now
                found += [(tuple(a), tuple(b)) for a, b in zip(now.lambd.tolist(), now.rho.tolist(), strict=True)]
        return found

    def state(self) -> dict[str, Tensor]:
        """All multipliers, by name."""
        return {
            f"{i}.{name}": value
            for i, group in enumerate(self._groups)
            if group.lagrangian is not None
            for name, value in group.lagrangian.now._asdict().items()
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Continue with the multipliers of a `state()`."""
        for i, group in enumerate(self._groups):
            if group.lagrangian is not None:
                now = group.lagrangian.now._asdict()
                group.lagrangian.now = Multipliers(
                    **{name: state[f"{i}.{name}"].to(value.device) for name, value in now.items()}
                )

    def _of_group(self, group: _Group, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Losses (b, g) and gradients (b, g, k) of the group's heads."""
        parameters = group.parameters if group.lagrangian is None else group.lagrangian.parameters()
        part = logits[:, group.start : group.stop]
        terms, slope = group.entry.gradient(part, labels.unsqueeze(1), **parameters)
        return terms.total, slope


class _Lagrangian:
    """CALS for g heads that share a schedule of the multipliers."""

    def __init__(self, specs: Sequence[LossSpec], k: int, device: torch.device, dtype: torch.dtype) -> None:
        first = specs[0]
        self._margin = torch.tensor([spec["margin"] for spec in specs], device=device, dtype=dtype)
        self._rule = {"penalty": first["penalty"], "normalize": first["normalize"]}
        self._schedule = MultiplierSchedule(**{f.name: first[f.name] for f in fields(MultiplierSchedule)})
        lambd, rho = (
            torch.tensor([_first(spec, name) for spec in specs], device=device, dtype=dtype).unsqueeze(1).repeat(1, k)
            for name in ("lambd", "rho")
        )
        nothing = torch.zeros_like(lambd)
        self.now = Multipliers(lambd, rho, nothing, torch.zeros((), dtype=torch.int64, device=device))
        self._seen: ConstraintSums | None = None

    def parameters(self) -> _Numbers:
        """The arguments of the loss."""
        return {"margin": self._margin, "lambd": self.now.lambd, "rho": self.now.rho, **self._rule}

    def observe(self, logits: Tensor, weights: Tensor | None) -> None:
        """Add held-out logits (b, g, k) with their weights (b,)."""
        sums = constraint_sums(
            logits.transpose(0, 1),
            weights=weights,
            margin=self._margin.unsqueeze(1),
            lambd=self.now.lambd.unsqueeze(1),
            rho=self.now.rho.unsqueeze(1),
            schedule=self._schedule,
            **self._rule,
        )
        self._seen = sums if self._seen is None else self._seen.plus(sums)

    def advance(self) -> None:
        """Compute the multipliers of the next epoch."""
        if self._seen is not None:
            self.now, self._seen = next_multipliers(self.now, self._seen, self._schedule), None


def _kind(spec: LossSpec) -> tuple[Any, ...]:
    """What heads must share to be computed together: the loss, its text parameters, and the multiplier schedule."""
    every = spec.to_dict()
    shared = [f.name for f in fields(MultiplierSchedule)] if spec.entry.lagrangian else []
    words = [value for value in every.values() if isinstance(value, str | bool)]
    return (spec.name, *words, *(every[name] for name in shared))


def _numbers(specs: Sequence[LossSpec], device: torch.device, dtype: torch.dtype) -> _Numbers:
    """The parameters of losses of one kind: texts as they are, numbers as tensors (g,), or as a number if all agree."""
    found: _Numbers = {}
    for name in specs[0].to_dict():
        values = [spec[name] for spec in specs] if name != "loss" else []
        if not values:
            continue
        if isinstance(values[0], str | bool) or values[0] is None or len(set(values)) == 1:
            found[name] = values[0]
        else:
            found[name] = torch.tensor(values, device=device, dtype=dtype)
    return found


def _first(spec: LossSpec, name: str) -> float:
    """The multiplier before the first epoch."""
    said = spec[f"{name}_init"]
    return float(spec[f"{name}_min"] if said is None else said)
