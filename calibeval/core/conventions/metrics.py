"""The metrics of a report as another tool computes them, never mixed silently with our own.

Binned metrics are those of the tool, with floors and intervals from its bins, or null with a reason. Metrics without
bins are the same in every convention, except where the table of conventions says that a tool has its own way.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from html import escape

from calibeval.core.conventions.convention import Convention
from calibeval.core.conventions.explained import CasesFacts, ImagesExplained
from calibeval.core.conventions.in_order import Chunks
from calibeval.core.conventions.own_way import measured_as_tool
from calibeval.core.conventions.sums import ConventionSums, convention_sums
from calibeval.core.conventions.table import CONVENTIONS, OWN
from calibeval.core.data.arrays import Floats
from calibeval.core.data.elsewhere import elsewhere
from calibeval.core.data.notices import Notice, reason, warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import refuse_weights
from calibeval.core.metrics.bins import Binned
from calibeval.core.metrics.folded import ClassWise, classwise_errors
from calibeval.core.metrics.largest import Largest
from calibeval.core.metrics.metric import Metric
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY, METRICS, metrics_for
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.resources import Resources
from calibeval.core.sums.sums import EqualMass, Sums

# Other tools call the largest gap over all bins the MCE.
FIELD = {"mce": "mce_all_bins"}


def convention_metrics(
    base: Sums,
    tool: ConventionSums,
    convention: Convention,
    level: float | None,
    only: Collection[str] | None = None,
) -> dict[str, MetricResult]:
    """Every metric under a convention: binned ones from the tool's bins, others from our own sums.

    A tool that drops rows keeps them in the denominator. So do value, floor and interval here, which belong to exactly
    the sum over bins that the tool computes. base: our own sums. level: of intervals; None for none. only: limits the
    metrics to these.
    """
    found = {}
    other = dict(convention.other_way)
    for metric in metrics_for(base.k, only):
        if metric.name in convention.own_way:
            found[metric.name] = measured_as_tool(metric.name, base, tool, convention, level)
        elif metric.name in other:
            text = f"{convention.name} {other[metric.name]}, which is not computed here"
            found[metric.name] = MetricResult(metric.name, None, reason=reason("not_in_convention", text))
        elif not metric.binned:  # without bins, all tools agree
            found[metric.name] = metric.measured(base, level)
        elif convention.binary == "P(class 1)" and (same := _of_top_label(metric)) is not None:
            # For two classes, the tool's top-label bins are of P(class 1).
            found[metric.name] = replace(_binned(same.name, base, tool, convention, level), name=metric.name)
        else:
            found[metric.name] = _binned(metric.name, base, tool, convention, level)
    return found


def _binned(name: str, base: Sums, tool: ConventionSums, convention: Convention, level: float | None) -> MetricResult:
    metric = _metric_of(name, convention)
    why = _missing(name, metric, tool, convention)
    if why is not None:
        return MetricResult(name, None, reason=why)
    if tool.classes is not None and len(tool.classes.sums.count) == 1 and isinstance(metric, ClassWise):
        level = None  # a single class has no class-wise interval
    if tool.chunks is not None and not len(tool.chunks.sums.count):
        level = None  # no row counts
    sums = replace(
        base,
        edges=tool.width.edges,
        compared=tool.width.edges,
        top=tool.width.sums if isinstance(metric, Largest) else tool.width.with_dropped,
        equal_mass=base.equal_mass if tool.mass is None else EqualMass(tool.mass.with_dropped, tool.mass.edges),
        classes=None if tool.classes is None else tool.classes.with_dropped,
    )
    found = replace(metric.measured(sums, level), name=name)
    if name == "ece" and tool.chunks is not None:
        return replace(found, all_chunks=tool.chunks.all_chunks)
    if name == "ece" and convention.equal_mass == "midpoints":
        return replace(found, one_bin=abs(float(tool.width.sums.surplus.sum())) / tool.n)
    return found


def _metric_of(name: str, convention: Convention) -> Metric:
    """The metric that the tool calls so: its ECE may be of equal-mass bins."""
    if name == "ece" and convention.ece != "width":
        found = EVERY["aece" if convention.ece == "mass" else "rmsce"]
        return replace(found, over="mass") if isinstance(found, Binned) else found
    return EVERY[FIELD.get(name, name)]


def _of_top_label(metric: Metric) -> Metric | None:
    """For a metric of the positive class, the same one of the top label; None for others, or if there is none."""
    if not isinstance(metric, Binned) or metric.over != "positive":
        return None
    same = replace(metric, over="top", binary=False)
    facts = ("name", "title", "source", "shown", "short")
    alike = (m for m in METRICS.values() if type(m) is type(metric))
    return next((m for m in alike if replace(m, **{fact: getattr(same, fact) for fact in facts}) == same), None)


def _missing(name: str, metric: Metric, tool: ConventionSums, convention: Convention) -> Notice | None:
    """Why the tool has no such number; None if it has one."""
    if not {name, *(own for own, field in FIELD.items() if field == name)} & {*convention.metrics}:
        return reason("not_in_convention", f"{convention.name} has no {_plain_title(metric)}")
    if tool.refused is not None:
        return tool.refused
    if isinstance(metric, Binned) and metric.over == "mass" and tool.mass is None:
        return tool.no_mass
    if isinstance(metric, Largest) and not tool.width.sums.count.any():
        return reason("no_rows", f"{convention.name} leaves every row out of its bins")
    return None


def _plain_title(metric: Metric) -> str:
    """The title of a metric up to its first explanation.

    >>> _plain_title(METRICS["cwce"])
    'class-wise calibration error'
    """
    return re.split("[,:;]| over all", metric.title)[0]


def class_errors(tool: ConventionSums) -> Floats | None:
    """Calibration errors of the classes that the tool counts; None if it has no class-wise errors."""
    return None if tool.classes is None else classwise_errors(tool.classes.with_dropped)


def remarks(tool: ConventionSums, convention: Convention, k: int | None) -> list[Notice]:
    """Warnings about the tool's numbers on these rows: another meaning for two classes, and rows that are left out.

    k: number of classes.
    """
    lines = []
    if k == 2 and convention.binary == "P(class 1)":
        text = (
            f"{convention.name} measures P(class 1) for two classes: in its bins, confidence is that "
            "probability and accuracy the share of class 1"
        )
        lines.append(warning("convention_binary", text))
    name, n = convention.name, tool.n
    if tool.width.dropped > 0:
        text = f"{name} leaves {int(tool.width.dropped):,} of {n:,} rows out of its bins: their confidence is 0"
        lines.append(warning("convention_drops", text))
    if tool.chunks is not None:
        lines += _of_chunks(tool.chunks, name, n)
    elif tool.mass is not None and tool.mass.dropped > 0:
        rows = int(tool.mass.dropped)
        text = f"{name} leaves {rows:,} of {n:,} rows, those with the lowest confidence, out of AECE"
        lines.append(warning("convention_drops", text))
    if tool.classes is None:
        return lines
    entries, counted = int(tool.classes.dropped.sum()), len(tool.classes.sums.count)
    if entries:
        text = f"{name} leaves {entries} of {n * counted} probabilities out of CWCE: they are exactly 0"
        lines.append(warning("convention_drops", text))
    if k is not None and counted < k:
        text = f"{name} counts {counted} of {k} classes in CWCE: the last ones do not occur among the labels"
        lines.append(warning("convention_classes", text))
    return lines


def _of_chunks(chunks: Chunks, name: str, n: int) -> list[Notice]:
    """What a tool leaves out that drops its last chunk, and whether its number depends on the order of rows."""
    text = (
        f"{name} leaves its most confident chunk out of ECE, {chunks.dropped:,} of {n:,} rows, but counts it in n: "
        f"with all chunks, its ECE would be {100 * chunks.all_chunks:.2f} %"
    )
    lines = [warning("convention_drops", text)]
    if chunks.tied:
        text = f"{name} ends chunks among rows of equal confidence, so that its ECE depends on the order of the rows"
        lines.append(warning("convention_order", text))
    return lines


@dataclass(frozen=True, slots=True)
class Explained:
    """One dump under one convention: number of bins, the calibration errors of `explained_names`, and remarks."""

    convention: Convention
    bins: int
    metrics: Mapping[str, MetricResult]
    remarks: tuple[str, ...]

    def __repr__(self) -> str:
        """One short line: the convention, its bins, and the errors that it has."""
        known = [f"{m.name}={m.value:.4g}" for m in self.metrics.values() if m.value is not None]
        return f"<{self.convention.name}: {self.bins} bins; {', '.join(known) or 'nothing'}>"


class Explanations(tuple[Explained, ...]):  # noqa: SLOT001 - slots cannot be added to a tuple
    """One dump under every convention that differs on it; `print` shows the table of `calibeval conventions`.

    predictions: that were measured, or what is known of a folder of cases, which has `images` only.
    images: of segmentations, what tools print that measure image by image; empty for other dumps.
    """

    predictions: Predictions | CasesFacts
    images: tuple[ImagesExplained, ...]

    @classmethod
    def of(
        cls,
        predictions: Predictions | CasesFacts,
        explained: Iterable[Explained],
        images: Iterable[ImagesExplained] = (),
    ) -> Explanations:
        """The explanations of these predictions, and of their images."""
        made = cls(explained)
        made.predictions, made.images = predictions, tuple(images)
        return made

    def with_images(self, images: Iterable[ImagesExplained]) -> Explanations:
        """The same with what was found of the images."""
        return Explanations.of(self.predictions, self, images)

    def __repr__(self) -> str:
        """One short line: the dump and the conventions."""
        names = ", ".join(one.convention.name for one in self)
        return f"<Explanations of {self.predictions.source.name}: {names}>"

    def __str__(self) -> str:
        """What `calibeval conventions` prints."""
        shown: str = elsewhere("calibeval.api.show", "conventions_text")(self)
        return shown

    def _repr_html_(self) -> str:
        """The table as a notebook shows it."""
        return f"<pre>{escape(str(self))}</pre>"


def explained_names() -> tuple[str, ...]:
    """The metrics on which conventions are compared: those for any number of classes that another tool has, too.

    >>> explained_names()
    ('ece', 'mce', 'aece', 'cwce', 'rmsce')
    """
    known = {name for convention in CONVENTIONS.values() if convention.name != OWN for name in convention.metrics}
    return tuple(name for name, metric in METRICS.items() if name in known and not metric.binary)


def explain_conventions(
    predictions: Predictions, *, bins: int | None = None, jobs: int = 1, max_memory: int | None = None
) -> Explanations:
    """The calibration errors of one dump under every convention that differs on it, calibeval's own first.

    bins: for all conventions; None: the default of each convention. jobs, max_memory: as for `evaluate`.
    Raises: InputError for values that contradict the kind of the scores.

    >>> found = explain_conventions(Predictions(probs=[[0.0, 1.0], [0.4, 0.6]], labels=[1, 0]))
    >>> found[-1].convention.name, round(found[-1].metrics["ece"].value, 3)
    ('minderer', 0.3)
    """
    refuse_weights(predictions, "the conventions of other tools")
    own = CONVENTIONS[OWN]
    resources = Resources(jobs, max_memory)
    base = summarise(predictions, own.bins if bins is None else bins, resources, fitted=False)
    fields = {name: METRICS[FIELD.get(name, name)].measured(base, None) for name in explained_names()}
    metrics = {name: replace(metric, name=name) for name, metric in fields.items()}
    found = [Explained(own, own.bins if bins is None else bins, metrics, ())]
    for convention in CONVENTIONS.values():
        if convention is own or (convention.name == "torchmetrics-multiclass" and predictions.k != 2):
            continue
        count = convention.bins if bins is None else bins
        tool = convention_sums(predictions, convention, count, resources)
        metrics = {name: _binned(name, base, tool, convention, None) for name in explained_names()}
        if convention.equal_mass == "chunks":
            count = 0 if tool.chunks is None else len(tool.chunks.sums.count) + 1
        found.append(Explained(convention, count, metrics, tuple(remarks(tool, convention, predictions.k))))
    return Explanations.of(predictions, found)
