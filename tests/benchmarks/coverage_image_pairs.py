"""Coverage of differences of two models' segmentations: `python -m tests.benchmarks.coverage_image_pairs`.

Images are those of `image_coverage`, seen by two models, whose logits have errors of their own in every image besides.
Cases come one by one, as those of folders do. The truth is that of 4,000 further images.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from calibeval import Predictions
from calibeval.core.comparison.of_cases import compare_cases
from calibeval.core.data.source import Source
from calibeval.core.dense.case import Case, Facts
from calibeval.core.dense.image_sums import Pixels
from calibeval.core.dense.of_dump import parts_of
from calibeval.core.dense.values import NUMBERS
from calibeval.core.report.settings import Settings
from tests.benchmarks.image_coverage import BINS, EDGES, Scenario, images, labels_of, smooth_field, softmax

TRUTH, SIDE = 4000, 16
SHOWN = ("accuracy", "nll", "ece", "ace")


class Pair(NamedTuple):
    """Two models. sharp: what their logits are multiplied by. own: sd of what each adds to the logits of an image."""

    name: str
    sharp: tuple[float, float]
    own: tuple[float, float]


PAIRS = (
    Pair("over-confident, and less so", (1.6, 1.2), (0.3, 0.6)),
    Pair("equally over-confident", (1.4, 1.4), (0.5, 0.5)),
    Pair("calibrated on average, and over-confident", (1.0, 1.5), (0.0, 0.3)),
)
EFFECT = Scenario("", 1.0, 0.8, 0.0)


class Seen(NamedTuple):
    """An image as both models see it: probabilities (k, h, w) of each, and the labels."""

    probs: tuple[np.ndarray, np.ndarray]
    labels: np.ndarray


class Model:
    """Images of one model as cases."""

    def __init__(self, seen: Sequence[Seen], model: int) -> None:
        self._seen, self._model = seen, model
        self.facts = Facts(tuple(f"case {i}" for i in range(len(seen))), "probs")

    def read(self, number: int) -> Case:
        """A case by its number."""
        return Case(self.facts.names[number], self._seen[number].probs[self._model], self._seen[number].labels)

    def source(self, found: Sequence[str]) -> Source:
        """From nowhere."""
        del found
        return Source()


def drawn(rng: np.random.Generator, pair: Pair) -> Seen:
    """One image."""
    field = smooth_field(rng, SIDE)
    labels = labels_of(rng, softmax(field + EFFECT.effect * rng.normal(size=(len(field), 1, 1))))
    one, other = (
        softmax(sharp * (field + own * rng.normal(size=(len(field), 1, 1))))
        for sharp, own in zip(pair.sharp, pair.own, strict=True)
    )
    return Seen((one, other), labels)


def truth(pair: Pair, count: int) -> dict[str, tuple[float, float]]:
    """The differences of pooled values, and of means over images."""
    rng = np.random.default_rng(99)
    every = [drawn(rng, pair) for _ in range(count)]
    values = []
    for model in (0, 1):
        parts = []
        for one in every:
            rows = Predictions(probs=one.probs[model].reshape(len(one.probs[model]), -1).T, labels=one.labels.ravel())
            pixels = Pixels(np.arange(one.labels.size), one.labels)
            parts.append(parts_of(rows, np.asarray(rows.scores[: one.labels.size]), pixels, (EDGES, EDGES)))
        sums = images(parts).sums
        numbers = ((NUMBERS[name].value(sums.whole)[0], np.nanmean(NUMBERS[name].value(sums))) for name in SHOWN)
        values.append(np.array([*numbers]))
    change = values[1] - values[0]
    return {name: (float(one), float(other)) for name, (one, other) in zip(SHOWN, change, strict=True)}


def coverage(pair: Pair, count: int, replicates: int, true: int = TRUTH) -> dict[str, tuple[float, float]]:
    """The share of intervals of the difference that hold the truth: pooled, and of means over images."""
    rng, known = np.random.default_rng([1, count]), truth(pair, true)
    names = {name: (name, f"per_image.{name}") for name in SHOWN}
    held = {name: [0, 0] for name in SHOWN}
    chosen = [one for both in names.values() for one in both]
    for _ in range(replicates):
        seen = [drawn(rng, pair) for _ in range(count)]
        found = compare_cases(Model(seen, 0), [Model(seen, 1)], Settings(bins=BINS), only=chosen)
        for name, both in names.items():
            for i, one in enumerate(both):
                own = found.candidates[0].differences[one]
                if own.low is None or own.high is None:
                    raise AssertionError(f"{one} has no interval")
                held[name][i] += own.low <= known[name][i] <= own.high
    return {name: (one / replicates, other / replicates) for name, (one, other) in held.items()}


def main() -> None:
    """Print the table of docs/statistics.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--truth", type=int, default=TRUTH, help="images that the truth is taken from")
    parser.add_argument("--pairs", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--images", type=int, nargs="*", default=[20, 60])
    chosen = parser.parse_args()
    print(f"| images | models | {' | '.join(NUMBERS[name].name for name in SHOWN)} |")
    print(f"|---|---|{'---|' * len(SHOWN)}")
    for pair in [PAIRS[i] for i in chosen.pairs]:
        for count in chosen.images:
            found = coverage(pair, count, chosen.replicates, chosen.truth)
            cells = [f"{100 * found[name][0]:.0f} · {100 * found[name][1]:.0f}" for name in SHOWN]
            print(f"| {count} | {pair.name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
