"""The output of a comparison: differences of two models with their uncertainty; exact JSON both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from calibeval.core.data.documents import json_text, read_document
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Source
from calibeval.core.data.records import Layout, read_record, to_plain
from calibeval.core.errors import InputError, UnknownMetric, nearest
from calibeval.core.report.report import READING, GroupCount
from calibeval.core.report.settings import Settings

SCHEMA, EARLIER = "calibeval.comparison/1", "calibeval.compare/1"


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of two models, and what the sample says of their difference. Absent facts are None.

    base, candidate: the metric's values, as in a report. difference: candidate - base, with its sign.
    low, high: confidence interval of the true difference. p: of the test that there is none; below 1 - level
    exactly where the interval excludes 0, and never given below 1e-15. p_holm: after Holm's correction over the
    slices of one column. detectable: the smallest true difference that such a sample shows in 80 of 100 cases.
    reason: why numbers are missing.
    Errors and shares are fractions, nll is in nats. Where noise biases both values differently, the difference of the
    two may lie outside the interval, which is of the true values.

    >>> nll = Difference("nll", 0.50, 0.46, -0.04, -0.06, -0.02, 0.0001, 0.029)
    >>> nll.certain, nll.to_dict()["high"]
    (True, -0.02)
    """

    name: str
    base: float | None
    candidate: float | None
    difference: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    detectable: float | None = None
    p_holm: float | None = None
    reason: Notice | None = None

    @property
    def certain(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low is not None and self.high is not None and not self.low <= 0.0 <= self.high

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this difference, without its name."""
        return to_plain(self, "name")


@dataclass(frozen=True, slots=True)
class ComparedDump:
    """One side of a comparison: where it came from and how it was read; k is None where only the top label is known.

    n: rows that were compared. report: whether a saved report stood in for the dump itself.
    """

    LAYOUT: ClassVar = Layout(inside=READING | {"report": "source"}, open=True)

    name: str
    source: Source
    kind: str
    n: int
    k: int | None
    ignored: int = 0
    report: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this dump."""
        reading = {"kind": self.kind, "n": self.n, "k": self.k, "ignored": self.ignored, "report": self.report}
        return {"name": self.name, "source": {**to_plain(self.source), **reading}}


@dataclass(frozen=True, slots=True)
class SliceDifferences:
    """The differences on the rows that have one value in a column; column "class" means the label."""

    column: str
    value: str
    n: int
    differences: Mapping[str, Difference]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this slice."""
        return to_plain(self)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate against the base.

    paired_by: what made rows belong together; None where a saved report was compared, and no rows could be paired.
    groups: what intervals take for independent; None where it is the rows.
    """

    LAYOUT: ClassVar = Layout(flat=("dump",), open=True)

    dump: ComparedDump
    paired_by: Literal["id", "position"] | None
    differences: Mapping[str, Difference]
    slices: tuple[SliceDifferences, ...] = ()
    warnings: tuple[Notice, ...] = ()
    groups: GroupCount | None = None

    @property
    def name(self) -> str:
        """The dump's name."""
        return self.dump.name

    def __getitem__(self, metric: str) -> Difference:
        """The difference of that metric.

        Raises: UnknownMetric with the nearest metric.
        """
        if metric not in self.differences:
            known = ", ".join(self.differences)
            raise UnknownMetric(f'metric "{metric}" is unknown{nearest(metric, self.differences)}; there are {known}')
        return self.differences[metric]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this candidate."""
        return {
            **self.dump.to_dict(),
            "paired_by": self.paired_by,
            "differences": {name: d.to_dict() for name, d in self.differences.items()},
            "slices": [one.to_dict() for one in self.slices],
            "warnings": [one.to_dict() for one in self.warnings],
            "groups": None if self.groups is None else to_plain(self.groups),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """One or several candidates against one base, under the same settings.

    `comparison.candidates[0]["ece"]` is the difference of the first candidate's ECE; with one candidate,
    `comparison["ece"]`. `Comparison.from_json(c.to_json()) == c` holds exactly.
    """

    LAYOUT: ClassVar = Layout(open=True)

    version: str
    settings: Settings
    base: ComparedDump
    candidates: tuple[Candidate, ...] = field(default_factory=tuple)

    @property
    def paired(self) -> bool:
        """Whether the differences are of the same rows."""
        return not self.base.report

    def __getitem__(self, metric: str) -> Difference:
        """The difference of that metric for the only candidate.

        Raises: UnknownMetric for a name that is no metric; InputError if there are several candidates.
        """
        if len(self.candidates) != 1:
            count = len(self.candidates)
            raise InputError(f'the comparison has {count} candidates: say comparison.candidates[i]["{metric}"]')
        return self.candidates[0][metric]

    def with_distinct_names(self) -> Comparison:
        """The same; dumps that share a name get their whole paths, and where that does not help, numbers."""
        dumps = [self.base, *(candidate.dump for candidate in self.candidates)]
        names = [dump.name for dump in dumps]
        told = [dump.name if names.count(dump.name) == 1 else _path_and_split(dump) for dump in dumps]
        numbered = [
            replace(dump, name=name if told.count(name) == 1 else f"{dump.name} ({told[: i + 1].count(name)})")
            for i, (dump, name) in enumerate(zip(dumps, told, strict=True))
        ]
        pairs = zip(self.candidates, numbered[1:], strict=True)
        candidates = tuple(replace(candidate, dump=dump) for candidate, dump in pairs)
        return replace(self, base=numbered[0], candidates=candidates)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the whole comparison."""
        return {
            "schema": SCHEMA,
            "version": self.version,
            "settings": self.settings.to_dict(),
            "base": self.base.to_dict(),
            "candidates": [candidate.to_dict() for candidate in self.candidates],
            "paired": self.paired,
        }

    def to_json(self) -> str:
        """The comparison as JSON; numbers round-trip exactly, and there is never a NaN in it."""
        return json_text(self.to_dict())

    @classmethod
    def from_json(cls, text: str | bytes) -> Comparison:
        """The comparison that `to_json` wrote; bytes are UTF-8.

        Raises: InputError if the text is no comparison of this schema, naming the first field that is not what it must
        be.
        """
        return read_document(text, (SCHEMA, EARLIER), "comparison", lambda whole: read_record(whole, cls))


def _path_and_split(dump: ComparedDump) -> str:
    split = "" if dump.source.split is None else f"#{dump.source.split}"
    return (dump.source.path or dump.name) + split
