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

    history: the content of history.jsonl. After the trials, the heads of each seed stand there in the order of the
    losses, in one stage or in several. Lines that say something else are left out: pictures are drawn from them, and
    nothing is decided.

    >>> from calibeval.core.heads.results import SeedResult
    >>> line = '{"stage": 1, "trial": false, "seed": 0, "epoch": 1, "heads": [{"val_nll": 0.5, "running": true}]}'
    >>> epochs_of(line, [LossResult("ce", {}, (SeedResult(0, 1, 0.5, 1.0, {}, {}),))])[0][0].val_nll
    0.5
    """
    found: list[dict[int, EpochFacts]] = [{} for _ in losses]
    lines, ended = list(_final(history)), set[int]()
    starts = _starts(lines)
    seeds = [None if loss.kept is None else loss.kept.seed for loss in losses]
    for line in lines:
        for i, head in enumerate(line["heads"], starts[line["stage"]]):
            if i >= len(losses) or i in ended or line["seed"] != seeds[i]:
                continue
            found[i][line["epoch"]] = EpochFacts(line["epoch"], *(_number(head.get(key)) for key in _KEYS))
            if head.get("running") is False:
                ended.add(i)
    return [tuple(epochs[number] for number in sorted(epochs)) for epochs in found]


_KEYS = ("train_loss", "val_nll", "val_nll_after_temperature", "val_accuracy", "val_ece")


def _final(history: str) -> Iterator[dict[str, Any]]:
    """The lines about the heads that are kept, without those of trials."""
    for text in history.splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if not isinstance(line, dict) or line.get("trial") is not False:
            continue
        heads, counts = line.get("heads"), [line.get(key) for key in ("stage", "seed", "epoch")]
        if isinstance(heads, list) and all(isinstance(x, dict) for x in heads) and all(type(x) is int for x in counts):
            yield line


def _starts(lines: Sequence[dict[str, Any]]) -> dict[int, int]:
    """For every stage, how many heads of the same seed are in earlier ones."""
    sizes = {line["stage"]: (line["seed"], len(line["heads"])) for line in lines}
    return {
        stage: sum(count for other, (of, count) in sizes.items() if of == seed and other < stage)
        for stage, (seed, _) in sizes.items()
    }


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None
