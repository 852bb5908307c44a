"""Batches of one sort added up: checked against those before, cut into chunks, merged with those of others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from calibeval.core.data.copied import copied
from calibeval.core.data.source import Source, SourceFile
from calibeval.core.errors import InputError, UsageError
from calibeval.core.evaluation.base_sums import BaseSums
from calibeval.core.evaluation.batches import Batch, check_empty, counted, group_names, read_batch
from calibeval.core.evaluation.first_batch import GROUP, begun, facts_of
from calibeval.core.evaluation.measurement import Measurement
from calibeval.core.evaluation.mergeable import check_alike, check_kind, check_mergeable
from calibeval.core.evaluation.on_device import DeviceBatch, DeviceSums
from calibeval.core.evaluation.plain_batches import plain_batch
from calibeval.core.evaluation.rechunked import Rechunked
from calibeval.core.evaluation.running import Running
from calibeval.core.evaluation.running_facts import Chunk
from calibeval.core.evaluation.running_ids import ids_of
from calibeval.core.evaluation.settings import stamped
from calibeval.core.metrics.table import needs_pairs
from calibeval.core.report.report import DumpReport, Report
from calibeval.core.report.settings import Settings
from calibeval.core.sums.engine import chunk_rows
from calibeval.core.version import VERSION

LABELS = "labels"


class Read(NamedTuple):
    """A batch that was checked: what it is added to, and the numbers of stored rows and images before it."""

    batch: Batch
    running: Running
    stored: int
    images: int


class Accumulation:
    """The rows of all batches so far.

    k: the number of classes; None: that of the first batch. chosen: the metrics; None: those of every report.
    settings: without groups. options: of `Predictions`, the same for all batches. exact: as in `RunningKeys`.
    batches: their number. files, dumps: the names of files of saved sums, and of dumps, in these by their SHA-256.
    running: the rows of full chunks; waiting: the others. Both are None before the first batch. device: rows after
    these whose sums are on another device; None if there are none. doubted: batches after these, from a device, whose
    values are not surely right; they are not counted yet. base: another model on the same rows; None without.
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
        self.exact, self.batches = exact, 0
        self.files, self.dumps = dict[str, str](), dict[str, str]()
        self.from_files: tuple[SourceFile, ...] = ()  # the same as files
        self.running: Running | None = None
        self.waiting: Rechunked | None = None
        self.base: BaseSums | None = None
        self.device: DeviceSums | None = None
        self.doubted: list[Mapping[str, Any]] = []

    def __getstate__(self) -> dict[str, Any]:
        """All rows, in memory: another process may lack the device."""
        self.look()
        if self.device is not None:
            self._settle()
        return self.__dict__

    def empty(self) -> Accumulation:
        """No rows, under the same settings."""
        return Accumulation(self.wanted_k, self.chosen, self.settings, self.options, exact=self.exact)

    @property
    def k(self) -> int | None:
        """The number of classes; None if it is not known yet, or only the top label is known."""
        return self.wanted_k if self.running is None else self.running.facts.kinds.k

    def add(
        self,
        given: Mapping[str, Any],
        outcome: str,
        groups: object = None,
        weights: object = None,
        base: Mapping[str, Any] | None = None,
        ids: object = None,
    ) -> None:
        """A batch, after a `look` at those before it. given: scores by their kind, and the outcome under its name.

        base: likewise of another model. ids: of the rows.
        Raises: InputError, UsageError; then nothing of the batch is added.
        """
        own, beside = self.read(given, outcome, groups, weights), self.base
        if beside is None and base is not None:
            beside = BaseSums(self.empty())
        if self.running is not None and (self.base is None) != (base is None):
            here, before = ("no base", "had one") if base is None else ("a base", "had none")
            raise UsageError(f"batch {self.batches + 1}: this batch has {here}, but the batches before {before}")
        try:
            named = ids_of(ids, own.batch, None if self.running is None else self.running.ids, first=not self.batches)
        except (InputError, UsageError) as error:
            raise type(error)(counted(error, self.batches + 1, own.stored, own.images)) from None
        theirs = None
        if beside is not None and base is not None:
            theirs = beside.read(base, outcome, groups, weights)
            for one in (own.running, theirs.running):
                one.heard = [] if one.heard is None else one.heard
        running = self.take(own)
        if named is not None:
            running.ids = named if running.ids is None else running.ids.joined(named)
        if beside is not None and theirs is not None:
            self.base = beside
            beside.listen(running, beside.rows.take(theirs))

    def read(self, given: Mapping[str, Any], outcome: str, groups: object, weights: object) -> Read:
        """The batch, checked, and what it is added to. Raises: InputError, UsageError."""
        stored, images = self._before()
        weighted = weights is not None
        if self.running is not None and groups is None and not weighted:
            plain = plain_batch(given, outcome, self.options, self.running.facts)
            if plain is not None:
                return Read(plain, self.running, stored, images)
        try:
            check_kind(self.running, given)
            batch = read_batch(given, outcome, groups, weights, self.options)
            running = self.running or self._first(batch, weighted=weighted)
            check_alike(running.facts, batch, weighted=weighted)
        except (InputError, UsageError) as error:
            raise type(error)(counted(error, self.batches + 1, stored, images)) from None
        return Read(batch, running, stored, images)

    def take(self, read: Read) -> Running:
        """Add a batch that was read."""
        batch, running = read.batch, read.running
        if self.device is not None:
            self._settle()
            running = self.running or running
        codes = None if running.groups is None else running.groups.coded(group_names(batch, read.images))
        waiting = self.waiting or Rechunked(chunk_rows(running.facts.kinds))
        self.running, self.waiting = running, waiting
        running.counts.zero += batch.zero
        shape = batch.rows.layout
        if len(shape) > 1:
            running.counts.add_images(read.stored, shape[0], shape[1:])
        running.warn(batch.rows.warnings)
        labels = batch.rows.labels.astype(np.int64)
        waiting.feed(Chunk(batch.scores, labels, batch.keep, batch.weights, codes), running.add)
        self.batches += 1
        return running

    def look(self) -> None:
        """Look at all batches from a device that nobody has looked at.

        Raises: InputError for the first one that is wrong, of which nothing is added; those after it wait.
        """
        if self.device is not None:
            found = self.device.doubted()
            self.batches -= len(found)
            self.doubted += found
        while self.doubted:
            self.add(self.doubted.pop(0), LABELS)

    def add_on_device(self, batch: DeviceBatch) -> None:
        """Add a batch on a device.

        Raises: as `add`; also InputError about an earlier batch, and then this one waits.
        """
        weighted = batch.sort.weights is not None
        stored, images = self._before()
        try:
            check_kind(self.running, {batch.sort.rows.kind: None})
            running = self.running or self._first(batch.sort, weighted=weighted)
            check_alike(running.facts, batch.sort, weighted=weighted)
        except (InputError, UsageError) as error:
            raise type(error)(counted(error, self.batches + 1, stored, images)) from None
        if self.doubted or (self.device and not (self.device.takes(batch) and self.device.fits(batch))):
            try:
                self.look()
            except InputError:
                self.doubted.append(batch.apart())
                raise
        if self.device is None or not self.device.takes(batch):
            self.running = self.running or running
            self._settle()
            self.device = batch.begin(self.running)
        self.device.add(batch)
        self.batches += 1

    def check_empty(self, kind: str, scores: object, others: Mapping[str, object]) -> None:
        """Check that the other arrays of a batch without labels have no rows either. Raises: InputError, UsageError."""
        stored, images = self._before()
        try:
            check_kind(self.running, {kind: scores})
            k = check_empty(kind, scores, others)
            if k is not None and self.k is not None and k != self.k:
                raise InputError(f"the scores have {k} classes, but this Accumulator is for k = {self.k}")
        except (InputError, UsageError) as error:
            raise type(error)(counted(error, self.batches + 1, stored, images)) from None

    def merge(self, other: Accumulation) -> None:
        """All rows of another one, which stays as it is.

        Raises: UsageError naming what differs, or the saved sums that are in both.
        """
        self.look()
        other.look()
        check_mergeable(self, other)
        base = other.base if self.base is None else self.base
        if base is not None and other.base is not None:
            base = base.with_others(self, other)
        self.files, self.dumps = self.files | other.files, self.dumps | other.dumps
        self.batches, self.from_files = self.batches + other.batches, self.from_files + other.from_files
        theirs, own = other.whole(), self.whole()
        if theirs is None:
            return
        if own is None:
            own = theirs.copy()
        else:
            own.join(theirs)
        own.heard = None if own.heard is None else []
        self.running, self.waiting, self.device, self.base = own, Rechunked(chunk_rows(own.facts.kinds)), None, base

    def whole(self) -> Running | None:
        """All rows, also those that wait; a copy where there are any. Raises: InputError, as `look`."""
        self.look()
        return self._whole()

    def _whole(self) -> Running | None:
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
        self.running, self.device = self._whole(), None
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
        return begun(batch, facts_of(batch, self, weighted=weighted, group=group))
