"""`Accumulator`: a report on rows that come batch by batch, without keeping them."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Unpack

import numpy.typing as npt

from calibeval.api.arguments import ARGUMENTS, listed
from calibeval.api.arguments import dumps as dumps_argument
from calibeval.api.arguments import level as level_argument
from calibeval.api.base_batch import base_batch
from calibeval.api.chosen import chosen_metrics
from calibeval.api.dumps import (
    Dump,
    LabelReading,
    and_positive,
    as_class,
    as_classes,
    as_path,
    as_place,
    by_names,
    is_path,
    predictions_of,
    read_by,
)
from calibeval.api.outputs import check_outputs
from calibeval.core.comparison.comparison import Comparison
from calibeval.core.comparison.of_sums import compare_sums, take_pair
from calibeval.core.data.arguments import path as path_argument
from calibeval.core.data.arguments import truth, whole
from calibeval.core.data.class_names import LabelsAre
from calibeval.core.data.foreign import stays
from calibeval.core.data.labels import MOST_CLASSES, outcome_of
from calibeval.core.data.public import public
from calibeval.core.data.row_source import only_kind
from calibeval.core.data.source import Source
from calibeval.core.data.spoken import spoken
from calibeval.core.errors import UsageError
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.core.evaluation.of_dump import take_dump
from calibeval.core.evaluation.saved import to_saved
from calibeval.core.evaluation.settings import checked
from calibeval.core.report.report import Report
from calibeval.readers.formats.sums import read_sums
from calibeval.writers.atomic import write_file
from calibeval.writers.sums import sums_file

if TYPE_CHECKING:
    from calibeval.devices.incoming import Door

OWN_ARGUMENTS = {name: check for name, check in ARGUMENTS.items() if name != "labels"} | {
    "k": whole(1, MOST_CLASSES),
    "exact": truth,
}


class Accumulator:
    """Sums of rows that come batch by batch: the report of all of them, without keeping them.

    >>> part = Accumulator(2, level=None)
    >>> part.update(probs=[[0.8, 0.2]], labels=[0])
    >>> part.update(probs=[[0.4, 0.6]], labels=[0])
    >>> part.report()["accuracy"].value, part.n
    (0.5, 2)
    """

    @public(OWN_ARGUMENTS)
    def __init__(
        self,
        k: int | None = None,
        *,
        metrics: str | Sequence[str] | None = None,
        bins: int | None = None,
        level: float | None = 0.95,
        positive: str | int | None = None,
        classes: str | int | Sequence[str | int] = (),
        class_names: Sequence[str] | None = None,
        labels_are: LabelsAre | None = None,
        ignore_index: int | None = None,
        renormalize: bool = False,
        exact: bool | None = None,
    ) -> None:
        """Nothing yet.

        k: the number of classes; None: that of the first batch. exact: whether to keep the confidence of every row,
        which takes 8 bytes each, for exact equal-mass bins; False: their edges fall on ends of narrow cells, and the
        report says how far the AECE may be from that of exact edges; None: exact up to 4,194,304 rows. The other
        arguments: as for `evaluate`.
        Raises: UsageError for settings that cannot work.
        """
        settings = checked(bins=bins, level=level, positive=as_class(positive), classes=as_classes(classes))
        options = {
            "class_names": class_names,
            "labels_are": labels_are,
            "ignore_index": ignore_index,
            "renormalize": renormalize,
        }
        if k is not None and class_names is not None and len(class_names) != k:
            raise UsageError(f"{len(class_names)} class names, but k is {k}")
        self._rows = Accumulation(k, chosen_metrics(metrics), settings, options, exact=exact)
        self._tensors: Door | None = None

    def reset(self) -> None:
        """Forget all rows, and keep the settings: for the next epoch."""
        self._rows = self._rows.empty()

    @public({})
    def update(
        self,
        *,
        logits: Any = None,
        probs: Any = None,
        log_probs: Any = None,
        confidence: Any = None,
        labels: Any = None,
        correct: Any = None,
        groups: npt.ArrayLike | None = None,
        weights: npt.ArrayLike | None = None,
        base: Any = None,
        ids: npt.ArrayLike | None = None,
    ) -> None:
        """Add the rows of a batch; all batches together are measured as if they were joined.

        logits, probs or log_probs (n, k), or confidence (n,) with correct; labels (n,): arrays or tensors as for
        `evaluate`, of one kind in all batches. groups: (n,), whose equal values mark rows that depend on each other,
        also in other batches. weights: (n,), numbers of at least 0 by which rows count. base: scores of another model
        on the same rows, of the same kind, (n, k), or a dict of its scores by their kind, such as {"probs": ...}; with
        the confidence alone, {"confidence": ..., "correct": ...}. Then `compare()` gives the differences from it.
        ids: (n,), of rows or images; all batches have them or none. The report warns if an id comes twice, also in
        another batch or after `merge`. They take 8 bytes each in memory, a digest, and are not saved.
        Raises: InputError, UsageError for rows that cannot be used. Then nothing of this batch is added. Small batches
        of tensors on a GPU are looked at together, when some have come or a number is asked for: an error then names
        the batch that is wrong, of which nothing is added, and all others are.
        """
        arrays = {"logits": logits, "probs": probs, "log_probs": log_probs, "confidence": confidence}
        kind = only_kind(arrays)
        outcome, name = outcome_of(kind, labels, correct)
        if outcome is not None and _empty(outcome):
            self._rows.check_empty(kind, arrays[kind], {"groups": groups, "weights": weights, "ids": ids})
            return
        rows = self._rows
        first, ids_before = rows.running is None, rows.running is not None and rows.running.ids is not None
        if base is None and ids is None and rows.base is None and not ids_before and stays(arrays[kind]):
            batch = self._door().batch(kind, arrays[kind], outcome, weights, groups, first=first)
            if batch is not None:
                self._rows.add_on_device(batch)
                return
        beside = None if base is None else base_batch(base, kind, name, outcome)
        rows.look()
        self._rows.add({kind: arrays[kind], name: outcome}, name, groups, weights, beside, ids)

    def _door(self) -> Door:
        """Where tensors come in, made when the first comes: torch has then been imported."""
        if self._tensors is None:
            from calibeval.devices.incoming import Door

            self._tensors = Door(self._rows.options)
        return self._tensors

    @public({})
    def merge(self, other: Accumulator) -> None:
        """Add all rows of another accumulator, which stays as it is.

        Raises: UsageError naming what differs, if its settings or its rows are of another sort.
        """
        if not isinstance(other, Accumulator):
            raise UsageError(f"merge takes an Accumulator, but a {type(other).__name__} came")
        if other is self:
            raise UsageError("an Accumulator cannot be merged with itself: every row would count twice")
        self._rows.merge(other._rows)

    def report(self) -> Report:
        """The report of all rows so far: the one that `evaluate` gives of them, of images without `per_image`.

        Further batches may follow.

        Raises: InputError if there are no rows yet, or if their scores are lists of the best ones.
        """
        with spoken():
            return self._rows.report()

    @public({"level": level_argument, "metrics": listed})
    def compare(self, *, metrics: str | Sequence[str] | None = None, level: float | None = None) -> Comparison:
        """The differences from the base that came beside the rows: what `calibeval.compare` gives of all of them.

        metrics: as for `evaluate`; None: those of this accumulator. level: of the intervals; None: that of this
        accumulator, or 0.95. A difference that needs every row has none of its numbers, and its reason says so.
        Raises: UsageError if no base came; InputError if there are no rows yet.

        >>> part = Accumulator(2)
        >>> part.update(probs=[[0.8, 0.2], [0.4, 0.6]], labels=[0, 0], base=[[0.7, 0.3], [0.9, 0.1]])
        >>> part.compare()["accuracy"].difference
        -0.5
        """
        own = self._rows.settings.level
        found = level if level is not None else own if own is not None else 0.95
        return compare_sums(self._rows, Source(title="rows"), level=found, only=chosen_metrics(metrics))

    @public({"path": path_argument, "exact": truth, "min_cell": whole(2)})
    def save(self, path: str | PathLike[str], *, exact: bool = False, min_cell: int | None = None) -> None:
        """Write the sums to a file, without rows; `load` reads it. A cell with one row still shows what that row adds.

        exact: also write the confidence of every row (8 bytes each), and the scores of the sampled rows that the
        temperature is fitted on, so that the report of what is read is the same to the last bit.
        min_cell: the least number of rows of a bin or cell; smaller ones are joined to their neighbours, and the report
        tells how far its numbers may be from those of all bins.
        Raises: InputError if there are no rows, or if a class has fewer than min_cell; UsageError for exact sums with
        min_cell, for min_cell and rows with groups or weights, and for a folder; FileProblem if it cannot be written.
        """
        if exact and min_cell is not None:
            raise UsageError("exact sums hold every confidence, so min_cell cannot be combined with exact")
        header, arrays = to_saved(self._rows, exact=exact, least=min_cell)
        file = as_path(path)
        check_outputs([file], [])
        write_file(file, sums_file(header, arrays))

    @classmethod
    @public({"path": path_argument})
    def load(cls, path: str | PathLike[str]) -> Accumulator:
        """The accumulator that `save` wrote; more rows may follow, and it can be merged.

        Raises: InputError for a file that holds no saved sums, or is damaged; FileProblem if it cannot be read.
        """
        made = cls()
        made._rows = read_sums(as_place(path))
        return made

    @classmethod
    @public(ARGUMENTS | {"dumps": dumps_argument, "base": dumps_argument, "exact": truth}, LabelReading.__annotations__)
    def read(
        cls,
        dumps: Dump | Sequence[Dump],
        *,
        metrics: str | Sequence[str] | None = None,
        bins: int | None = None,
        level: float | None = 0.95,
        positive: str | int | None = None,
        classes: str | int | Sequence[str | int] = (),
        exact: bool | None = None,
        group: str | None = None,
        base: Dump | Sequence[Dump] | None = None,
        jobs: int = 1,
        max_memory: int | None = None,
        **reading: Unpack[LabelReading],
    ) -> Accumulator:
        """The sums of dumps, each a path or predictions, in one pass; further rows may follow.

        group: a column whose equal values mark rows that depend on each other. base: for each dump another model's on
        the same rows, for `compare()`. jobs: number of threads; the sums do not depend on it. The other arguments: as
        for `Accumulator` and `read`.
        Raises: as `evaluate`; UsageError naming what differs, if dumps are of different sorts.
        """
        names = ("class_names", "labels_are", "ignore_index", "renormalize")
        told: dict[str, Any] = {"renormalize": False} | {name: one for name, one in reading.items() if name in names}
        made = cls(
            None, metrics=metrics, bins=bins, level=level, positive=positive, classes=classes, exact=exact, **told
        )
        every = by_names(dumps)[0]
        bases = [None] * len(every) if base is None else by_names(base)[0]
        if len(bases) != len(every):
            raise UsageError(f"{len(every)} dumps, but {len(bases)} bases: give one for each, in their order")
        read_by(reading, [*every, *(one for one in bases if one is not None)])
        options = and_positive(reading, positive)
        for dump, beside in zip(every, bases, strict=True):
            rows, one = made._rows, predictions_of(dump, options if is_path(dump) else {}, max_memory)
            part = rows.empty()
            if beside is None:
                take_dump(part, one, group, jobs)
            else:
                other = predictions_of(beside, options if is_path(beside) else {}, max_memory)
                take_pair(part, other, one, group, jobs)
            rows.merge(part)
        return made

    @property
    def n(self) -> int:
        """The number of rows so far, without the ignored ones."""
        whole = self._rows.whole()
        return 0 if whole is None else whole.counts.n

    @property
    def k(self) -> int | None:
        """The number of classes; None if it is not known yet, or only the top label is known."""
        return self._rows.k

    def __repr__(self) -> str:
        """The numbers of rows, classes and batches."""
        return f"<Accumulator: n={self.n}, k={self.k}, batches={self._rows.batches}>"


def _empty(outcome: object) -> bool:
    """Whether there are no rows."""
    shape = getattr(outcome, "shape", None)
    if isinstance(shape, tuple):
        return len(shape) > 0 and shape[0] == 0
    return isinstance(outcome, list | tuple) and not outcome
