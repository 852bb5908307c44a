"""The state of a training as a checkpoint holds it: read by its types, and refused where it cannot be of this training.

A file may come from anywhere, with a checksum of its own. What is copied into weights must have their very shape and
type: torch would stretch or cast it, or write beyond its end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import torch
from torch import Tensor

from calibeval.core.data.documents import Place, Wrong
from calibeval.core.data.records import read_record
from calibeval.core.errors import InputError, cut

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TrainedState:
    """A head that is trained. score: None where every epoch diverged. multipliers: lambd and rho.

    further: the score that going on would give; None for none.
    """

    score: float | None
    epoch: int
    diverged: int
    multipliers: tuple[tuple[float, ...], ...]
    further: float | None

    def check(self, epochs: int, counts: Sequence[int]) -> None:
        """Check that it can be of a training of so many epochs. counts: how many there are of each multiplier.

        Raises: InputError.
        """
        if max(self.epoch, self.diverged) > epochs or (self.score is not None and not self.epoch):
            damaged(f"a head of epoch {self.epoch} cannot be of {epochs} epochs")
        if [len(values) for values in self.multipliers] != [*counts]:
            damaged("a head has the multipliers of another loss")


@dataclass(frozen=True, slots=True)
class TrainingState:
    """A training: its epochs so far, and for each head the score and the number of its best, and when it diverged.

    multipliers: lambd and rho of every head that has left the training; nothing for the others.
    """

    epochs: int
    best_scores: tuple[float | None, ...]
    best_epochs: tuple[int, ...]
    diverged: tuple[int, ...]
    multipliers: tuple[tuple[tuple[float, ...], ...], ...]

    def check(self, epochs: int, heads: int) -> None:
        """Check that it can be of a training of so many epochs and heads.

        Raises: InputError.
        """
        if not 1 <= self.epochs <= epochs:
            damaged(f"{self.epochs} epochs are trained, but there are {epochs}")
        if {len(x) for x in (self.best_scores, self.best_epochs, self.diverged, self.multipliers)} != {heads}:
            damaged(f"it is not of {heads} heads")
        if max(*self.best_epochs, *self.diverged) > self.epochs:
            damaged("an epoch is still to come")
        if any(score is not None and not best for score, best in zip(self.best_scores, self.best_epochs, strict=True)):
            damaged("a head has a score of no epoch")


@dataclass(frozen=True, slots=True)
class SweepState:
    """A sweep: its finished stages, the heads that they trained, and the training under way."""

    finished: int
    trained: tuple[TrainedState, ...]
    training: Mapping[str, Any] | None


def read_state(plain: Mapping[str, Any], kind: type[T]) -> T:
    """The record of plain values.

    Raises: InputError for the first that is not what it must be.
    """
    try:
        return read_record(Place(plain, "", "the state"), kind)
    except Wrong as error:
        raise InputError(str(error)) from None


def check_tensors(found: Mapping[str, Tensor], needed: Mapping[str, Tensor]) -> None:
    """Check that the tensors have the names of others, and their shapes and types.

    Raises: InputError.
    """
    for name, like in needed.items():
        if name not in found:
            damaged(f'there is no tensor "{name}"')
        tensor = found[name]
        if tensor.shape != like.shape or tensor.dtype != like.dtype:
            damaged(f'tensor "{name}" is {_described(tensor)}, but {_described(like)} is needed')
    if len(found) > len(needed):
        unknown = next(name for name in found if name not in needed)
        damaged(f'there is an unknown tensor "{cut(unknown)}"')


def check_finite(name: str, tensors: Sequence[Tensor]) -> None:
    """Check that there is neither NaN nor infinity. Raises: InputError."""
    if not all(bool(tensor.isfinite().all()) for tensor in tensors):
        damaged(f"{name} are not finite numbers")


def check_values(
    tensors: Mapping[str, Tensor], epochs: int, whole: Sequence[int], best_scores: Sequence[float], *, all_whole: bool
) -> None:
    """Check that the values of a training's tensors are such as this number of epochs leaves.

    whole: the places of the heads in the stack that have not diverged; all_whole: whether these are all.
    best_scores: of all heads, inf for none.
    Raises: InputError.
    """
    for name, value in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "objective" and rest.endswith(".epoch") and value != epochs:
            damaged(f'tensor "{name}" is not that of epoch {epochs}')
        if kind == "optimizer" and value[whole].isnan().any():
            damaged(f'tensor "{name}" holds NaN')
        if kind == "now":
            check_finite("the weights of a head", [value[whole]])
        if kind == "best":
            check_finite("the weights of a head", [value[i] for i, score in enumerate(best_scores) if score < math.inf])
        if kind == "validator" or (kind == "objective" and all_whole):
            check_finite(f'the values of "{name}"', [value])


def damaged(why: str) -> NoReturn:
    """Say what cannot be. Raises: InputError."""
    raise InputError(why)


def _described(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"


def shaped(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """A tensor of that shape and type that takes no memory."""
    return torch.empty(tuple(shape), dtype=dtype, device="meta")


def below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with the prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def finite(score: float) -> float | None:
    """A score for JSON: None for inf."""
    return score if math.isfinite(score) else None


def score_from(score: float | None) -> float:
    """A score from JSON: inf for None."""
    return math.inf if score is None else score
