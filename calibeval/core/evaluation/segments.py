"""The search for the segments that are calibrated worst, over all values of columns and their combinations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import prod
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.columns import kept_labels, kept_rows
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.search import AUTO, Search
from calibeval.core.data.weighted import row_weights
from calibeval.core.errors import UsageError
from calibeval.core.evaluation.cut import effective_rows
from calibeval.core.evaluation.segment_columns import Parts, searched_columns
from calibeval.core.report.segments import Condition, Segment, SegmentSearch, SmallSegment
from calibeval.core.report.settings import Settings
from calibeval.core.sums.engine import all_keys
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.sums.sums import RowScores
from calibeval.core.uncertainty.level import LIKELY_P
from calibeval.core.uncertainty.segments import DRAWS, Segmented, largest_of

WORST = 10
MOST_SEGMENTS = 10_000
T = TypeVar("T")
Places = tuple[tuple[int, int], ...]  # a segment: the number of each column, and of its part


def search_segments(
    predictions: Predictions,
    search: Search,
    settings: Settings,
    resources: Resources = PLAIN,
    known: RowScores | None = None,
) -> SegmentSearch:
    """Test every segment with enough rows. known: the results of every row that is not ignored, if they were kept.

    Raises: UsageError for columns that cannot be searched, too many segments, and rows that depend on each other.
    """
    place = predictions.source.name
    if settings.group is not None or len(predictions.layout) > 1:
        raise UsageError(
            f"{place}: --slice {AUTO} draws independent outcomes, but these rows depend on each other; "
            "name a column for --slice instead"
        )
    rows, least = kept_rows(predictions), settings.min_rows or 1
    p, outcome, labels = _outcomes(predictions, settings.bins, resources, known)
    columns, left_out = searched_columns(predictions, search, rows, (labels, outcome), settings.group)
    depth = min(search.depth, len(columns))
    size = sum(prod(one.count for one in chosen) for chosen in _combined(columns, depth))
    if size > MOST_SEGMENTS:
        raise UsageError(
            f"{place}: there are {size:,} segments of {len(columns)} columns, but at most {MOST_SEGMENTS:,} are "
            f"searched; combine fewer, as in {AUTO}:{max(depth - 1, 1)}, or name columns: {AUTO}:{depth}:COLUMN,COLUMN"
        )
    weights = row_weights(predictions)
    cut = _Divided(columns, depth, least, weights, len(p))
    seed = settings.seed or 0
    found = largest_of(cut.ways, p, outcome, weights, draws=DRAWS, seed=seed)
    chances = found.p()
    order = np.argsort(-found.sigma[1:], kind="stable")[:WORST] + 1

    def conditions(places: Places) -> tuple[Condition, ...]:
        return tuple(columns[column].conditions[part] for column, part in places)

    def segment(index: int) -> Segment:
        return Segment(
            conditions(cut.tested[index]),
            cut.counts[index],
            float(found.gap[index]),
            float(found.sigma[index]),
            float(chances[index]),
            None if weights is None else cut.worth[index],
        )

    return SegmentSearch(
        columns=tuple(one.column for one in columns),
        left_out=tuple(left_out),
        depth=depth,
        min_rows=least,
        draws=DRAWS,
        seed=seed,
        tested=len(cut.tested) - 1,
        beyond=int((chances[1:] < LIKELY_P).sum()),
        repeated=cut.repeated,
        critical=found.critical(),
        whole=segment(0),
        worst=tuple(segment(int(index)) for index in order),
        small=tuple(SmallSegment(conditions(one), n) for one, n in sorted(cut.small, key=lambda small: -small[1])),
    )


class _Divided:
    """All ways to divide rows by some of the columns; the first is one segment of all rows.

    ways: with their segments that are tested. tested, counts, worth: of these segments, way by way, which parts of
    columns they are, their rows, and their effective number. small: those with too few rows. repeated: how many are the
    rows of one with fewer conditions.
    """

    def __init__(self, columns: Sequence[Parts], depth: int, least: int, weights: Floats | None, n: int) -> None:
        self.ways = [Segmented(np.zeros(n, np.intp), 1)]
        self.tested: list[Places] = [()]
        self.counts = [n]
        self.worth = [float(n) if weights is None else float(weights.sum() ** 2 / (weights @ weights))]
        self.small: list[tuple[Places, int]] = []
        self.repeated = 0
        rows: dict[Places, int] = {(): n}
        for chosen in _combined(list(enumerate(columns)), depth):
            codes, shape = np.zeros(n, np.intp), tuple(one.count for _, one in chosen)
            for _, one in chosen:
                codes = codes * one.count + one.codes
            counts = np.bincount(codes, minlength=prod(shape))
            worth = counts if weights is None else effective_rows(codes, weights, len(counts))
            place = np.full(len(counts), len(counts), np.intp)
            kept: list[int] = []
            for code in np.flatnonzero(counts).tolist():
                parts = np.unravel_index(code, shape)
                places = tuple((number, int(part)) for (number, _), part in zip(chosen, parts, strict=True))
                rows[places] = count = int(counts[code])
                if any(rows.get(fewer) == count for fewer in combinations(places, len(places) - 1)):
                    self.repeated += 1
                elif worth[code] < least:
                    self.small.append((places, count))
                else:
                    place[code] = len(kept)
                    kept.append(code)
                    self.tested.append(places)
                    self.counts.append(count)
                    self.worth.append(float(worth[code]))
            if kept:
                self.ways.append(Segmented(place[codes], len(kept)))


def _combined(columns: Sequence[T], depth: int) -> Iterator[tuple[T, ...]]:
    """All combinations of up to `depth` columns."""
    for size in range(1, depth + 1):
        yield from combinations(columns, size)


def _outcomes(
    predictions: Predictions, bins: int, resources: Resources, known: RowScores | None
) -> tuple[Floats, npt.NDArray[np.bool_], npt.NDArray[np.integer]]:
    """The probability and the outcome of each row: of two classes of the positive one, else of the top; its label."""
    labels = kept_labels(predictions)
    if known is None:
        keys = np.concatenate(list(all_keys(predictions, bins, resources.jobs)))
        p, right = (keys >> np.uint64(1)).view(np.float64), (keys & np.uint64(1)).astype(np.bool_)
    else:
        p, right = known.confidence, known.correct
    if predictions.k != 2:
        return p, right, labels
    positive = labels == predictions.positive
    return np.where(positive == right, p, 1.0 - p), positive, labels
