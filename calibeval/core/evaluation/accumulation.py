"""Batches of one sort added up: checked against those before, cut into chunks, merged with those of others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.copied import copied
from calibeval.core.data.positive import chosen_classes, with_positive
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import BinaryColumns
from calibeval.core.data.source import Source
from calibeval.core.data.weights import COLUMN
from calibeval.core.errors import InputError, UsageError
from calibeval.core.evaluation.batches import Batch, check_empty, counted, read_batch
from calibeval.core.evaluation.measurement import Measurement
from calibeval.core.evaluation.mergeable import check_mergeable
from calibeval.core.evaluation.on_device import DeviceBatch, DeviceSums
from calibeval.core.evaluation.rechunked import Rechunked
from calibeval.core.evaluation.running import Running
from calibeval.core.evaluation.running_facts import Chunk, Facts
from calibeval.core.evaluation.settings import stamped
from calibeval.core.metrics.table import needs_pairs, wanted_by
from calibeval.core.report.report import DumpReport, Report
from calibeval.core.report.settings import Settings
from calibeval.core.sums.engine import chunk_rows
from calibeval.core.version import VERSION

GROUP = "group"  # what settings call groups that were given as an array


class Accumulation:
    """The rows of all batches so far.

    k: the number of classes; None: that of the first batch. chosen: the metrics; None: those of every report.
    settings: without groups. options: of `Predictions`, the same for all batches. exact: as in `RunningKeys`.
    batches: their number. files: the names of files of saved sums that are in these, by their SHA-256.
    running: the rows of full chunks; waiting: the others. Both are None before the first batch. device: rows after
    these whose sums are on another device; None if there are none.
    """

    def __init__(
        self,
        k: int | None,
        chosen: tuple[str, ...] | None,
        settings: Settings,
        options: Mapping[str, Any],
        *,
        exact: bool | None,
    ) -> None:
        self.wanted_k, self.chosen, self.settings, self.options = k, chosen, settings, options
        self.exact = exact
        self.batches = 0
        self.files: dict[str, str] = {}
        self.running: Running | None = None
        self.waiting: Rechunked | None = None
        self.device: DeviceSums | None = None

    def __getstate__(self) -> dict[str, Any]:
        """All rows, in memory: another process may lack the device."""
        if self.device is not None:
            self._settle()
        return self.__dict__

    @property
    def k(self) -> int | None:
        """The number of classes; None if it is not known yet, or only the top label is known."""
        return self.wanted_k if self.running is None else self.running.facts.kinds.k

    def add(self, given: Mapping[str, Any], outcome: str, groups: object, weights: object) -> None:
        """A batch. given: scores by their kind, and the outcome under its name.

        Raises: InputError, UsageError; then nothing of the batch is added.
        """
        stored, images = self._before()
        weighted = weights is not None
        try:
            self._check_kind(given)
            batch = read_batch(given, outcome, groups, weights, self.options)
            running = self.running or self._first(batch, weighted=weighted)
            self._check_alike(running, batch, weighted=weighted)
        except (InputError, UsageError) as error:
            raise type(error)(counted(error, self.batches + 1, stored, images)) from None
        if self.device is not None:
            self._settle()
            running = self.running or running
        codes = None if running.groups is None else running.groups.coded(_names(batch, images))
        waiting = self.waiting or Rechunked(chunk_rows(running.facts.kinds))
        self.running, self.waiting = running, waiting
        running.counts.zero += batch.zero
        shape = batch.rows.layout
        if len(shape) > 1:
            running.counts.add_images(stored, shape[0], shape[1:])
        running.warn(batch.rows.warnings)
        labels = batch.rows.labels.astype(np.int64)
        waiting.feed(Chunk(batch.scores, labels, batch.keep, batch.weights, codes), running.add)
        self.batches += 1

    def add_on_device(self, batch: DeviceBatch) -> bool:
        """Add a batch on a device; whether it could be, as some metrics need what is not summed there.

        Raises: as `add`.
        """
        weighted = batch.sort.weights is not None
        stored, images = self._before()
        try:
            self._check_kind({batch.sort.rows.kind: None})
            running = self.running or self._first(batch.sort, weighted=weighted)
            self._check_alike(running, batch.sort, weighted=weighted)
        except (InputError, UsageError) as error:
            raise type(error)(counted(error, self.batches + 1, stored, images)) from None
        if running.facts.second:
            return False
        if self.device is None or not self.device.takes(batch):
            self.running = running
            self._settle()
            self.device = batch.begin(self.running)
        self.device.add(batch)
        self.batches += 1
        return True

    def check_empty(self, kind: str, scores: object, others: Mapping[str, object]) -> None:
        """Check that the other arrays of a batch without labels have no rows either. Raises: InputError, UsageError."""
        stored, images = self._before()
        try:
            self._check_kind({kind: scores})
            k = check_empty(kind, scores, others)
            if k is not None and self.k is not None and k != self.k:
                raise InputError(f"the scores have {k} classes, but this Accumulator is for k = {self.k}")
        except (InputError, UsageError) as error:
            raise type(error)(counted(error, self.batches + 1, stored, images)) from None

    def merge(self, other: Accumulation) -> None:
        """All rows of another one, which stays as it is.

        Raises: UsageError naming what differs, or the saved sums that are in both.
        """
        check_mergeable(self, other)
        self.files |= other.files
        theirs, own = other.whole(), self.whole()
        self.batches += other.batches
        if theirs is None:
            return
        if own is None:
            own = theirs.copy()
        else:
            own.join(theirs)
        self.running, self.waiting, self.device = own, Rechunked(chunk_rows(own.facts.kinds)), None

    def whole(self) -> Running | None:
        """All rows, also those that wait; a copy where there are any."""
        waiting = 0 if self.waiting is None else len(self.waiting)
        if self.running is None or not (waiting or self.device is not None):
            return self.running
        whole = self.running.copy()
        if self.waiting is not None and waiting:
            whole.add(self.waiting.rest())
        if self.device is not None:
            whole.join(self.device.running())
        return whole

    def _settle(self) -> None:
        """Add the rows that wait, and those on a device, to the others."""
        self.running, self.device = self.whole(), None
        if self.running is not None:
            self.waiting = Rechunked(chunk_rows(self.running.facts.kinds))

    def report(self) -> Report:
        """The report of all rows so far. Raises: InputError if there are none."""
        dump, settings = self.dump(self.settings.level, self.chosen)
        return Report(VERSION, stamped(settings, dump.warnings), (dump,))

    def dump(
        self, level: float | None, only: Collection[str] | None, source: Source | None = None
    ) -> tuple[DumpReport, Settings]:
        """The results of all rows at this level of intervals, and their settings. source: where the rows came from.

        Raises: InputError if there are none.
        """
        measured = self.measurement(level, source, only)
        return measured.report(level, only), measured.settings

    def measurement(
        self, level: float | None, source: Source | None = None, only: Collection[str] | None = None
    ) -> Measurement:
        """All rows, measured: as for `dump`. only: metrics that are wanted besides those that were chosen."""
        whole = self.whole()
        if whole is None:
            raise InputError("there are no rows yet: call update() before report()")
        running, facts = whole.copy(), whole.facts
        kinds = facts.kinds if source is None else copied(facts.kinds, source=source)
        settings, pairs = replace(facts.settings, level=level), facts.pairs or needs_pairs(only)
        running.facts = facts._replace(settings=settings, kinds=kinds, pairs=pairs)
        return running.measurement()

    def _before(self) -> tuple[int, int]:
        """The numbers of stored rows and of images so far."""
        if self.running is None:
            return 0, 0
        waiting = 0 if self.waiting is None else len(self.waiting)
        waiting += 0 if self.device is None else self.device.rows
        return self.running.counts.stored + waiting, self.running.counts.images

    def begin(self, batch: Batch, group: str) -> Running:
        """What the rows of a dump are added to; there are no other rows. group: the name of its groups."""
        self.running = self._first(batch, weighted=batch.weights is not None, group=group)
        self.waiting = Rechunked(chunk_rows(self.running.facts.kinds))
        return self.running

    def _first(self, batch: Batch, *, weighted: bool, group: str = GROUP) -> Running:
        """What the batches of the sort of the first one are added to."""
        kinds = with_positive(_without_rows(batch.rows), self.settings.positive)
        if self.wanted_k is not None and kinds.k is not None and kinds.k != self.wanted_k:
            raise InputError(f"the scores have {kinds.k} classes, but this Accumulator is for k = {self.wanted_k}")
        grouped, dense = batch.groups is not None, len(batch.rows.layout) > 1
        own = self.settings
        settings = Settings(
            own.bins, level=own.level, group=group if grouped else None, positive=own.positive, classes=own.classes
        )
        facts = Facts(
            kinds=kinds,
            settings=settings,
            pairs=needs_pairs(self.chosen),
            second=wanted_by(self.chosen),
            classes=chosen_classes(kinds, own.classes or ()),
            weights=(COLUMN if batch.rows.weights is None else batch.rows.weights.column) if weighted else None,
            grouped=grouped or dense,
            dense=dense,
            exact=self.exact,
            columns_sure=self.options.get("labels_are") is not None,
        )
        return Running(facts)

    def _check_kind(self, given: Mapping[str, Any]) -> None:
        """Check that scores are of the kind of those before. Raises: UsageError."""
        known = None if self.running is None else self.running.facts.kinds.kind
        if known is not None and known not in given:
            raise UsageError(f"{next(iter(given))} came, but the batches before had {known}: one Accumulator takes one")

    def _check_alike(self, running: Running, batch: Batch, *, weighted: bool) -> None:
        """Check that the batch is of the sort of those before. Raises: InputError, UsageError."""
        kinds, rows = running.facts.kinds, batch.rows
        if rows.k != kinds.k:
            raise InputError(f"the scores have {rows.k} classes, but those of the batches before had {kinds.k}")
        if rows.precision != kinds.precision and kinds.kind != "logits":
            raise InputError(
                f"the {rows.kind} are of type {rows.scores.dtype}, but those of the batches before were of "
                f"{kinds.scores.dtype}, whose bins have other edges: give all in one type"
            )
        for what, here, before in (
            ("groups", batch.groups is not None, running.facts.settings.group is not None),
            ("weights", weighted, running.facts.weights is not None),
            ("images", len(rows.layout) > 1, running.facts.dense),
        ):
            if here != before:
                one, other = ("has", "had none") if here else ("has no", "had them")
                raise UsageError(f"this batch {one} {what}, but the batches before {other}")


def _without_rows(rows: Predictions) -> Predictions:
    """Predictions of the same kind without any."""
    scores: Any = np.empty((0, *rows.scores.shape[1:]), rows.scores.dtype)
    if isinstance(rows.scores, BinaryColumns):
        scores = BinaryColumns(np.empty(0, rows.scores.dtype), rows.kind)
    return copied(
        rows,
        scores=scores,
        labels=np.empty(0, np.int64),
        columns={},
        ids=None,
        ignore_index=None,
        ignored=0,
        layout=(0,),
        warnings=(),
        weights=None,
    )


def _names(batch: Batch, images: int) -> npt.NDArray[Any]:
    """What names the group of each row: by default the number of its image. images: the number of those before."""
    if batch.groups is not None:
        return batch.groups
    return image_numbers(batch.rows, images)


def image_numbers(rows: Predictions, before: int) -> npt.NDArray[Any]:
    """The number of the image of each pixel. before: the number of images before the first."""
    count, *shape = rows.layout
    return np.repeat(np.arange(before, before + count), int(np.prod(shape)))
