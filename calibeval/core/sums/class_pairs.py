"""One pass over the class-wise probabilities of two models on the same rows: how the gaps of their bins vary together.

As in `rows.py`, few probabilities of a row lie above the first bin, so only these and those of the label are looked up
one by one; the rest is sums over whole columns. Blocks have a size that depends only on the number of classes and are
added in their order, so the result does not depend on threads or memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats, Indices
from calibeval.core.data.picked_rows import rows_at
from calibeval.core.data.predictions import Predictions
from calibeval.core.sums.binning import bin_index, rounded
from calibeval.core.sums.lines import few_places, quiet_lines
from calibeval.core.sums.rows import FEW_CLASSES
from calibeval.core.sums.sample import Sample
from calibeval.core.sums.threads import in_order

PART_SCORES, PART_ROWS = 2**20, 2**16  # the most scores and rows of a part, the unit of work of a thread
BLOCK_SCORES = 2**17  # of both models and one more array, which fit the cache of a core
HELD_SCORES = 2**24  # read at once where rows are not in the order of a source that is not an array
# Beyond this number of scores of each model, every second (third, ...) row is used, but at least so many rows.
MOST_SCORES, LEAST_ROWS = 2**24, 10_000


@dataclass(frozen=True, slots=True, eq=False)
class ClassRows:
    """The class-wise probabilities of one of two models, to be read when they are needed.

    rows: (n,) numbers of its stored rows, in the order of the pair. nll: (n,) -ln of their labels' probabilities.
    edges: (m + 1,) edges that probabilities are compared with.
    """

    predictions: Predictions
    rows: Indices
    nll: Floats
    edges: Floats

    def at(self, places: Indices) -> ClassRows:
        """The rows at these positions, in this order."""
        return ClassRows(self.predictions, self.rows[places], self.nll[places], self.edges)

    def log_odds(self) -> Floats:
        """For two classes, the stated log-odds of class 1, (n,), as `cox.cox_of` computes them."""
        parts = []
        for scores in self.blocks(BLOCK_SCORES):
            label = np.zeros(len(scores), np.intp)
            pieces = Sample(scores, label, label).pieces(self.predictions.kind)
            parts += [piece.d[1] - piece.d[0] for piece in pieces]
        return np.concatenate(parts)

    def blocks(self, step: int) -> Iterator[npt.NDArray[Any]]:
        """The scores as stored, of `step` rows at a time, in the order of the pair."""
        scores, n = self.predictions.scores, len(self.rows)
        random = isinstance(scores, np.ndarray) or hasattr(scores, "take")
        ascending = bool((self.rows[1:] > self.rows[:-1]).all())
        held = step if random or ascending else step * max(1, HELD_SCORES // (step * scores.shape[1]))
        for first in range(0, n, held):
            own = self.rows[first : first + held]
            found = rows_at(scores, own) if random else _forward(self.predictions, own, step)
            for start in range(0, len(own), step):
                yield found[start : start + step]


class ClassProducts(NamedTuple):
    """How two models' class-wise gaps vary together.

    scores: (n,) of each row, the sum over the candidate's cells of weight times gap, minus that over the base's.
    products: (k, m, l) sums over rows of the product of both models' gaps y - p, by class and both models' bins.
    """

    scores: Floats
    products: Floats


@dataclass(frozen=True, slots=True, eq=False)
class PairedClasses:
    """The class-wise probabilities of two models on the same rows. jobs: number of threads for reading them."""

    models: tuple[ClassRows, ClassRows]
    jobs: int = 1

    def at(self, places: Indices) -> PairedClasses:
        """The rows at these positions, in this order."""
        one, other = self.models
        return PairedClasses((one.at(places), other.at(places)), self.jobs)

    def products(self, labels: Codes, weights: tuple[Floats, Floats]) -> ClassProducts:
        """The products over all rows, or for many rows over every second (third, ...) one.

        labels: (n,) of the pair's rows. weights: (k, m) and (k, l), of the cells of each model.
        """
        step = every_other(len(labels), len(weights[0]))
        if step == 1:
            return class_products(self.models, labels, weights, self.jobs)
        few = self.at(np.arange(0, len(labels), step))
        return class_products(few.models, labels[::step], weights, self.jobs)


def every_other(n: int, k: int) -> int:
    """Which rows are enough for variances: every one (1), every second (2), ...

    >>> every_other(50_000, 10), every_other(50_000, 1000)
    (1, 3)
    """
    return max(1, min(-(-n * k // MOST_SCORES), n // LEAST_ROWS))


def class_products(
    models: tuple[ClassRows, ClassRows], labels: Codes, weights: tuple[Floats, Floats], jobs: int = 1
) -> ClassProducts:
    """Read both models once.

    labels: (n,) of the pair's rows. weights: (k, m) and (k, l), of the cells of each model. jobs: number of threads.
    """
    shape = (*weights[0].shape, weights[1].shape[1])
    scores, products = [], np.zeros(shape[0] * shape[1] * shape[2])
    for own, table in in_order(lambda part: _summed(part, weights), _parts(models, labels), jobs):
        scores.append(own)
        products += table
    return ClassProducts(np.concatenate(scores), products.reshape(shape))


def part_rows(k: int) -> int:
    """The number of rows of a part, which depends only on the number of classes."""
    return max(1, min(PART_SCORES // k, PART_ROWS))


class _Part(NamedTuple):
    """Consecutive rows of the pair: labels, and of each model the scores as stored, and -ln of the labels' p."""

    models: tuple[ClassRows, ClassRows]
    labels: Codes
    scores: tuple[npt.NDArray[Any], npt.NDArray[Any]]
    nll: tuple[Floats, Floats]


def _parts(models: tuple[ClassRows, ClassRows], labels: Codes) -> Iterator[_Part]:
    step = part_rows(models[0].predictions.scores.shape[1])
    starts = range(0, len(labels), step)
    for start, *scores in zip(starts, *(model.blocks(step) for model in models), strict=True):
        here = slice(start, start + step)
        yield _Part(models, labels[here], (scores[0], scores[1]), (models[0].nll[here], models[1].nll[here]))


class Block(NamedTuple):
    """The probabilities of some rows: of the label, (b,), and of all classes with 0 at the label.

    every: flat, of (k, b) with few classes, else of (b, k).
    """

    label: Floats
    every: Floats


def _summed(part: _Part, weights: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """The scores of the rows, (b,), and the flat table of products."""
    n, k = part.scores[0].shape
    step = max(1, min(BLOCK_SCORES // k, n))
    axis = 0 if k <= FEW_CLASSES else 1
    work = [np.empty(step * k) for _ in range(3)]
    scores, entries = np.empty(n), _Entries(weights)
    with quiet_lines():
        for start in range(0, n, step):
            here = slice(start, start + step)
            labels = part.labels[here]
            blocks = [
                probabilities_of(model, own[here], labels, nll[here], out[: len(labels) * k], axis)
                for model, own, nll, out in zip(part.models, part.scores, part.nll, work, strict=False)
            ]
            scores[here] = entries.add(part.models, (blocks[0], blocks[1]), labels, axis, work[2])
    return scores, entries.table()


class _Entries:
    """Products of gaps by cell, collected over the blocks of a part."""

    def __init__(self, weights: tuple[Floats, Floats]) -> None:
        self._weights = weights
        self._shape = (*weights[0].shape, weights[1].shape[1])
        self._whole = np.zeros(self._shape[0])
        self._cells: list[Indices] = []
        self._products: list[Floats] = []

    def add(
        self,
        models: tuple[ClassRows, ClassRows],
        blocks: tuple[Block, Block],
        labels: Codes,
        axis: int,
        work: Floats,
    ) -> Floats:
        """Add the products of a block, and give the scores of its rows."""
        (k, m, others), b = self._shape, len(labels)
        shape = (k, b) if axis == 0 else (b, k)
        one, other = blocks
        product = np.multiply(one.every, other.every, out=work[: k * b])
        self._whole += product.reshape(shape).sum(axis=1 - axis)
        place = few_places((one.every, models[0].edges[1]), (other.every, models[1].edges[1]))
        classes, rows = (place // b, place % b) if axis == 0 else (place % k, place // k)
        both = product.take(place)
        values = [
            rounded(block.every.take(place), model.predictions.kind)
            for model, block in zip(models, blocks, strict=True)
        ]
        bins = [bin_index(own, model.edges) for model, own in zip(models, values, strict=True)]
        self._keep((classes * m + bins[0]) * others + bins[1], both)
        self._whole -= np.bincount(classes, weights=both, minlength=k)
        of_label = [bin_index(block.label, model.edges) for model, block in zip(models, blocks, strict=True)]
        missing = [1.0 - block.label for block in blocks]
        self._keep((labels * m + of_label[0]) * others + of_label[1], missing[0] * missing[1])
        scores = np.zeros(b)
        for sign, i in ((1.0, 1), (-1.0, 0)):
            weights, first = self._weights[i], np.ascontiguousarray(self._weights[i][:, 0])
            rest = np.einsum("ij,i->j" if axis == 0 else "ij,j->i", blocks[i].every.reshape(shape), first)
            above = (weights.ravel().take(classes * weights.shape[1] + bins[i]) - first.take(classes)) * values[i]
            rest = rest + np.bincount(rows, weights=above, minlength=b)
            at_label = weights.ravel().take(labels * weights.shape[1] + of_label[i]) * missing[i]
            scores += sign * (at_label - rest)
        return scores

    def _keep(self, cells: Indices, products: Floats) -> None:
        self._cells.append(cells)
        self._products.append(products)

    def table(self) -> Floats:
        """The products by class and bins of both models, flat; what was not looked up lies in both first bins."""
        k, m, others = self._shape
        table = np.bincount(np.concatenate(self._cells), np.concatenate(self._products), minlength=k * m * others)
        table[:: m * others] += self._whole
        return np.asarray(table, np.float64)


def probabilities_of(
    model: ClassRows, scores: npt.NDArray[Any], labels: Codes, nll: Floats, out: Floats, axis: int
) -> Block:
    """The probabilities of a block, from its scores as stored and what is known of its labels."""
    b, k = scores.shape
    kind, p = model.predictions.kind, out.reshape((k, b) if axis == 0 else (b, k))
    given = scores.T if axis == 0 else scores
    if kind == "logits":
        shift = scores[np.arange(b), labels].astype(np.float64) + nll
        unknown = np.flatnonzero(~np.isfinite(shift))
        if len(unknown):
            own = scores[unknown].astype(np.float64)
            most = own.max(axis=1)
            shift[unknown] = most + np.log(np.exp(own - most[:, None]).sum(axis=1))
        np.subtract(given, shift if axis == 0 else shift[:, None], out=p, dtype=np.float64)
    else:
        np.copyto(p, given)
    if kind == "probs":
        np.clip(p, 0.0, 1.0, out=p)
    else:
        np.exp(p, out=p)
        if kind == "log_probs":
            np.minimum(p, 1.0, out=p)
    at_label = labels * b + np.arange(b) if axis == 0 else np.arange(b) * k + labels
    label = rounded(out.take(at_label), kind)
    out[at_label] = 0.0
    return Block(label, out)


def _forward(predictions: Predictions, rows: Indices, step: int) -> npt.NDArray[Any]:
    """The scores of these stored rows, in this order, from one pass forward over a source."""
    order = np.argsort(rows, kind="stable")
    ascending = rows[order]
    found = np.empty((len(rows), predictions.scores.shape[1]), predictions.scores.dtype)
    for start in range(int(ascending[0]), int(ascending[-1]) + 1, step):
        stop = min(start + step, int(ascending[-1]) + 1)
        first, last = np.searchsorted(ascending, (start, stop))
        if last > first:
            block = predictions.scores[start:stop]
            found[order[first:last]] = block[ascending[first:last] - start]
    return found
