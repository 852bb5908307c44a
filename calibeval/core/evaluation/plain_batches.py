"""Batches of the most frequent sort, which need no more than a look at their values: logits and numbers of classes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.copied import copied
from calibeval.core.data.row_source import BinaryColumns, as_array
from calibeval.core.evaluation.batches import Batch
from calibeval.core.evaluation.running_facts import Facts

SETTLED = ("class_names", "labels_are", "ignore_index")  # options with which labels need a closer look


def plain_batch(given: Mapping[str, Any], outcome: str, options: Mapping[str, Any], facts: Facts) -> Batch | None:
    """The batch as `read_batch` makes it, if it is plain, and its values are right; else None.

    facts: of the batches before. It must have no groups and weights.
    """
    kinds, scores, labels = facts.kinds, given.get("logits"), given.get(outcome)
    if kinds.kind != "logits" or isinstance(kinds.scores, BinaryColumns) or any(map(options.get, SETTLED)):
        return None
    if facts.weights is not None or facts.grouped or facts.dense or options.get("ignore_index") is not None:
        return None
    if not (_is_plain(scores) and _is_plain(labels)):
        return None
    z, y = as_array(scores, "logits"), as_array(labels, outcome)
    if z.ndim != 2 or z.dtype != kinds.scores.dtype or z.dtype not in (np.float32, np.float64):
        return None
    if z.shape[1] != kinds.k or y.shape != (len(z),) or not len(z) or y.dtype.kind not in "iu":
        return None
    if not (_finite(z) and y.min() >= 0 and y.max() < z.shape[1]):
        return None
    return Batch(copied(kinds, scores=z, labels=y, layout=(len(z),)), z, np.ones(len(z), np.bool_), None, None, 0)


def _is_plain(values: object) -> bool:
    """Whether it is an array or a tensor, without masks, an index or units."""
    return type(values) is np.ndarray or type(values).__module__ == "torch"


def _finite(z: npt.NDArray[Any]) -> bool:
    with np.errstate(invalid="ignore"):
        return math.isfinite(z.min()) and math.isfinite(z.max())
