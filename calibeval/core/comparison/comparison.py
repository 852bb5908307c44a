"""The output of a comparison: differences between models with their uncertainty, with an exact JSON round trip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from calibeval.core.comparison.difference import Difference, SliceDifferences
from calibeval.core.data.distinct_names import distinct_names
from calibeval.core.data.documents import json_text, read_document
from calibeval.core.data.elsewhere import elsewhere
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Source
from calibeval.core.data.records import Layout, read_record, to_plain
from calibeval.core.metrics.lookup import MetricLookup
from calibeval.core.metrics.result import RiskPoint
from calibeval.core.report.report import READING, Bin, ClassView, GroupCount
from calibeval.core.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Candidate", "ComparedDump", "Comparison", "Difference", "SliceDifferences"]

SCHEMA, EARLIER = "calibeval.comparison/1", "calibeval.compare/1"


@dataclass(frozen=True, slots=True)
class ComparedDump:
    """One side of a comparison: its source, and how it was read.

    n: number of compared rows. k: number of classes; None if only the top label is known. report: whether a saved
    report was used instead of a dump. bins: the equal-width bins; None in files of earlier versions.
    positive: of two classes, P(positive class); None otherwise, and in files of earlier versions.
    risk: points of the risk-coverage curve, where metrics of selective prediction are compared row by row.
    """

    LAYOUT: ClassVar = Layout(inside=READING | {"report": "source"}, open=True)

    name: str
    source: Source
    kind: str
    n: int
    k: int | None
    ignored: int = 0
    report: bool = False
    bins: tuple[Bin, ...] | None = None
    positive: ClassView | None = None
    risk: tuple[RiskPoint, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this dump, without its bins."""
        reading = {"kind": self.kind, "n": self.n, "k": self.k, "ignored": self.ignored, "report": self.report}
        return {"name": self.name, "source": {**to_plain(self.source, *self.source.HELD), **reading}}

    def with_bins(self) -> dict[str, Any]:
        """The JSON object of this dump with its bins, and its risk-coverage curve if there is one."""
        bins = None if self.bins is None else [to_plain(one) for one in self.bins]
        positive = None if self.positive is None else to_plain(self.positive)
        risk = {} if self.risk is None else {"risk": [to_plain(one) for one in self.risk]}
        return {**self.to_dict(), "bins": bins, "positive": positive, **risk}


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
            **self.dump.with_bins(),
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

    def figure(self, *, width: float | None = None, of: str = "differences") -> Figure:
        """The differences with their intervals as a matplotlib figure. width: in inches; None: 7.

        of: "differences", or "risk" for risk-coverage curves, which come with metrics such as augrc.
        Raises: InputError if there is nothing to draw.
        """
        drawn: Figure = elsewhere("calibeval.api.show", "comparison_figure")(self, width, of)
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
            "base": self.base.with_bins(),
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
