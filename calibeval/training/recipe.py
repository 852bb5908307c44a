"""What a training takes for every head, and what an epoch of it gives."""

from __future__ import annotations

from dataclasses import dataclass

from calibeval.training.spec import LossSpec
from calibeval.training.validation import Validation


@dataclass(frozen=True, slots=True)
class Recipe:
    """One head to be trained: its loss, its initial learning rate, and its weight decay."""

    loss: LossSpec
    rate: float
    decay: float


@dataclass(frozen=True, slots=True)
class Epoch:
    """The results of one epoch for every recipe: mean training loss and validation scores.

    They are inf for a recipe that diverged, and for one that had stopped before.

    number: of the epoch, from 1. running: whether each recipe may still improve.
    """

    number: int
    losses: tuple[float, ...]
    validation: Validation
    running: tuple[bool, ...]
