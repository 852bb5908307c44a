"""Cases whose probabilities are divided by their sums where they are read, as for `Predictions`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.check_values import check_values
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import Kind
from calibeval.core.data.source import Source
from calibeval.core.dense.case import Case, Cases, Facts
from calibeval.core.errors import InputError


class DividedCases:
    """Cases whose probabilities are divided by their sums; other scores, and one channel, as they are."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases

    @property
    def facts(self) -> Facts:
        """Those of the cases."""
        return self._cases.facts

    def read(self, number: int) -> Case:
        """A case by its number. Raises: as of the cases; InputError for scores that cannot be divided."""
        case = self._cases.read(number)
        return case._replace(scores=divided_by_sums(case.name, case.scores, self.facts.kind))

    def source(self, found: Sequence[str]) -> Source:
        """Where the cases came from."""
        return self._cases.source(found)


def divided_by_sums(name: str, scores: npt.NDArray[Any], kind: Kind) -> npt.NDArray[Any]:
    """Probabilities (k, ...) divided by their sums; other scores, and one channel, as they are.

    name: of the case, for messages. Raises: InputError for probabilities that are negative, or without a sum.

    >>> divided_by_sums("c0", np.array([[[3.0]], [[1.0]]]), "probs").ravel().tolist()
    [0.75, 0.25]
    """
    k = len(scores)
    if kind != "probs" or k == 1 or not scores.size:
        return scores
    every = scores.reshape(1, k, -1, scores.shape[-1])
    try:
        found = Predictions(probs=every, labels=np.zeros((1, *every.shape[2:]), np.intp), renormalize=True)
        check_values(found)
    except InputError as error:
        raise InputError(f"{name}: {str(error).removeprefix('predictions: ').removeprefix('image 0, ')}") from None
    return np.asarray(found.scores[0 : found.rows]).T.reshape(scores.shape)


def renormalized(cases: Cases, *, renormalize: bool) -> Cases:
    """The cases, with probabilities divided by their sums if that was asked for."""
    return DividedCases(cases) if renormalize else cases
