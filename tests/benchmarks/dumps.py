"""Synthetic dumps that look like a real network's: certain and open rows, over-confident, 75 % right (of 2: 90 %)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Labels = npt.NDArray[np.int64]

BLOCK = 2**21  # scores made at a time
SHARPENED = 1.4  # the stated logits over the true ones


@dataclass(frozen=True, slots=True)
class Dump:
    """A dump on disk: n rows of k logits, and the labels beside them."""

    logits: Path
    labels: Path
    n: int
    k: int

    def load(self) -> tuple[Floats, Labels]:
        """Logits and labels in memory."""
        return np.load(self.logits), np.load(self.labels)


def make(folder: Path, n: int, k: int, dtype: str = "float32") -> Dump:
    """The dump of this size in the folder; it is written unless it is there."""
    name = f"{n}x{k}-{dtype}"
    dump = Dump(folder / f"{name}-logits.npy", folder / f"{name}-labels.npy", n, k)
    if dump.labels.exists():
        return dump
    logits = np.lib.format.open_memmap(dump.logits, "w+", np.dtype(dtype), (n, k))
    labels = np.empty(n, np.int64)
    start = 0
    for scores, outcomes in blocks(n, k, seed=n + k):
        logits[start : start + len(scores)] = scores
        labels[start : start + len(scores)] = outcomes
        start += len(scores)
    logits.flush()
    np.save(dump.labels, labels)
    return dump


def blocks(n: int, k: int, seed: int) -> Iterator[tuple[Floats, Labels]]:
    """n rows in blocks: stated logits and labels, which are drawn from the true logits."""
    rng = np.random.default_rng(seed)
    rows = max(1, BLOCK // k)
    for start in range(0, n, rows):
        yield _block(min(rows, n - start), k, rng)


def _block(b: int, k: int, rng: np.random.Generator) -> tuple[Floats, Labels]:
    """Logits are noise, raised at one class of each row by a margin that makes some rows certain and others open."""
    row = np.arange(b)
    logits = rng.standard_normal((b, k), np.float32)
    favoured = (k * rng.random(b) ** 1.3).astype(np.int64)
    logits[row, favoured] += (np.log(k) + 0.5 + rng.normal(2.0, 2.5, b)).astype(np.float32)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    wrong = np.flatnonzero(rng.random(b) >= weights[row, favoured] / weights.sum(axis=1))
    labels = favoured.copy()
    others = logits[wrong] + rng.gumbel(size=(len(wrong), k)).astype(np.float32)
    others[np.arange(len(wrong)), favoured[wrong]] = -np.inf
    labels[wrong] = others.argmax(axis=1)
    return logits * np.float32(SHARPENED), labels
