"""The sums of a dump, in one pass."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.check_values import check_values
from calibeval.core.data.columns import coded_units, group_of
from calibeval.core.data.labels_needed import check_labelled
from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.core.evaluation.batches import Batch, image_numbers, raw_weights
from calibeval.core.evaluation.chunk_work import Ready
from calibeval.core.evaluation.first_batch import GROUP
from calibeval.core.evaluation.running_facts import Chunk
from calibeval.core.sums.engine import chunk_rows
from calibeval.core.sums.rows import BadValues
from calibeval.core.sums.threads import in_order


def take_dump(rows: Accumulation, predictions: Predictions, group: str | None = None, jobs: int = 1) -> None:
    """Add the rows of a dump to none. group: the column of their groups; None: the images of dense ones, documents of a
    log, else none.

    jobs: number of threads; the sums do not depend on it.

    Raises: InputError, UsageError as for `evaluate`.
    """
    group = group_of(predictions, group)
    for _ in taking_dump(rows, predictions, group, None if group is None else groups_of(predictions, group), jobs):
        pass
    remember(rows, predictions)


def remember(rows: Accumulation, predictions: Predictions) -> None:
    """Note which dump was added, if the SHA-256 of its file is known, so that it is not added again."""
    source = predictions.settled_source()
    if source.sha256 is not None:
        rows.dumps[source.sha256 + ("" if source.split is None else f"#{source.split}")] = source.name


def taking_dump(
    rows: Accumulation,
    predictions: Predictions,
    group: str | None,
    groups: npt.NDArray[np.generic] | None,
    jobs: int,
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
    running.warn([*predictions.warnings, *_left_out(predictions)])
    size = chunk_rows(running.facts.kinds)

    def chunks(first: int, end: int) -> Iterator[Ready]:
        for start in range(first, end, size):
            here = slice(start, min(start + size, end))
            own, coded = None if weights is None else weights[here], None if codes is None else codes[here]
            scores = np.asarray(predictions.scores[here])
            ready = running.ready(Chunk(scores, labels[here].astype(np.int64), keep[here], own, coded))
            if ready is not None:
                yield ready

    first = _first_uneven(weights, keep) // size * size
    try:
        for ends in ((0, first), (first, predictions.rows)):  # weights that differ change the sums of rows before them
            for done in in_order(running.work, chunks(*ends), jobs):
                running.take(done)
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


def _left_out(predictions: Predictions) -> list[Notice]:
    """A warning about answers of a log that were left out, since sums have no other place for it."""
    log = predictions.source.log
    counts = [] if log is None else [f"{one.answers:,} {one.what}" for one in log.counts if one.left_out]
    return [warning("answers_left_out", f"answers were left out: {', '.join(counts)}")] if counts else []


def _first_uneven(weights: Floats | None, keep: npt.NDArray[np.bool_]) -> int:
    """The first stored row whose weight is not that of the rows before; 0 if there is none."""
    own = np.flatnonzero(keep)
    if weights is None or not len(own):
        return 0
    other = own[weights[own] != weights[own[0]]]
    return int(other[0]) if len(other) else 0


def _weights(predictions: Predictions) -> tuple[Floats | None, int]:
    """The weights as they came, and how many rows are left out because of theirs."""
    if predictions.weights is None:
        return None, 0
    return raw_weights(predictions, np.asarray(predictions.columns[predictions.weights.column]), none=False)
