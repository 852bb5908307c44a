"""Assigning rows to folds: each label evenly, groups kept together, and reproducible by the seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.labels_needed import check_labelled
from calibeval.core.data.lazy_columns import refuse_left
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.ranges import MOST_SEED, check_whole
from calibeval.core.errors import InputError, UsageError, nearest

Folds = npt.NDArray[np.int16]

NO_FOLD = -1


def deal(predictions: Predictions, folds: int, seed: int, groups: npt.NDArray[Any] | None = None) -> Folds:
    """The fold of every stored row, (rows,) in [0, folds); ignored rows have NO_FOLD.

    groups: (rows,) of any type; rows with equal entries get the same fold.
    Raises: UsageError for fewer than 2 folds, an invalid seed, or groups of another length; InputError if there are
    fewer rows, or groups, than folds.

    >>> p = Predictions(probs=[0.5] * 6, labels=[0, 0, 0, 1, 1, 1])
    >>> sorted(deal(p, folds=3, seed=0)[:3].tolist())
    [0, 1, 2]
    """
    check_labelled(predictions, "to fit a map")
    if not 2 <= folds <= np.iinfo(np.int16).max:
        raise UsageError(f"folds is {folds}, but at least 2 are needed")
    check_whole("seed", seed, 0, MOST_SEED)
    kept = np.flatnonzero(predictions.labels != predictions.ignore_index) if predictions.ignored else slice(None)
    labels = predictions.labels[kept]
    rng = np.random.default_rng(seed)
    if groups is None:
        dealt = _deal_rows(labels, folds, rng)
        units, words = len(labels), "rows"
    else:
        groups = np.asarray(groups)
        if groups.shape != (predictions.rows,):
            raise UsageError(f"groups have shape {groups.shape}, but there are {predictions.rows} rows")
        _, group = np.unique(groups[kept], return_inverse=True)
        dealt = _deal_groups(labels, group, folds, rng)
        units, words = int(group.max()) + 1, "groups"
    if units < folds:
        fewer = f"; at most {units} can be asked for, as with --cross-fit {units}" if units > 1 else ""
        raise InputError(f"{predictions.source.name}: {units} {words} cannot be split into {folds} folds{fewer}")
    result = np.full(predictions.rows, NO_FOLD, np.int16)
    result[kept] = dealt
    return result


def groups_or_images(
    predictions: Predictions, folds: int, groups: npt.NDArray[Any] | None = None
) -> npt.NDArray[Any] | None:
    """The groups; without them, the image of every pixel of dense predictions, as pixels of one image are alike.

    None for rows that are not pixels, and where fewer images than folds have a pixel that is not ignored.

    >>> p = Predictions(logits=np.zeros((5, 2, 1, 3)), labels=np.zeros((5, 1, 3), int))
    >>> groups_or_images(p, 5).tolist()
    [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    >>> groups_or_images(p, 6) is None
    True
    """
    if groups is not None or len(predictions.layout) < 2:
        return groups
    images = np.repeat(np.arange(predictions.layout[0]), predictions.rows // predictions.layout[0])
    kept = images[predictions.labels != predictions.ignore_index] if predictions.ignored else images
    return images if len(np.unique(kept)) >= folds else None


def group_column(predictions: Predictions, name: str | None) -> npt.NDArray[Any] | None:
    """The column whose equal entries keep rows in the same fold; by default the documents of a log.

    Raises: UsageError if the dump has no such column; InputError for one that cannot be used.
    """
    log = predictions.source.log
    if name is None and log is not None and log.group in predictions.columns:
        name = log.group
    if name is None:
        return None
    if name not in predictions.columns:
        refuse_left(predictions.columns, name)
        hint, known = nearest(name, predictions.columns), ", ".join(predictions.columns) or "none"
        raise UsageError(f'{predictions.source.name}: there is no column "{name}"{hint}; there are {known}')
    column = np.asarray(predictions.columns[name])
    return np.repeat(column, predictions.rows // len(column))  # one entry per image applies to all its pixels


def _deal_rows(labels: npt.NDArray[np.integer[Any]], folds: int, rng: np.random.Generator) -> Folds:
    """Deal rows in turn, in random order within each label: folds differ by at most one row, also within a label."""
    shuffled = rng.permutation(len(labels))
    few = labels.astype(np.min_scalar_type(labels.max(initial=0)))  # up to 16 bits are sorted by their digits
    order = shuffled[np.argsort(few[shuffled], kind="stable")]
    result = np.empty(len(labels), np.int16)
    result[order] = np.arange(len(labels)) % folds
    return result


def _deal_groups(
    labels: npt.NDArray[np.integer[Any]], group: npt.NDArray[np.intp], folds: int, rng: np.random.Generator
) -> Folds:
    """Assign groups from large to small (ties at random), each to the fold that most lacks its most frequent label."""
    groups, k = int(group.max()) + 1, int(labels.max()) + 1
    pair, rows = np.unique(group * k + labels, return_counts=True)
    owner, label = pair // k, pair % k
    usual = np.zeros(groups, np.int64)
    by_rows = np.argsort(rows, kind="stable")
    usual[owner[by_rows]] = label[by_rows]  # the last one written is the most frequent
    size = np.bincount(group, minlength=groups)
    shuffled = rng.permutation(groups)
    order = shuffled[np.argsort(-size[shuffled], kind="stable")]
    of_label, of_all = np.zeros((folds, k)), np.zeros(folds)
    fold = np.empty(groups, np.int16)
    for one in order.tolist():
        lack = np.lexsort((of_all, of_label[:, usual[one]]))
        fold[one] = lack[0]
        of_label[lack[0], usual[one]] += size[one]
        of_all[lack[0]] += size[one]
    return fold[group]
