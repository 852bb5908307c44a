"""Cases that are sliced, compared or gated: one pass, with one case of each model in memory for each thread."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np

from calibeval.core.conventions.table import OWN
from calibeval.core.data.arrays import Codes
from calibeval.core.data.notices import Notice
from calibeval.core.data.source import Source
from calibeval.core.dense.as_metrics import of_block
from calibeval.core.dense.case import Case, Cases
from calibeval.core.dense.of_dump import with_block
from calibeval.core.dense.results import per_image
from calibeval.core.errors import InputError, UsageError, nearest
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.core.evaluation.case_parts import Part, natural_key
from calibeval.core.evaluation.case_sides import (
    Cell,
    Channel,
    Ready,
    Side,
    channels_of,
    codes_of,
    options_of,
    with_unit,
)
from calibeval.core.report.per_image import PerImage
from calibeval.core.report.report import DumpReport, SliceResult, SmallSlice
from calibeval.core.report.settings import Settings
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.sums.threads import in_order
from calibeval.core.uncertainty.holm import holm
from calibeval.core.uncertainty.intervals import joint_p_value

_PLACE = re.compile(r"^(?:batch \d+: )?(?:base: )?(?:batch \d+: )?(?:image \d+(?: \(image \d+ of this batch\))?, )?")
THREADS = 2
Columns = Mapping[str, Sequence[str]]


def measured_cases(
    cases: Cases,
    settings: Settings,
    resources: Resources = PLAIN,
    only: Collection[str] | None = None,
    *,
    base: Cases | None = None,
    region: str | None = None,
    units: Sequence[str] | None = None,
    columns: Columns | None = None,
    renormalize: bool = False,
) -> tuple[MeasuredCases, ...]:
    """All cases, measured: as one dump, or as one for each region.

    base: the same cases as another model sees them, in the same order. region: measures this one alone. units: what
    names the independent unit of each case, such as its patient; None: the case. columns: for each slice column, the
    value of each case.
    Raises: InputError, FileProblem naming the case; UsageError for settings that cases do not have.
    """
    facts = cases.facts
    if settings.convention != OWN:
        raise UsageError("folders of cases are measured by calibeval's own convention")
    channels = [one for one in channels_of(cases) if region in (None, one.name)]
    if not channels:
        known = ", ".join(facts.regions or ()) or "none"
        raise UsageError(
            f'{facts.source.name}: there is no region "{region}"{nearest(region or "", facts.regions or ())}; '
            f"there are {known}"
        )
    asked = columns or {}
    found = [MeasuredCases(cases, base, settings, only, one, units, asked, renormalize=renormalize) for one in channels]
    if resources.progress is not None:
        resources.progress.start(facts.source.path or "cases", len(facts.names))
    for read in in_order(partial(_read, cases, base, found), range(len(facts.names)), min(resources.jobs, THREADS)):
        for one, ready in zip(found, read, strict=True):
            one.add(ready)
        if resources.progress is not None:
            resources.progress.advance(1)
    sources = cases.source(()), None if base is None else base.source(())
    for one in found:
        own, other = (None if part is None else replace(part, split=one.channel.name) for part in sources)
        one.sources = own or Source(), other
    return tuple(found)


class Both(NamedTuple):
    """A case as the measured model sees it, and as the base does."""

    own: Ready
    base: Ready | None


def _read(cases: Cases, base: Cases | None, found: Sequence[MeasuredCases], number: int) -> list[Both]:
    """The work of a thread on one case."""
    case = cases.read(number)
    other = None if base is None else aligned(base.read(number), case)
    return [one.ready(case, other) for one in found]


def aligned(base: Case, case: Case) -> Case:
    """The case of the base, with the axes in the order of the other one. Raises: InputError for other labels.

    Both orders may fit, as for a cube of background: then that of the files counts.
    """
    same, turned_same = np.array_equal(base.labels, case.labels), np.array_equal(base.labels.T, case.labels)
    if same and not (turned_same and base.from_x != case.from_x):
        return base
    if turned_same:
        axes = 0, *range(base.scores.ndim - 1, 0, -1)
        turned = None if base.spacing is None else base.spacing[::-1]
        return base._replace(scores=base.scores.transpose(axes), labels=base.labels.T, spacing=turned)
    raise InputError(f"{case.name}: the labels beside the base and beside the candidate differ")


class MeasuredCases:
    """One channel, or all classes, of all cases. sources: of the cases, and of those of the base.

    Cases of the same values in the columns of slices are a cell, whose rows are added up together.
    """

    def __init__(
        self,
        cases: Cases,
        base: Cases | None,
        settings: Settings,
        only: Collection[str] | None,
        channel: Channel,
        units: Sequence[str] | None,
        columns: Columns,
        *,
        renormalize: bool,
    ) -> None:
        self.settings, self.channel, self._units = settings, channel, units
        options = {**options_of(cases.facts, channel), "renormalize": renormalize}
        self.side = Side(cases.facts, settings, channel, options)
        self.base = None if base is None else Side(base.facts, settings, channel, options)
        plain = replace(settings, slices=(), min_rows=None, group=None, background=None)
        self._columns, self._cells = columns, dict[Cell, Accumulation]()
        self._empty = Accumulation(None, None if only is None else tuple(only), plain, options, exact=None)
        self.sources: tuple[Source, Source | None] = (Source(), None)

    def ready(self, case: Case, base: Case | None) -> Both:
        """What a thread computes of a case before its turn comes."""
        return Both(self.side.ready(case), None if self.base is None or base is None else self.base.ready(base))

    def add(self, both: Both) -> None:
        """The next case, in order. Raises: InputError naming it."""
        name = both.own.case.name
        unit = None if self._units is None else np.array([self._units[len(self.side.names)]])
        beside = None if self.base is None or both.base is None else self.base.batch(both.base)
        if both.base is not None and len(both.base.scores) != len(both.own.scores):
            raise InputError(f"{name}: {len(both.own.scores)} classes, but the base has {len(both.base.scores)}")
        cell = tuple(values[len(self.side.names)] for values in self._columns.values())
        rows = self._cells.setdefault(cell, self._empty.empty())
        try:
            rows.look()
            rows.add(self.side.batch(both.own), "labels", unit, base=beside)
        except InputError as error:
            text = _PLACE.sub("", str(error)).removeprefix("predictions: ")
            raise InputError(f"{name}: {text}") from None
        self.side.take(both.own, rows.running, cell)
        if self.base is not None and both.base is not None and rows.base is not None:
            self.base.take(both.base, rows.base.rows.running, cell)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of slices."""
        return tuple(self._columns)

    @property
    def rows(self) -> Accumulation:
        """The rows of all cases, added up."""
        return self.whole.rows

    @cached_property
    def whole(self) -> Part:
        """All cases; no more are added."""
        return self._part(None, [*self._cells])

    def parts(self, column: str) -> list[Part]:
        """The cases of each value of a column, in the order of the values."""
        place = [*self._columns].index(column)
        values = sorted({cell[place] for cell in self._cells}, key=natural_key)
        return [self._part(value, [cell for cell in self._cells if cell[place] == value]) for value in values]

    def _part(self, value: str | None, cells: Sequence[Cell]) -> Part:
        rows = self._cells[cells[0]]
        if len(cells) > 1:
            rows = rows.empty()
            for cell in cells:
                rows.merge(self._cells[cell])
        unit = self.settings.group
        base = None if self.base is None else self.base.images(self.codes, unit, cells)
        return Part(value, rows, self.side.images(self.codes, unit, cells), base)

    @property
    def codes(self) -> Codes:
        """The number of the independent unit of each case."""
        return codes_of(self._units, len(self.side.names))

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """What was told of the folders and of single cases."""
        return self.side.warnings

    @property
    def warnings_of_base(self) -> tuple[Notice, ...]:
        """What was told of the base alone."""
        theirs = () if self.base is None else self.base.warnings
        return tuple(one.reworded(f"the base: {one}") for one in theirs if one not in self.warnings)

    def block(self, part: Part, level: float | None, names: Sequence[str]) -> PerImage:
        """What the images of a part say. names: of the classes."""
        background = self.settings.background or "include"
        return per_image(part.images, level, names, background=background, spaced=self.side.spaced)

    def report(self, level: float | None, only: Collection[str] | None = None) -> DumpReport:
        """The report of all cases at this level. only: limits the metrics of rows to these."""
        dump = with_unit(self.rows.dump(level, only, self.sources[0])[0], self.settings.group)
        names = [one.name for one in dump.per_class]
        found = with_block(dump, self.whole.images, self.block(self.whole, level, names))
        found = replace(found, warnings=(*self.warnings, *dump.warnings))
        if not self._columns:
            return found
        slices, small = slices_of(self, level, only, names)
        return replace(found, slices=tuple(slices), small_slices=tuple(small))


def slices_of(
    cases: MeasuredCases, level: float | None, only: Collection[str] | None, names: Sequence[str]
) -> tuple[list[SliceResult], list[SmallSlice]]:
    """The slices of every column, worst first, and those with too few pixels. names: of the classes.

    Their metrics have the numbers of images, too.
    """
    found: list[SliceResult] = []
    small: list[SmallSlice] = []
    least = cases.settings.min_rows or 1
    for column in cases.columns:
        own: list[SliceResult] = []
        for part in cases.parts(column):
            if part.n < least:
                small.append(SmallSlice(column, part.value or "", part.n))
                continue
            measured = part.rows.measurement(level, only=only)
            positive = measured.sums.positive if measured.sums.k == 2 else None
            metrics = {**measured.metrics(level, only), **of_block(cases.block(part, level, names), positive)}
            joint = None if measured.joints is None else measured.joints.top
            p = None if joint is None else joint_p_value(measured.sums.top, measured.sums.n, joint)
            own.append(SliceResult(column, part.value or "", part.n, metrics, p, None))
        corrected = holm([one.p for one in own])
        own = [replace(one, p_holm=p) for one, p in zip(own, corrected, strict=True)]
        found += sorted(own, key=_badness, reverse=True)
    return found, small


def _badness(one: SliceResult) -> float:
    ece = one.metrics.get("ece")
    if ece is None or ece.value is None:
        return 0.0
    return ece.value - (ece.floor or 0.0) if ece.corrected is None else ece.corrected
