"""What a gate judges in many dumps with axes: each cell as a dump of its own, and means over cells that share rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from calibeval.core.comparison.comparison import ComparedDump
from calibeval.core.data.copied import copied
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.records import to_plain
from calibeval.core.data.source import Source, SourceFile
from calibeval.core.gating.evidence import Evidence, of_metric
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.measured import Measured
from calibeval.core.gating.over import cell_name, point_of
from calibeval.core.gating.rules import Rule
from calibeval.core.gating.ruling import RuleVerdict
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.settings import Settings
from calibeval.core.sums.pairs import Pairs
from calibeval.core.survey.axes import Axis, Point
from calibeval.core.survey.choice import agrees
from calibeval.core.survey.means import mean_of
from calibeval.core.survey.survey import Cell
from calibeval.core.survey.together import Kept, Together
from calibeval.core.survey.told import told_once

NO_MEAN_OF_CHANGES = "the mean of changes has no interval: limit the change of each cell, or the mean itself"
LISTED = 3


@dataclass(frozen=True, slots=True, eq=False)
class JudgedCell:
    """One cell: its dump and baseline, measured. subject: None where the dump could not be read, and error says why.

    lost: why there is no baseline, though one was asked for. kept: of its rows, for means.
    """

    point: Point
    name: str
    subject: Subject | None
    error: Notice | None = None
    lost: Notice | None = None
    kept: Kept | None = None

    def evidence(self, rule: Rule, level: float) -> Evidence:
        """The numbers of this cell under a rule over cells."""
        part = cell_name(self.point)
        missing = self.error or (self.lost if rule.is_change else None)
        if self.subject is None or missing is not None:
            return Evidence(part, 0, None, reason=missing)
        (found,) = self.subject.measure(level).evidence(replace(rule, over=None, cells=None, where=None))
        return replace(found, slice=part)


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredCells:
    """The cells at one level."""

    survey: SurveySubject
    level: float

    @property
    def grouped(self) -> bool:
        """Whether rows depend on each other by groups in some cell."""
        return any(one.grouped for one in self._measured())

    @property
    def compared(self) -> bool:
        """Whether there is a baseline."""
        return self.survey.baseline is not None

    @property
    def dump(self) -> Mapping[str, Any]:
        """All dumps as one: the pattern, and the SHA-256 of each."""
        cells = self.survey.cells
        sources = [None if one.subject is None else one.subject.dump.settled_source() for one in cells]
        files = [
            SourceFile(one.name, source.sha256)
            for one, source in zip(cells, sources, strict=True)
            if source is not None and source.sha256 is not None
        ]
        digest = hashlib.sha256()
        for file in files:
            digest.update(f"{file.path}\0{file.sha256}\n".encode(errors="surrogateescape"))
        known = digest.hexdigest() if len(files) == len(cells) else None
        source = to_plain(Source(self.survey.name, sha256=known, format="survey", files=tuple(files)), "title")
        every = self._measured()
        first, n = next(iter(every), None), sum(one.report.n for one in every)
        reading = {"kind": "logits" if first is None else first.report.kind, "n": n}
        reading |= {"k": None if first is None else first.report.k, "ignored": 0}
        return {"name": f"{self.survey.name} ({len(cells)} cells)", "source": {**source, **reading}}

    @property
    def baseline(self) -> Mapping[str, Any] | None:
        """The baseline as it was named, with the facts of its first dump."""
        if self.survey.baseline is None:
            return None
        found = next((one.comparison.base for one in self._measured() if one.comparison is not None), None)
        own = found or ComparedDump(self.survey.baseline, Source(), "logits", 0, None)
        source = Source(self.survey.baseline, format=own.source.format)
        return replace(own, name=self.survey.baseline, source=source).to_dict()

    @property
    def paired_by(self) -> str | None:
        """How rows are paired: "id" or "position"; None if they are not in some cell."""
        ways = {one.paired_by for one in self._measured()}
        return ways.pop() if len(ways) == 1 else None

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """Those of the cells, once for each kind, with the number of cells."""
        return told_once([one.warnings for one in self._measured()], len(self.survey.cells))

    def left_out(self, rule: Rule) -> int:
        """No cell is too small to be measured: it is an error."""
        del rule
        return 0

    def evidence(self, rule: Rule) -> list[Evidence]:
        """The numbers of each cell, or of the mean over cells."""
        wanted = point_of(rule, self.survey.axes)
        cells = [one for one in self.survey.cells if agrees(one.point, wanted)]
        if rule.of_mean:
            return [self._mean(rule, cells)]
        return [one.evidence(rule, self.level) for one in cells]

    def _mean(self, rule: Rule, cells: Sequence[JudgedCell]) -> Evidence:
        """The numbers of the mean, in which each cell weighs the same."""
        lost = [one for one in cells if one.error is not None]
        if lost:
            first = f"{cell_name(lost[0].point)}: {lost[0].error}"
            return Evidence(None, 0, None, reason=f"{len(lost)} of {len(cells)} cells could not be measured: {first}")
        if rule.is_change:
            return Evidence(None, 0, None, reason=NO_MEAN_OF_CHANGES)
        reports = [one.subject.measure(self.level).report for one in cells if one.subject is not None]
        measured = [
            Cell(one.point, one.name, report.n, report.k, report.metrics)
            for one, report in zip(cells, reports, strict=True)
        ]
        together = Together([one.kept for one in cells], self.level)
        places = range(len(cells))
        found = mean_of(measured, places, (), (), together).metrics.get(rule.metric)
        if found is None:
            return of_metric(rule, None, 0, None, None)
        centres = [own.corrected for report in reports if (own := report.metrics.get(rule.metric)) is not None]
        whole = [one for one in centres if one is not None]
        corrected = float(np.mean(whole)) if len(whole) == len(cells) and found.reason is not None else None
        n = sum(report.n for report in reports)
        result = MetricResult(
            rule.metric, found.value, low=found.low, high=found.high, corrected=corrected, reason=found.reason
        )
        mean = of_metric(rule, None, n, result, None)
        if found.value is not None and found.low is None:
            every = [one.evidence(rule, self.level) for one in cells]
            text = next((one.reason for one in every if one.low is None and one.reason), None)
            mean = replace(mean, reason=text or mean.reason, few=any(one.few for one in every))
        return mean

    def _measured(self) -> list[Measured]:
        return [one.subject.measure(self.level) for one in self.survey.cells if one.subject is not None]


@dataclass(frozen=True, slots=True, eq=False)
class SurveySubject:
    """Many dumps with axes, measured for rules over cells. name, baseline: as they were named."""

    name: str
    axes: tuple[Axis, ...]
    cells: tuple[JudgedCell, ...]
    settings: Settings
    baseline: str | None
    found: dict[float, MeasuredCells] = field(default_factory=dict)

    @property
    def n(self) -> float:
        """The number of rows of all cells."""
        return sum(one.subject.n for one in self.cells if one.subject is not None)

    def measure(self, level: float) -> MeasuredCells:
        """The results and differences of the cells, with intervals at that level."""
        return self.found.setdefault(level, MeasuredCells(self, level))

    def pairs(self, name: str | None) -> Pairs | None:
        """None: rows are not kept."""
        del name
        return None

    def in_units(self, verdicts: tuple[RuleVerdict, ...]) -> tuple[RuleVerdict, ...]:
        """The verdicts as they are: more rows, in each cell, would decide."""
        return verdicts

    def report(self, level: float) -> None:
        """None: there is no single dump."""
        del level


def without_scores(subject: Subject) -> Subject:
    """The subject with its sums, but without the scores of the dumps, so that many of them fit into memory."""
    matched = subject.matched
    if matched is not None:
        matched = replace(matched, base=_bare(matched.base), candidate=_bare(matched.candidate))
    base = _bare(subject.base) if isinstance(subject.base, Predictions) else subject.base
    measured = replace(subject.measured, predictions=_bare(subject.measured.predictions))
    return replace(subject, measured=measured, matched=matched, base=base)


def _bare(dump: Predictions) -> Predictions:
    """The predictions with scores of zero that take no memory."""
    return copied(dump, scores=np.broadcast_to(np.zeros((), np.float32), np.shape(dump.scores)))
