"""From cases to reports: one pass, with one case in memory for each thread."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from calibeval.core.conventions.table import OWN
from calibeval.core.data.arrays import Codes
from calibeval.core.data.notices import warning
from calibeval.core.dense.as_tools import Found
from calibeval.core.dense.case import Case, Cases
from calibeval.core.dense.image_sums import ImageAdder
from calibeval.core.dense.of_dump import with_block
from calibeval.core.dense.remarks import Remarks
from calibeval.core.dense.results import Images, per_image
from calibeval.core.errors import InputError, UsageError
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.core.evaluation.batches import Batch, read_batch
from calibeval.core.evaluation.case_sides import (
    Channel,
    as_batch,
    channels_of,
    codes_of,
    measured_of,
    options_of,
    with_unit,
)
from calibeval.core.evaluation.image_work import ImageWork, add_image, expecting, image_work
from calibeval.core.evaluation.measured_cases import measured_cases
from calibeval.core.evaluation.running import Running
from calibeval.core.evaluation.tool_images import CasesAsTool, cases_as_tool
from calibeval.core.report.report import DumpReport
from calibeval.core.report.settings import Settings
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.sums.threads import in_order

_PLACE = re.compile(r"^image \d+, ")


class Ready(NamedTuple):
    """A case that was read and checked, and what was computed of it. running: what it is added to."""

    case: Case
    batch: Batch
    work: ImageWork
    running: Running


def evaluate_cases(
    cases: Cases,
    settings: Settings,
    resources: Resources = PLAIN,
    only: Collection[str] | None = None,
    *,
    units: Sequence[str] | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
    renormalize: bool = False,
) -> tuple[DumpReport, ...]:
    """The results of all cases: one dump, or one for each region.

    units: what names the independent unit of each case, such as its patient; None: the case. columns: for each slice
    column, the value of each case.
    Raises: InputError, FileProblem naming the case; UsageError for settings that cases do not have.
    """
    if columns:
        found = measured_cases(cases, settings, resources, only, units=units, columns=columns, renormalize=renormalize)
        return tuple(one.report(settings.level, only) for one in found)
    facts = cases.facts
    if settings.slices:
        raise UsageError("slices of cases need their columns")
    tool = cases_as_tool(cases, settings, renormalize=renormalize)
    settings = replace(settings, convention=OWN)
    runs = [_Run(cases, settings, only, one, units, renormalize=renormalize) for one in channels_of(cases)]
    if resources.progress is not None:
        resources.progress.start(facts.source.path or "cases", len(facts.names))
    one = partial(_read, cases, runs, tool)
    # What the first one tells of all is needed for the others.
    for read, seen in chain(map(one, range(1)), in_order(one, range(1, len(facts.names)), min(resources.jobs, 2))):
        for run in runs:
            run.add(read.pop(0))  # which is held no longer than that
        if tool is not None and seen is not None:
            tool.add(seen)
        if resources.progress is not None:
            resources.progress.advance(1)
    source = cases.source(())
    reports = tuple(run.report(replace(source, split=run.channel.name)) for run in runs)
    return reports if tool is None else (tool.report(reports[0], runs[0].codes),)


def _read(
    cases: Cases, runs: Sequence[_Run], tool: CasesAsTool | None, number: int
) -> tuple[list[Ready], Found | None]:
    """The work of a thread on one case."""
    case = cases.read(number)
    return [run.ready(case, number) for run in runs], None if tool is None else tool.found(case)


class _Run:
    """One channel, or all classes, of all cases."""

    def __init__(
        self,
        cases: Cases,
        settings: Settings,
        only: Collection[str] | None,
        channel: Channel,
        units: Sequence[str] | None,
        *,
        renormalize: bool,
    ) -> None:
        self._facts, self._settings, self.channel, self._units = cases.facts, settings, channel, units
        options = {**options_of(self._facts, channel), "renormalize": renormalize}
        plain = replace(settings, slices=(), min_rows=None, group=None, background=None)
        chosen = None if only is None else tuple(only)
        self._options = options
        self._rows, self._only = Accumulation(None, chosen, plain, options, exact=None), chosen
        self._adder: ImageAdder | None = None
        self._names: list[str] = []
        self._remarks = Remarks()

    def ready(self, case: Case, number: int) -> Ready:
        """What a thread computes of a case before its turn comes. Raises: InputError naming it."""
        scores, labels, marked = measured_of(case, self._facts, self.channel, self._settings.background)
        try:
            batch = read_batch(as_batch(self._facts.kind, scores, marked), "labels", None, None, self._options)
            if self._units is not None:
                batch = batch._replace(groups=np.array([self._units[number]]))
            running = expecting(self._rows, batch)
        except InputError as error:
            text = str(error).removeprefix("predictions: ")
            raise InputError(f"{case.name}: {_PLACE.sub('', text)}") from None
        own = case._replace(labels=labels)
        return Ready(own, batch, image_work(batch, own, running), running)

    def add(self, ready: Ready) -> None:
        """The next case, in order. Raises: InputError naming it."""
        case, work, number, k = ready.case, ready.work, len(self._names), ready.running.facts.kinds.k
        self._remarks.add(case)
        if k is None:
            raise InputError(f"{case.name}: the scores of every class are needed")
        if self._adder is None:
            self._adder = ImageAdder(k, self._settings.bins)
        add_image(ready.running, ready.batch, work, number if self._units is None else self._units[number])
        self._adder.add(work.parts)
        self._names.append(case.name)

    @property
    def codes(self) -> Codes:
        """The number of the independent unit of each case."""
        return codes_of(self._units, len(self._names))

    def report(self, source: Any) -> DumpReport:
        """The report of all cases."""
        if self._adder is None:
            raise InputError("there are no cases")
        settings = self._settings
        dump, _ = self._rows.dump(settings.level, self._only, source)
        dump = with_unit(dump, settings.group)
        sums, pooled = self._adder.sums()
        images = Images(sums, pooled, self._names, self.codes, settings.group)
        names = [one.name for one in dump.per_class]
        background = settings.background or "include"
        block = per_image(images, settings.level, names, background=background, spaced=bool(self._remarks.spaced))
        told = (*self._facts.warnings, *(warning("map_note", one) for one in self._remarks.texts()))
        return replace(with_block(dump, images, block), warnings=(*told, *dump.warnings))
