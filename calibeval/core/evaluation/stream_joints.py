"""How the gaps of bins vary together by groups, for scores that are read block by block: no result of a row is kept.

Sums by group and bin add up over blocks, so they take memory for groups and bins, not for rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.notices import Notice, reason
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import row_weights
from calibeval.core.evaluation.group_joints import PART_SCORES, compared, joint_of
from calibeval.core.evaluation.units import Units
from calibeval.core.sums.by_group import ClassTotals, GapTotals, RowTotals
from calibeval.core.sums.engine import all_keys, chunk_rows, edges_of
from calibeval.core.sums.equal_mass import RowKeys
from calibeval.core.sums.sums import RowScores, Sums
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.joints import MOST_JOINT_CELLS, FitTotals, Joints
from calibeval.core.uncertainty.paths import Joint

NO_CLASSES = reason(
    "over_max_memory", "class-wise bins of slices by groups were not read again, and this dump is over the memory limit"
)
# So much memory is always taken, as each thread takes about as much.
LEAST_BYTES = 2**24
BYTES = 8

Rows = npt.NDArray[np.intp]


def too_large(groups: int, cells: int, memory: int | None) -> Notice | None:
    """Why sums by group and bin are not kept, in words; None if memory allows them. cells: bins of all kinds."""
    needed = BYTES * groups * cells
    if memory is None or needed <= max(memory, LEAST_BYTES):
        return None
    limit = f"over the memory limit of {memory / 2**20:,.0f} MiB"
    text = f"sums of {groups:,} groups in {cells:,} bins need {needed / 2**20:,.0f} MiB, {limit}"
    return reason("over_max_memory", text)


class StreamedGroups:
    """Sums by group while the scores are read: `told` for the first pass, `joints` reads them again."""

    def __init__(self, predictions: Predictions, units: Units, bins: int) -> None:
        self._predictions, self._units, self._bins = predictions, units, bins
        self._rows = RowTotals.empty(units.count)
        self._edges = edges_of(predictions, bins)[1]
        self._top = GapTotals(units.count, self._edges) if bins <= MOST_JOINT_CELLS else None
        self._codes, self._weights = self._blocks(), row_weights(predictions)

    def told(self, rows: RowScores) -> None:
        """The results of the rows of the next block."""
        codes = next(self._codes)
        self._rows.add(rows, codes, rows.weights)
        if self._top is not None:
            self._top.add(rows.confidence, rows.correct, codes, rows.weights)

    def joints(self, sums: Sums, jobs: int, memory: int | None, *, by_class: bool) -> Joints:
        """The joint variation, from one more pass, and a second one for class-wise bins. sums: of all rows."""
        scale = 1.0 if self._weights is None else sums.scale
        clusters = Clusters(self._units.sizes * scale)
        top = None if self._top is None else joint_of(self._top.totals * scale, sums.top, clusters)
        self._top = None
        rows, mass = self._rows.scaled(scale), self._mass(sums, clusters, jobs, scale)
        cells = 0 if sums.classes is None or not by_class else sums.classes.count.size
        if not 0 < cells <= MOST_JOINT_CELLS:
            return Joints(clusters, rows, top, mass, None, fit=self._fit(sums, scale))
        too_many = too_large(self._units.count, 2 * cells, memory)
        classes = self._by_class(sums, clusters, scale) if too_many is None else None
        return Joints(clusters, rows, top, mass, classes, too_many, self._fit(sums, scale))

    def _fit(self, sums: Sums, scale: float) -> FitTotals | None:
        dump, weights = self._predictions, None if self._weights is None else self._weights * scale
        kept = np.flatnonzero(dump.labels != dump.ignore_index) if dump.ignored else None
        return FitTotals.of(
            sums.optimum, lambda places: self._units.at(places if kept is None else kept[places]), weights
        )

    def _own(self, codes: Iterable[Codes]) -> Iterator[tuple[Codes, Floats | None]]:
        """The groups of blocks of rows, each with the weights of its rows."""
        first = 0
        for own in codes:
            yield own, None if self._weights is None else self._weights[first : first + len(own)]
            first += len(own)

    def _blocks(self) -> Iterator[Codes]:
        return self._units.blocks(chunk_rows(self._predictions))

    def _mass(self, sums: Sums, clusters: Clusters, jobs: int, scale: float) -> Joint | None:
        if len(sums.mass.count) > MOST_JOINT_CELLS:
            return None
        gaps = GapTotals(self._units.count, sums.mass_edges)
        every = all_keys(self._predictions, self._bins, jobs)
        for keys, own in zip(every, self._own(self._blocks()), strict=True):
            gaps.add_keys(keys, *own)
        return joint_of(gaps.totals * scale, sums.mass, clusters)

    def _by_class(self, sums: Sums, clusters: Clusters, scale: float) -> Joint | None:
        if sums.classes is None:
            return None
        dump, k = self._predictions, sums.classes.count.shape[0]
        gaps, step = ClassTotals(self._units.count, k, self._edges), max(1, PART_SCORES // k)
        blocks = (block for block in dump.blocks(step) if len(block.labels))
        for block, own in zip(blocks, self._own(self._units.blocks(step)), strict=True):
            gaps.add(compared(np.asarray(block.scores), dump.kind), block.labels.astype(np.intp), *own)
        return joint_of(gaps.totals * scale, sums.classes, clusters)


class StreamedParts:
    """Sums by group of the parts of a dump, each with its own groups: a `Watch` of `part_sums`."""

    def __init__(self, units: Units, parts: Sequence[Rows], bins: int) -> None:
        edges = edges_of(units.predictions, bins)[1]
        self._units, self._parts = units, [np.sort(rows) for rows in parts]
        self._weights = None if row_weights(units.predictions) is None else units.predictions.weights
        self._numbers = [np.unique(units.at(rows)) for rows in parts]
        self._rows = [RowTotals.empty(len(own)) for own in self._numbers]
        few = bins <= MOST_JOINT_CELLS
        self._top = [GapTotals(len(own), edges) if few else None for own in self._numbers]
        self._mass: list[GapTotals | None] = [None] * len(parts)
        self._classes: list[ClassTotals | None] = [None] * len(parts)
        self._no_classes: Notice | None = None
        self._edges = edges
        self._sizes = [np.bincount(self._of(part, rows), weights=self._w(rows)) for part, rows in enumerate(parts)]

    @staticmethod
    def too_large(units: Units, parts: Sequence[Rows], bins: int, memory: int | None) -> Notice | None:
        """Why these sums are not kept, in words; None if memory allows them."""
        groups = sum(len(np.unique(units.at(rows))) for rows in parts)
        return too_large(groups, 2 * bins + len(RowTotals._fields), memory)

    def rows(self, part: int, rows: Rows, results: RowScores) -> None:
        """Some stored rows of a part, and their results."""
        codes, top = self._of(part, rows), self._top[part]
        self._rows[part].add(results, codes, results.weights)
        if top is not None:
            top.add(results.confidence, results.correct, codes, results.weights)

    def all_rows(self, part: int, rows: Rows, keys: RowKeys, edges: Floats) -> None:
        """All stored rows of a part, their sort keys, and the edges of its equal-mass bins."""
        if len(edges) - 1 <= MOST_JOINT_CELLS:
            gaps = GapTotals(len(self._numbers[part]), edges)
            gaps.add_keys(keys, self._of(part, rows), self._w(rows))
            self._mass[part] = gaps

    def read_classes(self, every: Sequence[Sums], memory: int | None) -> None:
        """Add up class-wise bins in one more pass over the scores, if there is memory. every: sums of the parts."""
        k = self._units.predictions.k
        if k is None or not every or k * (len(self._edges) - 1) > MOST_JOINT_CELLS:
            return
        groups = sum(map(len, self._numbers))
        self._no_classes = too_large(groups, 2 * k * (len(self._edges) - 1), memory)
        if self._no_classes is not None:
            return
        gaps = [ClassTotals(len(own), k, self._edges) for own in self._numbers]
        dump, step = self._units.predictions, max(1, PART_SCORES // k)
        for start in range(0, dump.rows, step):
            p = compared(np.asarray(dump.scores[start : start + step]), dump.kind)
            for part, rows in enumerate(self._parts):
                own = rows[slice(*np.searchsorted(rows, (start, start + step)))]
                if len(own):
                    labels = dump.labels[own].astype(np.intp)
                    gaps[part].add(p[own - start], labels, self._of(part, own), self._w(own))
        self._classes = [*gaps]

    def clusters(self, part: int) -> Clusters:
        """The sizes of the groups of a part."""
        return Clusters(np.asarray(self._sizes[part], np.float64))

    def joints(self, part: int, sums: Sums) -> Joints:
        """The joint variation of a part. sums: of its rows."""
        scale = 1.0 if self._weights is None else sums.scale
        clusters, top, mass = Clusters(self.clusters(part).sizes * scale), self._top[part], self._mass[part]
        by_class, classes = self._classes[part], sums.classes
        return Joints(
            clusters,
            self._rows[part].scaled(scale),
            None if top is None else joint_of(top.totals * scale, sums.top, clusters),
            None if mass is None else joint_of(mass.totals * scale, sums.mass, clusters),
            None if by_class is None or classes is None else joint_of(by_class.totals * scale, classes, clusters),
            self._no_classes,
            self._fit(part, sums, scale),
        )

    def _fit(self, part: int, sums: Sums, scale: float) -> FitTotals | None:
        rows = self._parts[part]
        weights = None if self._weights is None else self._weights.values[rows] * scale
        return FitTotals.of(sums.optimum, lambda places: self._of(part, rows[places]), weights)

    def _of(self, part: int, rows: Rows) -> Codes:
        return np.searchsorted(self._numbers[part], self._units.at(rows))

    def _w(self, rows: Rows) -> Floats | None:
        return None if self._weights is None else self._weights.values[rows]
