"""Whether a map has seen rows: what it keeps of the rows that it was fitted on, and what that says of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.columns import kept_rows
from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.predictions import Predictions, Source
from calibeval.core.data.shared_rows import Sample, sketch_of, sketched_rows
from calibeval.core.sums.row_hashes import row_hashes
from calibeval.recalibrate.base.scores import chunk_rows

if TYPE_CHECKING:
    from calibeval.recalibrate.base.facts import Fitted

WHOLE = "all"
LISTED = 3


def seen_rows(dump: Predictions, fitted: Fitted) -> Notice | None:
    """The warning that a map is applied to rows that it was fitted on; None if nothing shows that.

    Rows of a file are recognised by its hash and their split, rows in memory by hashes. The scores are read if the
    split is the same, or if they are in memory; a copy of the rows in another file is not noticed.
    """
    if not dump.labelled:  # rows are recognised by their scores and labels
        return None
    if dump.source.path is not None:
        known = None if fitted.sha256 is None else same_file(dump.settled_source(), fitted)
        if known is None or (fitted.sketch is not None and not rows_of_sketch(fitted.sketch, fitted.n, dump)):
            return None
    else:
        rows = 0 if fitted.sketch is None else rows_of_sketch(fitted.sketch, fitted.n, dump)
        if not rows:
            return None
        known = f"the map was fitted on about {rows:,} of these rows"
    return warning("leak", f"{known}, so the results are too optimistic")


def same_file(source: Source, fitted: Fitted) -> str | None:
    """A sentence that the map was fitted on rows of the tested split; None if the hashes do not show that.

    Splits of one file have no rows in common, unless one is the whole file or both contain the same part.
    """
    if fitted.sha256 is None or fitted.sha256 != source.sha256:
        return None
    ours, theirs = _parts(source.split), _parts(fitted.split)
    if ours is not None and theirs is not None and ours.isdisjoint(theirs):
        return None
    return f"the map was fitted on {fitted.n:,} rows of this file, {source.path}" + (
        f"#{fitted.split}" if fitted.split else ""
    )


def same_cases(source: Source, fitted: Fitted, names: Sequence[str]) -> str | None:
    """A sentence that the map was fitted on some of these cases, by their files of scores; None if on none is known.

    names: of the cases of the source. Regions of the same files have no scores in common.
    """
    known, hashes = {*(fitted.cases or ())}, source.cases or ()
    both = [name for name, one in zip(names, hashes, strict=False) if one in known]
    if not both or (None not in (source.split, fitted.split) and source.split != fitted.split):
        return None
    return f"the map was fitted on {len(both):,} of these {len(names):,} cases ({some_of(both)})"


def some_of(names: Sequence[str]) -> str:
    """The first few names, in words.

    >>> some_of(["a", "b"]), some_of(["a", "b", "c", "d"])
    ('a, b', 'a, b, c, ...')
    """
    return ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")


def same_rows_elsewhere(dump: Predictions, fitted: Fitted) -> str | None:
    """That the map was fitted on rows that this dump holds in another file, in words.

    Rows of one file are told apart by their splits.
    """
    if fitted.sketch is None or fitted.sha256 == dump.settled_source().sha256 is not None:
        return None
    rows = rows_of_sketch(fitted.sketch, fitted.n, dump)
    if not rows:
        return None
    where = "" if dump.source.path is None else " in another file"
    return f"the map was fitted on about {rows:,} rows of {dump.source.name}: the same scores and labels{where}"


def _parts(split: str | None) -> set[str] | None:
    """The splits in a name that joins them with +; None for the whole file."""
    return None if split in (None, WHOLE) else set((split or "").split("+"))


def row_sketch(fitted: Predictions) -> str | None:
    """Some of the rows, recognisable in a file of another format."""
    return sketch_of(sample_of(fitted).hashes())


def rows_of_sketch(sketch: str, n: int, tested: Predictions) -> int:
    """About how many of the n rows of a sketch a dump holds, where that is a leak; else 0."""
    return sketched_rows(sketch, n, sample_of(tested).hashes(), one_number=tested.k is None)


def sample_of(predictions: Predictions) -> Sample:
    """What identifies the rows of predictions."""
    width = predictions.scores.shape[1] if predictions.k else 1
    rows = chunk_rows(predictions)
    return Sample(
        source=predictions.settled_source(),
        n=predictions.n,
        width=predictions.k,
        values="scores",
        hashes=lambda: row_hashes(((block.scores, block.labels) for block in predictions.blocks(rows)), width),
        ids=None if predictions.ids is None else lambda: _row_ids(predictions)[kept_rows(predictions)],
        file_rows=predictions.file_rows,
    )


def _row_ids(predictions: Predictions) -> npt.NDArray[Any]:
    """One id for each stored row; the pixels of an image share its id and are distinguished by their position."""
    ids = np.asarray(predictions.ids)
    if len(ids) == predictions.rows:
        return ids
    pixels = predictions.rows // len(ids)
    place = np.tile(np.arange(pixels).astype(str), len(ids))
    return np.char.add(np.char.add(np.repeat(ids.astype(str), pixels), "/"), place)
