"""How other tools compute "the same" metrics: a table from which numbers, explanations and docs are derived.

The computation is in `convention_sums`. Accidental properties of a tool (float32 accumulation) are not reproduced;
whatever decides which row falls into which bin is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from calibeval.core.errors import UsageError, nearest

OWN = "calibeval"


@dataclass(frozen=True, slots=True)
class Convention:
    """How one tool bins rows, and which metrics it has.

    name, aliases: values of `--convention`. bins: the tool's default number of bins.
    closed: the side on which bins include their edge: "right" is (lower, upper], "left" is [lower, upper).
    drops_zero: a probability of exactly 0 is in no bin, but its row counts in the denominator.
    one_apart: a probability of exactly 1 is in a separate bin; otherwise it is in the last bin.
    softmax: precision of probabilities: "float64", or "stored": float64 if the scores are, else float32.
    edges: "quotients" i/B in float64 (rounded to the stored type), "linspace" of numpy in float64, or torch's linspace
    in "float32" or, for "confidence", in the type of the confidences.
    top_float32: top-label confidences are rounded to float32. binary: what is measured for two classes.
    equal_mass: "order": order statistics as edges, equal ones merged; "interpolated": between order statistics, with
    the lowest confidence in no bin; "quantiles": numpy's quantiles, refusing equal edges; None: no equal-mass bins.
    classes: in class-wise metrics: "all", or "labelled": max(label) + 1 of them; None: the tool has none.
    counts_labels: two classes are recognised by the labels that occur; then more than two probabilities are refused.
    metrics: the binned metrics of the tool. source: tool with version or commit. description: a paragraph.
    """

    name: str
    aliases: tuple[str, ...]
    bins: int
    closed: Literal["right", "left"]
    drops_zero: bool
    one_apart: bool
    softmax: Literal["float64", "stored"]
    edges: Literal["quotients", "linspace", "float32", "confidence"]
    top_float32: bool
    binary: Literal["top label", "P(class 1)"]
    equal_mass: Literal["order", "interpolated", "quantiles"] | None
    classes: Literal["all", "labelled"] | None
    counts_labels: bool
    metrics: tuple[str, ...]
    source: str
    description: str

    @property
    def facts(self) -> tuple[str, ...]:
        """What determines its numbers, in words: sides of the bins, zeros, ones, equal-mass bins, classes, two classes.

        >>> CONVENTIONS["torchmetrics"].facts[:2]
        ('bins [lower, upper)', '1 in a separate bin')
        """
        facts = ["bins (lower, upper]" if self.closed == "right" else "bins [lower, upper)"]
        if self.closed == "right":
            facts.append("0 in no bin, but counted in n" if self.drops_zero else "0 in the first bin")
        else:
            facts.append("1 in a separate bin" if self.one_apart else "1 in the last bin")
        if self.edges in ("float32", "confidence"):
            facts.append("float32 edges" if self.edges == "float32" else "edges as precise as the confidences")
        if self.equal_mass is not None:
            facts.append(_EQUAL_MASS[self.equal_mass])
        if self.classes is not None:
            facts.append("CWCE over all classes" if self.classes == "all" else "CWCE over max(label) + 1 classes")
        facts.append(f"two classes: {self.binary}")
        if self.counts_labels:
            facts.append("two classes recognised by the labels that occur")
        return tuple(facts)


_EQUAL_MASS = {
    "order": "AECE between order statistics, ties together",
    "interpolated": "AECE between interpolated edges, the lowest confidence in no bin",
    "quantiles": "AECE between edges from np.quantile, refused if two are equal",
}

CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        convention.name: convention
        for convention in (
            Convention(
                name=OWN,
                aliases=(),
                bins=15,
                closed="right",
                drops_zero=False,
                one_apart=False,
                softmax="float64",
                edges="quotients",
                top_float32=False,
                binary="top label",
                equal_mass="order",
                classes="all",
                counts_labels=False,
                metrics=("ece", "mce", "aece", "cwce", "oe", "ece_positive"),
                source="calibeval: Guo et al. 2017, with 0 included in the first bin",
                description=(
                    "Bins (lower, upper] with 0 in the first, float64 throughout, edges i/B rounded to the stored "
                    "type; for logits, confidences and edges rounded to multiples of 2^-45. Equal-mass edges are "
                    "order statistics, so no row is lost and ties stay together. Class-wise errors are averaged over "
                    "all classes."
                ),
            ),
            Convention(
                name="guo",
                aliases=("gpleiss", "focal_calibration"),
                bins=15,
                closed="right",
                drops_zero=True,
                one_apart=False,
                softmax="stored",
                edges="float32",
                top_float32=False,
                binary="top label",
                equal_mass="interpolated",
                classes="labelled",
                counts_labels=False,
                metrics=("ece", "mce", "aece", "cwce"),
                source=(
                    "gpleiss/temperature_scaling @ ce1154ec (ECE); torrvision/focal_calibration @ 475422a6 "
                    "(ECE, MCE, adaptive, class-wise)"
                ),
                description=(
                    "The code of Guo et al. 2017 and its successor by Mukhoti et al. 2020. Bins (lower, upper] whose "
                    "edges are a float32 linspace, with the softmax in the type of the logits. A probability of "
                    "exactly 0 is in no bin but counts in n, which affects class-wise errors of saturated models. "
                    "Equal-mass edges are interpolated between sorted confidences, and the lowest confidence, with "
                    "all its ties, is in no bin. Class-wise errors are averaged over max(label) + 1 classes."
                ),
            ),
            Convention(
                name="mbls",
                aliases=("cals",),
                bins=15,
                closed="right",
                drops_zero=True,
                one_apart=False,
                softmax="stored",
                edges="float32",
                top_float32=False,
                binary="top label",
                equal_mass="interpolated",
                classes="labelled",
                counts_labels=False,
                metrics=("ece", "aece", "cwce"),
                source="by-liu/MbLS @ dc865036 and by-liu/CALS @ d72b31f6, calibrate/evaluation/metrics.py",
                description=(
                    "The tables of the MbLS and CALS papers: metrics from focal_calibration, hence the bins of "
                    "`guo`, without a maximum calibration error. Their evaluators can average the errors of "
                    "batches, which is a different quantity; here all rows are pooled."
                ),
            ),
            Convention(
                name="torchmetrics",
                aliases=(),
                bins=15,
                closed="left",
                drops_zero=False,
                one_apart=True,
                softmax="stored",
                edges="confidence",
                top_float32=True,
                binary="P(class 1)",
                equal_mass=None,
                classes=None,
                counts_labels=False,
                metrics=("ece", "mce"),
                source="torchmetrics 1.9.0, binary_calibration_error and multiclass_calibration_error, l1 and max",
                description=(
                    "Bins [lower, upper), and a separate bin for a probability of exactly 1 (issue #3510). Two "
                    "classes are the binary task: P(class 1) against class 1. More classes: float32 confidences of "
                    "the top label. Float16 scores have a float16 softmax, and float16 edges for P(class 1). "
                    "The tool guesses from the values whether they are logits; here that is known."
                ),
            ),
            Convention(
                name="torchmetrics-multiclass",
                aliases=(),
                bins=15,
                closed="left",
                drops_zero=False,
                one_apart=True,
                softmax="stored",
                edges="confidence",
                top_float32=True,
                binary="top label",
                equal_mass=None,
                classes=None,
                counts_labels=False,
                metrics=("ece", "mce"),
                source="torchmetrics 1.9.0, multiclass_calibration_error with num_classes=2",
                description=(
                    "`torchmetrics` if two classes are passed to the multiclass task: the top label is measured. "
                    "For three and more classes it is the same."
                ),
            ),
            Convention(
                name="netcal",
                aliases=(),
                bins=10,
                closed="left",
                drops_zero=False,
                one_apart=False,
                softmax="float64",
                edges="linspace",
                top_float32=False,
                binary="P(class 1)",
                equal_mass="quantiles",
                classes=None,
                counts_labels=True,
                metrics=("ece", "mce", "aece"),
                source="netcal 1.4.0, ECE (also with equal_intervals=False, here AECE) and MCE",
                description=(
                    "Bins [lower, upper), the last one closed; 10 by default. Two classes are P(class 1) against "
                    "class 1, and more than two probabilities are refused if only two labels occur. Equal-mass "
                    "edges are np.quantile's from 0 to 1; if ties make two of them equal, the tool raises, and "
                    "so there is no number here. Its ACE, the plain mean over bins, is not a metric of calibeval."
                ),
            ),
        )
    }
)


def find_convention(name: str) -> Convention:
    """The convention of that name or alias, in any case.

    Raises: UsageError with the nearest name.

    >>> find_convention("CALS").name
    'mbls'
    """
    plain = name.casefold()
    for convention in CONVENTIONS.values():
        if plain == convention.name or plain in convention.aliases:
            return convention
    every = [known for convention in CONVENTIONS.values() for known in (convention.name, *convention.aliases)]
    there = ", ".join(f"{c.name} (or {', '.join(c.aliases)})" if c.aliases else c.name for c in CONVENTIONS.values())
    raise UsageError(f'convention "{name}" is unknown{nearest(plain, every)}; there are {there}')
