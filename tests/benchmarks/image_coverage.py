"""Coverage of intervals over images, pooled and of means over images: `python -m tests.benchmarks.image_coverage`.

Every image has an effect of its own on the odds of its classes, and its pixels depend on each other besides: labels are
drawn along a smooth field. The truth is that of 6,000 further images: of pooled numbers their pooled value, of means
over images the mean of the values of single images, which is what such a mean estimates.
"""

from __future__ import annotations

import argparse
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from calibeval import Predictions
from calibeval.core.dense.image_sums import ImageAdder, ImageParts, Pixels
from calibeval.core.dense.of_dump import parts_of
from calibeval.core.dense.results import Images, per_image
from calibeval.core.dense.values import NUMBERS
from calibeval.core.sums.binning import equal_width_edges

K, BINS, SIDE, TRUTH = 3, 10, 20, 6000
EDGES = equal_width_edges(BINS)
SHOWN = ("accuracy", "confidence_gap", "nll", "ece", "cwce", "boundary_ece", "interior_ece", "dice")


class Scenario(NamedTuple):
    """sharp: what logits are multiplied by, relative to the truth. effect: sd of an image's effect on log-odds.

    spread: sd of the logarithm of the length of a side.
    """

    name: str
    sharp: float
    effect: float
    spread: float


SCENARIOS = (
    Scenario("over-confident", 1.5, 0.6, 0.0),
    Scenario("over-confident, sizes differ", 1.5, 0.6, 0.4),
    Scenario("calibrated on average", 1.0, 0.6, 0.0),
)


def parts(rng: np.random.Generator, scenario: Scenario) -> ImageParts:
    """The sums of one image."""
    side = round(SIDE * np.exp(scenario.spread * rng.normal())) if scenario.spread else SIDE
    side = int(np.clip(side, 10, 60))
    field = gaussian_filter(rng.normal(size=(K, side, side)), (0, 3, 3)) * 12.0 + rng.normal(size=(K, side, side)) * 0.5
    stated, true = softmax(field * scenario.sharp), softmax(field + scenario.effect * rng.normal(size=(K, 1, 1)))
    smooth = gaussian_filter(rng.normal(size=(side, side)), 1.5, mode="wrap") * 5.3 + 1e-3 * rng.normal(
        size=(side, side)
    )
    ranks = (np.argsort(np.argsort(smooth.ravel())).reshape(side, side) + rng.random()) / side**2
    shifted = (ranks + rng.normal() * 0.05) % 1.0
    labels = (shifted > true.cumsum(axis=0)).sum(axis=0).clip(0, K - 1)
    rows = Predictions(probs=stated.reshape(K, -1).T, labels=labels.ravel())
    return parts_of(rows, np.asarray(rows.scores[: side**2]), Pixels(np.arange(side**2), labels), (EDGES, EDGES))


def softmax(z: np.ndarray) -> np.ndarray:
    """Along the first axis."""
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


def images(every: list[ImageParts]) -> Images:
    """These images, added up."""
    adder = ImageAdder(K, BINS)
    for one in every:
        adder.add(one)
    return Images(*adder.sums(), [str(i) for i in range(len(every))], np.arange(len(every)))


@cache
def truth(scenario: Scenario, count: int = TRUTH) -> dict[str, tuple[float, float]]:
    """Of each number the pooled value, and the mean over images."""
    rng = np.random.default_rng(99)
    sums = images([parts(rng, scenario) for _ in range(count)]).sums
    return {
        name: (float(NUMBERS[name].value(sums.whole)[0]), float(np.nanmean(NUMBERS[name].value(sums))))
        for name in SHOWN
    }


def coverage(scenario: Scenario, count: int, replicates: int, true: int = TRUTH) -> dict[str, tuple[float, float]]:
    """The share of intervals that hold the truth: pooled, and of the mean over images; NaN without an interval."""
    rng, known = np.random.default_rng([0, count]), truth(scenario, true)
    held, given = ({name: [0, 0] for name in SHOWN} for _ in range(2))
    for _ in range(replicates):
        block = per_image(images([parts(rng, scenario) for _ in range(count)]), 0.95, [])
        for name in SHOWN:
            one = block.numbers[name]
            ends = (one.pooled_low, one.pooled_high), (one.mean_low, one.mean_high)
            for i, (low, high) in enumerate(ends):
                if low is not None and high is not None:
                    given[name][i] += 1
                    held[name][i] += low <= known[name][i] <= high
    shares = {name: np.divide(held[name], np.where(given[name], given[name], np.nan)) for name in SHOWN}
    return {name: (float(one), float(other)) for name, (one, other) in shares.items()}


def main() -> None:
    """Print the table of docs/statistics.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--truth", type=int, default=TRUTH, help="images that the truth is taken from")
    parser.add_argument("--scenarios", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--images", type=int, nargs="*", default=[20, 60])
    chosen = parser.parse_args()
    print(f"| images | scenario | {' | '.join(NUMBERS[name].name for name in SHOWN)} |")
    print(f"|---|---|{'---|' * len(SHOWN)}")
    for scenario in [SCENARIOS[i] for i in chosen.scenarios]:
        for count in chosen.images:
            found = coverage(scenario, count, chosen.replicates, chosen.truth)
            cells = [f"{100 * found[name][0]:.0f} · {100 * found[name][1]:.0f}" for name in SHOWN]
            print(f"| {count} | {scenario.name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
