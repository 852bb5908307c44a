"""The output of a comparison: differences between models with their uncertainty, with an exact JSON round trip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from calibeval.core.data.distinct_names import distinct_names
from calibeval.core.data.documents import json_text, read_document
from calibeval.core.data.elsewhere import elsewhere
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Source
from calibeval.core.data.records import Layout, read_record, to_plain
from calibeval.core.metrics.lookup import MetricLookup
from calibeval.core.metrics.possible import check_difference
from calibeval.core.report.report import READING, GroupCount
from calibeval.core.report.settings import Settings
from calibeval.core.uncertainty.level import CERTAIN_P, LIKELY_P

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEW_ERRORS = "few_errors"  # the code of the reason why a difference is not certain
SCHEMA, EARLIER = "calibeval.comparison/1", "calibeval.compare/1"


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of two models and their difference, with its uncertainty. Missing facts are None.

    base, candidate: the metric's values, as in a report. difference: candidate - base, with its sign.
    low, high: confidence interval of the true difference. p: for the hypothesis of no difference; it is below 1 - level
    exactly if the interval excludes 0, and never smaller than 1e-15. p_holm: p after Holm's correction over the metrics
    that tables show; in a slice, over the slices of one column. detectable: the smallest true difference that such a
    sample would show in 80 of 100 cases.
    reason: why numbers are missing, why the interval is approximate, or why the difference is not certain.
    Errors and accuracies are fractions; nll is in nats. If noise biases the two values differently, their difference
    may lie outside the interval, which is for the true values.

    >>> nll = Difference("nll", 0.50, 0.46, -0.04, -0.06, -0.02, 0.0001, 0.029)
    >>> nll.likely, nll.certain, nll.to_dict()["high"]
    (True, True, -0.02)
    """

    LAYOUT: ClassVar = Layout(check=check_difference)

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
    def excludes_zero(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low is not None and self.high is not None and not self.low <= 0.0 <= self.high

    @property
    def likely(self) -> bool:
        """Whether there is a difference, at least likely: the interval excludes 0, and p is below 0.05.

        p: after Holm's correction where there is one; also for `certain`.
        """
        return self.excludes_zero and self._tested < LIKELY_P

    @property
    def certain(self) -> bool:
        """Whether there is a difference for certain: it is likely, p is below 0.001, and both models have 10 errors.

        Both also need 10 right rows. The accuracy, whose test is exact, needs neither.
        """
        few_errors = self.reason is not None and self.reason.code == FEW_ERRORS
        return self.likely and self._tested < CERTAIN_P and not few_errors

    @property
    def _tested(self) -> float:
        p = self.p if self.p_holm is None else self.p_holm
        return 1.0 if p is None else p

    def without_interval(self, reason: Notice) -> Difference:
        """The difference without interval and p, with the reason."""
        if self.difference is None:
            return self
        return Difference(self.name, self.base, self.candidate, self.difference, reason=reason)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this difference, without its name."""
        return to_plain(self, "name")


@dataclass(frozen=True, slots=True)
class ComparedDump:
    """One side of a comparison: its source, and how it was read.

    n: number of compared rows. k: number of classes; None if only the top label is known. report: whether a saved
    report was used instead of a dump.
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
    """The differences on the n rows that have one value in a column; the column "class" is the label.

    effective: with weights, the effective number of rows; else None.
    """

    LAYOUT: ClassVar = Layout(rare=("effective",))

    column: str
    value: str
    n: int
    differences: Mapping[str, Difference]
    effective: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this slice."""
        return to_plain(self)


@dataclass(frozen=True, slots=True)
class Candidate(MetricLookup[Difference]):
    """One candidate compared with the base; `candidate["ece"]` is one difference, and `candidate.items()` gives all.

    paired_by: "id" or "position"; None for a saved report, whose rows cannot be paired.
    groups: the groups that intervals treat as independent; None if rows are independent.
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

    def by_name(self) -> Mapping[str, Difference]:
        """The differences by the names of their metrics."""
        return self.differences

    def __repr__(self) -> str:
        """One short line: name, rows, and the metrics with a difference."""
        return f"<Candidate {self.name}: n={self.dump.n}; {', '.join(self.differences)}>"

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
class Comparison(MetricLookup[Difference]):
    """One or several candidates compared with one base, under the same settings.

    `comparison.candidates[0]["ece"]` is the difference in ECE of the first candidate. With a single candidate,
    `comparison["ece"]` is enough, and `comparison.items()` gives all differences. `print(comparison)` prints what the
    command line prints.
    `Comparison.from_json(c.to_json()) == c` holds exactly.
    """

    LAYOUT: ClassVar = Layout(open=True)

    version: str
    settings: Settings
    base: ComparedDump
    candidates: tuple[Candidate, ...] = field(default_factory=tuple)

    @property
    def paired(self) -> bool:
        """Whether the differences are between paired rows."""
        return not self.base.report

    def by_name(self) -> Mapping[str, Difference]:
        """The differences of the only candidate by the names of their metrics; empty if there are several."""
        return self.candidates[0].differences if len(self.candidates) == 1 else {}

    def elsewhere(self) -> str:
        """Where the differences of several candidates are."""
        count = len(self.candidates)
        return "" if count == 1 else f'the comparison has {count} candidates: use comparison.candidates[i]["ece"]'

    def __repr__(self) -> str:
        """One short line: the candidates, the base, and the metrics with a difference."""
        names = ", ".join(one.name for one in self.candidates)
        metrics = ", ".join(self.candidates[0].differences) if self.candidates else "nothing"
        return f"<Comparison of {names} with {self.base.name}: {metrics}>"

    def __str__(self) -> str:
        """What `calibeval compare` prints, 100 columns wide and without colours, with the warnings at the end."""
        shown: str = elsewhere("calibeval.api.show", "comparison_text")(self)
        return shown

    def figure(self, *, width: float | None = None) -> Figure:
        """The differences with their intervals as a matplotlib figure. width: in inches; None: 7.

        Raises: InputError if no difference can be drawn.
        """
        drawn: Figure = elsewhere("calibeval.api.show", "comparison_figure")(self, width)
        return drawn

    def save(self, folder: str | PurePath) -> Path:
        """Write compare.html, compare.md and compare.json to a folder (created if missing), and return its path.

        Raises: FileProblem if they cannot be written.
        """
        made: Path = elsewhere("calibeval.api.save", "save_comparison")(self, folder)
        return made

    def _repr_html_(self) -> str:
        """The HTML that a notebook shows for the comparison."""
        shown: str = elsewhere("calibeval.api.show", "comparison_html")(self)
        return shown

    def with_names(self, names: Sequence[str | None]) -> Comparison:
        """The same comparison with other names for the candidates; None keeps a name."""
        pairs = zip(self.candidates, names, strict=True)
        renamed = (one if name is None else replace(one, dump=replace(one.dump, name=name)) for one, name in pairs)
        return replace(self, candidates=tuple(renamed))

    def with_distinct_names(self) -> Comparison:
        """The same comparison; dumps that share a name get as much of their paths as is needed, or a number."""
        dumps = [self.base, *(candidate.dump for candidate in self.candidates)]
        names = distinct_names([(dump.name, dump.source) for dump in dumps])
        base, *others = (replace(dump, name=name) for dump, name in zip(dumps, names, strict=True))
        pairs = zip(self.candidates, others, strict=True)
        return replace(
            self,
            base=base,
            candidates=tuple(
                replace(one, dump=dump, warnings=_renamed(one.warnings, self.base.name, base.name))
                for one, dump in pairs
            ),
        )

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
        """The comparison as JSON; numbers round-trip exactly, and it never contains NaN."""
        return json_text(self.to_dict())

    @classmethod
    def from_json(cls, text: str | bytes) -> Comparison:
        """The comparison that `to_json` wrote; bytes are UTF-8.

        Raises: InputError if the text is not a comparison of this schema, naming the first invalid field.
        """
        return read_document(text, (SCHEMA, EARLIER), "comparison", lambda whole: read_record(whole, cls))


def _renamed(warnings: tuple[Notice, ...], old: str, new: str) -> tuple[Notice, ...]:
    """The warnings, those about the base with its new name."""
    start = f"{old}: "
    return tuple(
        one.reworded(f"{new}: {one.removeprefix(start)}") if old != new and one.startswith(start) else one
        for one in warnings
    )
