"""How another tool computes: what decides which row falls into which bin, which metrics it has, and in which way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """How one tool bins rows, and which metrics it has.

    name, aliases: values of `--convention`. bins: the tool's default number of bins.
    closed: the side on which bins include their edge: "right" is (lower, upper], "left" is [lower, upper).
    drops_zero: a probability of exactly 0 is in no bin, but its row counts in the denominator.
    one_apart: a probability of exactly 1 is in a separate bin; otherwise it is in the last bin.
    softmax: precision of probabilities: "float64", or "stored": float64 if the scores are, else float32.
    edges: "quotients" i/B in float64 (rounded to the stored type), "linspace" of numpy in float64, or torch's linspace
    in "float32" or, for "confidence", in the type of the confidences; "steps": where p divided by 1/B, in float64,
    reaches a whole number.
    top_float32: top-label confidences are rounded to float32. binary: what is measured for two classes.
    equal_mass: "order": order statistics as edges, equal ones merged; "interpolated": between order statistics, with
    the lowest confidence in no bin; "quantiles": numpy's quantiles, refusing equal edges; "counts": the same number of
    rows in each, ties split, always of the top label; "midpoints": halfway between parts of equal size, ties together;
    "ranks": the confidences at equally spaced ranks, each the lower edge of a bin, ties together;
    "chunks": of 100 rows, whatever the number of bins, the last of which is left out; None: no equal-mass bins.
    ece: what its ECE is of: equal-width bins, or "mass", the equal-mass ones, or "root", the root of their mean square.
    classes: in class-wise metrics: "all", or "labelled": max(label) + 1 of them; None: the tool has none.
    counts_labels: two classes are recognised by the labels that occur; then more than two probabilities are refused.
    metrics: the binned metrics of the tool. source: tool with version or commit. description: a paragraph.
    own_way: metrics without bins that the tool computes in another way, as here under this convention. other_way: those
    of which it has another number that is not computed here, with how it does.
    """

    name: str
    aliases: tuple[str, ...]
    bins: int
    closed: Literal["right", "left"]
    drops_zero: bool
    one_apart: bool
    softmax: Literal["float64", "stored"]
    edges: Literal["quotients", "linspace", "float32", "confidence", "steps"]
    top_float32: bool = False
    binary: Literal["top label", "P(class 1)"]
    equal_mass: Literal["order", "interpolated", "quantiles", "counts", "midpoints", "ranks", "chunks"] | None
    classes: Literal["all", "labelled"] | None
    counts_labels: bool = False
    metrics: tuple[str, ...]
    source: str
    description: str
    own_way: tuple[str, ...] = ()
    other_way: tuple[tuple[str, str], ...] = ()
    ece: Literal["width", "mass", "root"] = "width"

    @property
    def facts(self) -> tuple[str, ...]:
        """What determines its numbers, in words: sides of the bins, zeros, ones, equal-mass bins, classes, two classes.

        >>> from calibeval.core.conventions.table import CONVENTIONS
        >>> CONVENTIONS["torchmetrics"].facts[:2]
        ('bins [lower, upper)', '1 in a separate bin')
        """
        if self.ece != "width":
            return (_EQUAL_MASS[self.equal_mass or "order"], f"two classes: {self.binary}")
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
        facts += [_OWN_WAY[name] for name in self.own_way if name in _OWN_WAY]
        return tuple(facts)


_EQUAL_MASS = {
    "order": "AECE between order statistics, ties together",
    "interpolated": "AECE between interpolated edges, the lowest confidence in no bin",
    "quantiles": "AECE between edges from np.quantile, refused if two are equal",
    "counts": "AECE of the top label in equal counts, which the order of rows decides if ties are split",
    "midpoints": "ECE and AECE are one number, between midpoints of parts of equal size; ties together",
    "ranks": "ECE and AECE are one number, of bins [lower, upper) between confidences at equal ranks; ties together",
    "chunks": (
        "ECE is the root of the mean squared gap of chunks of 100 rows, of which the most confident one is left out; "
        "ties in the order of rows"
    ),
}
_OWN_WAY = {
    "smece": "smECE on a grid, where confidences of exactly 0 or 1 count half",
    "aurc": "AURC and AUGRC by trapezoids from coverage 1/n to 1",
}
