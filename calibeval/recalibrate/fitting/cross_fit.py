"""Out-of-fold recalibration: every row is mapped by a map fitted on other rows, so one dump gives unbiased results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.folds import NO_FOLD, Folds, deal, groups_or_images
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import RowSource
from calibeval.recalibrate.base.mapped_rows import MappedRows
from calibeval.recalibrate.base.mapping import Map, mapped_rows
from calibeval.recalibrate.base.scores import log_softmax
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.fitting.folds import training_rows
from calibeval.recalibrate.fitting.methods import AUTO, check_rows

SEED = 0


@dataclass(frozen=True, slots=True)
class CrossFitted:
    """Predictions mapped out of fold, with the maps (one per fold) and the fold of every stored row."""

    predictions: Predictions
    maps: tuple[Map, ...]
    folds: Folds

    def __repr__(self) -> str:
        """One short line: the method, folds and rows."""
        return f"<CrossFitted: {self.method} in {len(self.maps)} folds, n={self.predictions.n}>"

    @property
    def method(self) -> str:
        """The method of the maps; "auto" if it is not the same in all folds."""
        return method_of(self.maps)


def method_of(maps: Sequence[Map]) -> str:
    """The method of all maps, one for each fold; "auto" if they differ."""
    methods = {one.method for one in maps}
    return methods.pop() if len(methods) == 1 else AUTO


def cross_fit(
    predictions: Predictions,
    folds: int = 5,
    method: str = "temperature",
    *,
    seed: int = SEED,
    groups: npt.NDArray[Any] | None = None,
    objective: str = "nll",
    clip: float | None = None,
) -> CrossFitted:
    """Map every row by a map that was fitted on the other folds.

    folds: number of folds, at least 2; each label is spread evenly over them. method: one of METHODS, or "auto", which
    then chooses within the training rows of each fold. seed: of the random assignment to folds. groups: (rows,); rows
    with equal entries stay in one fold; of dense predictions, the images are the groups by default. objective, clip: as
    for `fit`.
    Returns: CrossFitted. Only labels and folds are kept in memory, 10 bytes per row; scores are mapped when they are
    read.
    Raises: as `fit` and `folds.deal`.

    >>> p = Predictions(logits=[[2.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 3.0]] * 5, labels=[0, 1, 1, 0] * 5)
    >>> fitted = cross_fit(p, folds=2)
    >>> fitted.predictions.n, len(fitted.maps)
    (20, 2)
    """
    groups = groups_or_images(predictions, folds, groups)
    dealt = deal(predictions, folds, seed, groups)
    check_rows(predictions, method)
    maps: list[Map] = []
    for fold in range(folds):
        rest = training_rows(predictions, dealt, fold, folds)
        maps.append(fit(rest, method, objective=objective, clip=clip, seed=seed, groups=groups))
    rows = [mapped_rows(predictions, one) for one in maps]
    scores = FoldRows(predictions.scores, tuple(source for source, _ in rows), dealt)
    return CrossFitted(predictions.with_scores(scores, rows[0][1]), tuple(maps), dealt)


@dataclass(frozen=True, slots=True, eq=False)
class FoldRows:
    """Rows of scores, each mapped by the map of its fold when it is read."""

    scores: RowSource
    mapped: tuple[MappedRows, ...]
    folds: Folds

    @property
    def made_by(self) -> str:
        """The maps in a few words: "temperature, 5 folds"."""
        return f"{method_of([one.recalibration for one in self.mapped])}, {len(self.mapped)} folds"

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows, and of classes."""
        return self.scores.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Always float64, whatever the stored type."""
        return np.dtype(np.float64)

    def __getitem__(self, rows: slice, /) -> Floats:
        scores, folds = np.asarray(self.scores[rows]), self.folds[rows]
        result = np.zeros(scores.shape)
        mixed = scores.ndim > 1 and len({mapped.recalibration.method for mapped in self.mapped}) > 1
        for fold, mapped in enumerate(self.mapped):
            here = folds == fold
            if here.any():
                part = mapped.map(scores[here])
                result[here] = log_softmax(part) if mixed else part
        result[folds == NO_FOLD] = np.nan
        return result
