"""What the first batch tells about all rows that are added up with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calibeval.core.data.notices import warning
from calibeval.core.data.positive import chosen_classes, with_positive
from calibeval.core.data.weights import COLUMN
from calibeval.core.errors import InputError
from calibeval.core.evaluation.batches import Batch, without_rows
from calibeval.core.evaluation.running import Running
from calibeval.core.evaluation.running_facts import Facts
from calibeval.core.metrics.table import needs_pairs, wanted_by
from calibeval.core.report.settings import Settings

if TYPE_CHECKING:
    from calibeval.core.evaluation.accumulation import Accumulation

LEAST = 2  # rows that are looked at; one row may sum to 1 by chance
GROUP = "group"  # what settings call groups that were given as an array


def facts_of(batch: Batch, rows: Accumulation, *, weighted: bool, group: str) -> Facts:
    """The facts of all rows that come after this batch. rows: what it is added to. group: the name of its groups.

    Raises: InputError for another number of classes than was told.
    """
    own = rows.settings
    kinds = with_positive(without_rows(batch.rows), own.positive)
    if rows.wanted_k is not None and kinds.k is not None and kinds.k != rows.wanted_k:
        raise InputError(f"the scores have {kinds.k} classes, but this Accumulator is for k = {rows.wanted_k}")
    grouped, dense = batch.groups is not None, len(batch.rows.layout) > 1
    settings = Settings(
        own.bins, level=own.level, group=group if grouped else None, positive=own.positive, classes=own.classes
    )
    return Facts(
        kinds=kinds,
        settings=settings,
        pairs=needs_pairs(rows.chosen),
        second=wanted_by(rows.chosen),
        classes=chosen_classes(kinds, own.classes or ()),
        weights=(COLUMN if batch.rows.weights is None else batch.rows.weights.column) if weighted else None,
        grouped=grouped or dense,
        dense=dense,
        exact=rows.exact,
        columns_sure=rows.options.get("labels_are") is not None,
    )


def begun(batch: Batch, facts: Facts) -> Running:
    """What the rows of this batch and those after it are added to, with a doubt about logits that look like probs."""
    running = Running(facts)
    scores = batch.scores
    if batch.rows.kind == "logits" and isinstance(scores, np.ndarray) and scores.ndim == 2 and len(scores) >= LEAST:
        sums = scores.sum(axis=1, dtype=np.float64) if scores.shape[1] > 1 and (scores >= 0).all() else np.zeros(1)
        if (np.abs(sums - 1.0) < 0.01).all():
            text = "the logits of the first batch are all non-negative and every row sums to 1, as probabilities do"
            running.warn((warning("logits_like_probs", f"{text}: give those as probs=, not logits="),))
    return running
