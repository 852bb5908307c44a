"""The sums of a dump, in one pass."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.check_values import check_values
from calibeval.core.data.columns import coded_units
from calibeval.core.data.labels_needed import check_labelled
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.core.evaluation.accumulation import GROUP, Accumulation
from calibeval.core.evaluation.batches import Batch, image_numbers, raw_weights
from calibeval.core.evaluation.running_facts import Chunk
from calibeval.core.sums.engine import chunk_rows
from calibeval.core.sums.rows import BadValues


def take_dump(rows: Accumulation, predictions: Predictions, group: str | None = None) -> None:
    """Add the rows of a dump to none. group: the column of their groups; None: the images of dense ones, else none.

    Raises: InputError, UsageError as for `evaluate`.
    """
    for _ in taking_dump(rows, predictions, group, None if group is None else groups_of(predictions, group)):
        pass


def taking_dump(
    rows: Accumulation,
    predictions: Predictions,
    group: str | None,
    groups: npt.NDArray[np.generic] | None,
    *,
    heard: bool = False,
) -> Iterator[None]:
    """As `take_dump`, in steps of a chunk each.

    groups: what names the group of each row; group: how they are called. heard: whether to keep the results of the rows
    until they are taken.
    """
    check_labelled(predictions, "to measure calibration")
    weights, zero = _weights(predictions)
    labels = predictions.labels
    keep = labels != predictions.ignore_index if predictions.ignored else np.ones(predictions.rows, bool)
    running = rows.begin(Batch(predictions, np.empty(0), keep, weights, groups, zero), group or GROUP)
    running.heard = [] if heard else None
    codes = None
    if running.groups is not None:
        codes = running.groups.coded(image_numbers(predictions, 0) if groups is None else groups)
    running.counts.zero += zero
    if len(predictions.layout) > 1:
        running.counts.add_images(0, predictions.layout[0], predictions.layout[1:])
    running.warn(predictions.warnings)
    size = chunk_rows(running.facts.kinds)
    try:
        for start in range(0, predictions.rows, size):
            here = slice(start, min(start + size, predictions.rows))
            own, coded = None if weights is None else weights[here], None if codes is None else codes[here]
            scores = np.asarray(predictions.scores[here])
            running.add(Chunk(scores, labels[here].astype(np.int64), keep[here], own, coded))
            yield
    except BadValues:
        check_values(predictions)
        raise InputError(f"{predictions.source.name}: values contradict the kind {predictions.kind}") from None
    predictions.settled_source()
    rows.batches += 1


def groups_of(predictions: Predictions, group: str) -> npt.NDArray[np.generic]:
    """What names the group of each row."""
    found = coded_units(predictions, group)
    return np.repeat(found.values[found.codes], predictions.rows // max(len(found.codes), 1))


def _weights(predictions: Predictions) -> tuple[Floats | None, int]:
    """The weights as they came, and how many rows are left out because of theirs."""
    if predictions.weights is None:
        return None, 0
    return raw_weights(predictions, np.asarray(predictions.columns[predictions.weights.column]), none=False)
