"""Sums by group of rows that come block by block, of groups that are found on the way."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.block import Block
from calibeval.core.data.columns import as_objects
from calibeval.core.data.notices import Notice, reason
from calibeval.core.data.row_source import Kind
from calibeval.core.evaluation.chunk_work import Worked
from calibeval.core.evaluation.group_joints import PART_SCORES, compared, joint_of
from calibeval.core.evaluation.groups import Groups, counted_groups
from calibeval.core.sums.by_group import ClassTotals, GapTotals, RowTotals
from calibeval.core.sums.optimum import Optimum
from calibeval.core.sums.running_keys import RunningKeys
from calibeval.core.sums.sums import RowScores, Sums
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.joints import MOST_JOINT_CELLS, FitTotals, Joints

MOST_BYTES = 2**28  # of class-wise sums by group; without these, the class-wise error has no interval by groups
LEAST_ROOM = 64
NO_MASS = "how equal-mass bins vary by groups needs every row, and these are sums"


class RunningGroups:
    """The groups of rows, in the order in which they came, and sums of their rows.

    column: that names the groups; None: each image is one. edges: that probabilities are compared with.
    names: the numbers of the groups by their names. sizes, rows, top, classes: by group, with room for more of them;
    too_large: why class-wise ones are not kept.
    """

    def __init__(self, column: str | None, k: int | None, edges: Floats) -> None:
        self.column, self._edges, m = column, edges, len(edges) - 1
        self.names: dict[Any, int] = {}
        self.sizes, self.rows = np.zeros(0), RowTotals.empty(0)
        self.top = GapTotals(0, edges) if m <= MOST_JOINT_CELLS else None
        self.classes = ClassTotals(0, k, edges) if k is not None and k * m <= MOST_JOINT_CELLS else None
        self._cells = 0 if self.classes is None or k is None else k * m
        self.too_large: Notice | None = None

    def coded(self, values: npt.NDArray[Any]) -> Codes:
        """The number of the group of each row. values: what names the groups of the rows."""
        column = as_objects(values) if values.dtype.kind == "O" else values
        found, codes = np.unique(column, return_inverse=True)
        own = ["nan" if isinstance(one, float) and math.isnan(one) else one for one in found.tolist()]
        numbers = np.array([self.names.setdefault(name, len(self.names)) for name in own], np.intp)
        self.make_room()
        return np.asarray(numbers[codes], np.intp)

    def add(self, block: Block, rows: RowScores, kind: Kind, codes: Codes) -> None:
        """A block of rows. rows: their results. codes: of their groups."""
        self.sizes += np.bincount(codes, weights=rows.weights, minlength=len(self.sizes))
        self.rows.add(rows, codes, rows.weights)
        if self.top is not None:
            self.top.add(rows.confidence, rows.correct, codes, rows.weights)
        if self.classes is not None:
            step = max(1, PART_SCORES // block.scores.shape[1])
            for here in (slice(start, start + step) for start in range(0, len(codes), step)):
                p = compared(np.asarray(block.scores[here]), kind)
                own = None if rows.weights is None else rows.weights[here]
                self.classes.add(p, block.labels[here].astype(np.intp), codes[here], own)

    def take(self, done: Worked, kind: Kind) -> None:
        """A chunk of rows that have groups."""
        block, codes, sums = done.ready.block, done.ready.codes, done.sums
        if codes is None:
            raise AssertionError("rows without groups")
        if done.together is None:
            self.add(block, done.rows, kind, codes)
            return
        code = int(codes[0])
        self.sizes[code] += len(codes)
        for own, more in zip(self.rows, done.together, strict=True):
            own[code] += more[0]
        if self.top is not None:
            self.top.add_sums(sums.top, code)
        if self.classes is not None and sums.classes is not None:
            self.classes.add_sums(sums.classes, code)

    def code_of(self, name: int | str) -> int:
        """The number of the group of this name, which may be new."""
        code = self.names.setdefault(name, len(self.names))
        self.make_room()
        return code

    def copy(self) -> RunningGroups:
        """The same sums, to which rows can be added."""
        return copy.deepcopy(self)

    def join(self, other: RunningGroups) -> Codes:
        """Add the groups of another one; the number here of each of them. Groups of one name are one group."""
        if self.column is None:  # images of two parts are different images
            first = len(self.names)
            codes = np.arange(first, first + len(other.names))
            self.names.update((int(number), int(number)) for number in codes)
        else:
            codes = np.array([self.names.setdefault(name, len(self.names)) for name in other.names], np.intp)
        self.make_room()
        np.add.at(self.sizes, codes, other.sizes[: len(codes)])
        for own, theirs in zip(self.rows, other.rows, strict=True):
            np.add.at(own, codes, theirs[: len(codes)])
        if self.top is not None and other.top is not None:
            self.top.join(other.top.totals[: len(codes)], codes)
        if self.classes is not None and other.classes is not None:
            self.classes.join(other.classes, codes)
        elif self.classes is not None:
            self.classes, self.too_large = None, other.too_large
        return codes

    def reweight(self, factor: float) -> None:
        """Multiply each weight by the factor; rows without weights have weight 1."""
        self.sizes, self.rows = self.sizes * factor, self.rows.scaled(factor)
        for one in (self.top, self.classes):
            if one is not None:
                one.scale(factor)

    def final(self) -> tuple[Groups, Codes]:
        """The groups that have rows, and for each group the place of its name in their order, or -1."""
        order = self.order()
        places = np.full(len(self.names), -1, np.intp)
        places[order] = np.arange(len(order))
        return counted_groups(self.column, Clusters(self.sizes[order])), places

    def joints(self, sums: Sums, keys: RunningKeys, *, weighted: bool) -> Joints:
        """How the sums of all rows vary together. keys: of all rows. weighted: whether rows have different weights."""
        scale, order = sums.scale if weighted else 1.0, self.order()
        clusters = Clusters(self.sizes[order] * scale)

        def joint(totals: GapTotals | ClassTotals | None, binned: Any) -> Any:
            return None if totals is None else joint_of(totals.totals[order] * scale, binned, clusters)

        mass = None
        if keys.kept and keys.codes is not None and len(sums.mass.count) <= MOST_JOINT_CELLS:
            mass = GapTotals(len(self.sizes), sums.mass_edges)
            mass.add_keys(keys.keys, keys.codes.astype(np.intp), keys.weights)
        return Joints(
            clusters,
            self.rows.at(order).scaled(scale),
            joint(self.top, sums.top),
            joint(mass, sums.mass),
            joint(self.classes, sums.classes),
            self.too_large,
            no_mass=None if keys.kept else reason("rows_not_kept", NO_MASS),
        )

    def order(self) -> Codes:
        """The numbers of the groups that have rows, in the order of their names."""
        there = np.flatnonzero(self.sizes[: len(self.names)] > 0)
        names = [*self.names]
        try:
            found = sorted(there.tolist(), key=names.__getitem__)
        except TypeError:  # numbers and texts
            found = sorted(there.tolist(), key=lambda one: str(names[one]))
        return np.array(found, np.intp)

    def make_room(self) -> None:
        """Make room for all groups that have names."""
        if len(self.names) <= len(self.sizes):
            return
        room = max(2 * len(self.sizes), len(self.names), LEAST_ROOM)
        self.sizes, self.rows = np.pad(self.sizes, (0, room - len(self.sizes))), self.rows.grown(room)
        if self.top is not None:
            self.top.grow(room)
        needed = 16 * room * self._cells
        if self.classes is not None and needed > MOST_BYTES:
            text = (
                f"class-wise sums of {len(self.names):,} groups in {self._cells:,} bins need more than "
                f"{MOST_BYTES / 2**20:.0f} MiB, and are not kept"
            )
            self.classes, self.too_large = None, reason("over_max_memory", text)
        if self.classes is not None:
            self.classes.grow(room)


def fit_totals(optimum: Optimum | None, codes: Codes | None, weights: Floats | None) -> FitTotals | None:
    """The slopes at the optimal temperature by group. codes, weights: of the rows that it is fitted on.

    codes: in the order of the names of the groups, as sums depend on it in their last digit.
    """
    if optimum is None or optimum.slopes is None or codes is None:
        return None
    own = np.unique(codes, return_inverse=True)[1]
    return FitTotals(np.bincount(own, weights=optimum.slopes).astype(np.float64), Clusters.of(own, weights))


def with_fit(joints: Joints, fit: FitTotals | None) -> Joints:
    """The joint variation with that of the temperature."""
    return replace(joints, fit=fit)
