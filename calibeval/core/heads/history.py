"""What the epochs of a training showed, as its history.jsonl tells it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from calibeval.core.heads.results import LossResult


@dataclass(frozen=True, slots=True)
class EpochFacts:
    """One epoch of one head. Numbers are None where it had diverged, and where an earlier version wrote none.

    train_loss: mean of the loss's own value over the rows of TRAIN. The others are of VAL: NLL in nats, without and
    with the best temperature; accuracy and ECE, without a temperature, as fractions.
    """

    number: int
    train_loss: float | None
    val_nll: float | None
    val_nll_after: float | None
    val_accuracy: float | None
    val_ece: float | None


def epochs_of(history: str, losses: Sequence[LossResult]) -> list[tuple[EpochFacts, ...]]:
    """The epochs of the saved head of every loss, up to where its training ended; empty where the history has none.

    history: the content of history.jsonl. Lines that say something else are left out: pictures are drawn from them, and
    nothing is decided.

    >>> line = '{"trial": false, "seed": 0, "epoch": 1, "heads": [{"loss": "ce", "val_nll": 0.5, "running": true}]}'
    >>> from calibeval.core.heads.results import SeedResult
    >>> epochs_of(line, [LossResult("ce", {}, (SeedResult(0, 1, 0.5, 1.0, {}, {}),))])[0][0].val_nll
    0.5
    """
    found: dict[str, dict[int, EpochFacts]] = {loss.name: {} for loss in losses}
    ended: set[str] = set()
    seeds = {loss.name: None if loss.kept is None else loss.kept.seed for loss in losses}
    for line in _objects(history):
        if line.get("trial") is not False or not isinstance(line.get("epoch"), int):
            continue
        for head in line.get("heads") or ():
            name = head.get("loss") if isinstance(head, dict) else None
            if not isinstance(name, str) or name in ended or name not in found or line.get("seed") != seeds[name]:
                continue
            number = line["epoch"]
            found[name][number] = EpochFacts(number, *(_number(head.get(key)) for key in _KEYS))
            if head.get("running") is False:
                ended.add(name)
    return [tuple(epochs[number] for number in sorted(epochs)) for epochs in found.values()]


_KEYS = ("train_loss", "val_nll", "val_nll_after_temperature", "val_accuracy", "val_ece")


def _objects(history: str) -> Iterator[dict[str, Any]]:
    for line in history.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None  # type: ignore[arg-type]
