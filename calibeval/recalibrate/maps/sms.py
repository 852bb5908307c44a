"""Structured matrix scaling: a matrix and a bias for the logarithms of all classes' probabilities, penalised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.facts import LEAST_ROWS, Solution
from calibeval.recalibrate.maps.by_matrix import View, strengths, view
from calibeval.recalibrate.maps.newton import descend
from calibeval.recalibrate.maps.structured import Start, Structured
from calibeval.recalibrate.temperature.optimum import Optimum

MOST_CLASSES = 200
BLOCK_SCORES = 2**15  # mapped at a time, so that they stay in the cache
TOLERANCE, ENOUGH = 0.05, 1e-7  # of steps, and of the gradient of the mean loss


@dataclass(frozen=True, slots=True, repr=False)
class SmsMap(Structured):
    """Logits matrix z + biases, where z are the logarithms of the probabilities at a temperature.

    The probabilities are first mixed with a small share of equal ones. A probability of 0 stays 0. The map may change
    the predicted class.
    Source: Berta, Holzmüller, Jordan & Bach, AISTATS 2026.
    """

    method: ClassVar[str] = "sms"

    matrix: tuple[tuple[float, ...], ...]
    biases: tuple[float, ...]

    def parameters(self) -> dict[str, Any]:
        """The temperature, the share of equal probabilities, the matrix row by row, and biases."""
        return {**self.first(), "matrix": [list(row) for row in self.matrix], "biases": list(self.biases)}

    @classmethod
    def of_temperature(cls, temperature: float, k: int) -> tuple[Any, ...]:
        """No equal probabilities, the matrix that changes nothing, and no biases."""
        return (temperature, 0.0, _rows(np.eye(k)), (0.0,) * k)

    def scaled(self, z: Floats) -> Floats:
        """The mapped logits."""
        return np.asarray(times_matrix(z, np.asarray(self.matrix)) + np.asarray(self.biases))

    def check(self) -> None:
        """Check the parameters.

        Raises: InputError unless there are a temperature, a share, k rows of k numbers and k biases.
        """
        self.check_first()
        lengths = sorted({len(row) for row in self.matrix})
        if len(self.matrix) != self.k or lengths != [self.k]:
            shown = f" of {' or '.join(map(str, lengths))} numbers" if lengths else ""
            raise InputError(
                f'parameter "matrix" has {len(self.matrix)} rows{shown}, but {self.k} rows of {self.k} are needed'
            )
        if len(self.biases) != self.k:
            raise InputError(f'parameter "biases" has {len(self.biases)} numbers, but {self.k} are needed')


def times_matrix(z: Floats, matrix: Floats) -> Floats:
    """The matrix times each row of z (b, k).

    Not by BLAS, where the last digits of a row depend on the rows beside it: a file that is written in other blocks
    than it is read in would differ.

    >>> times_matrix(np.array([[1.0, 2.0]]), np.array([[1.0, 1.0], [0.0, 3.0]])).tolist()
    [[3.0, 6.0]]
    """
    result, columns = np.zeros(z.shape), np.ascontiguousarray(matrix.T)
    rows = max(1, BLOCK_SCORES // len(columns))
    for start in range(0, len(z), rows):
        part, total = z[start : start + rows], result[start : start + rows]
        product = np.empty_like(total)
        for own, column in zip(part.T, columns, strict=True):
            total += np.multiply(own[:, None], column, out=product)
    return result


def fit_sms(predictions: Predictions, clip: float | None, best: Optimum | None = None) -> Solution:
    """The temperature, the share of equal probabilities, the matrix (k, k) and biases (k,), and how the search ended.

    Minimises the mean NLL plus (k / n) (|diagonal - 1|^2 + |biases|^2) + (k (k - 1) / n) |other entries|^2 for k
    classes and n rows. best: the best temperature, if it is known.
    Raises: InputError for more than 200 classes, or if the scores are too large; BadValues; Impossible.
    Source: Berta, Holzmüller, Jordan & Bach, AISTATS 2026.

    >>> p = Predictions(logits=[[1.0, 0.0], [0.0, 1.0]] * 9, labels=[0, 0] * 9)
    >>> (temperature, equal, matrix, biases), note, search = fit_sms(p, None)
    >>> biases[0] > biases[1], search.converged
    (True, True)
    """
    k = predictions.scores.shape[1]
    if k > MOST_CLASSES:
        raise InputError(
            f"{predictions.source.name}: sms is for at most {MOST_CLASSES} classes, since it fits a matrix of k x k "
            f"numbers, but there are {k}; use vector"
        )
    start = Start.of(predictions, clip, best)
    parts, strength = start.parts(classes_first=True), strengths(k)

    def at(values: Floats) -> View:
        return view(parts, values, strength)

    first = at(np.zeros(k * (k + 1)))
    start.check(first.nll)
    point, search = descend(at, first, TOLERANCE, ENOUGH)
    values = point.values.reshape(k, k + 1)
    found = _rows(np.eye(k) + values[:, :k]), tuple(values[:, k].tolist())
    few = predictions.n < LEAST_ROWS * k
    note = f"{predictions.n:,} rows are few for a matrix of {k} x {k}: vector may be better" if few else None
    return start.solution(found, search, note)


def _rows(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())
