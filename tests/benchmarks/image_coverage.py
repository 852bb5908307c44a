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
from calibeval.core.dense.results import Images, image_number
from calibeval.core.dense.values import NUMBERS
from calibeval.core.sums.binning import equal_width_edges

K, BINS, SIDE, TRUTH = 3, 10, 20, 6000
EDGES = equal_width_edges(BINS)
SHOWN = ("accuracy", "confidence_gap", "nll", "ece", "cwce", "boundary_ece", "interior_ece", "dice")


class Scenario(NamedTuple):
    """sharp: what logits are multiplied by, relative to the truth. effect: sd of an image's effect on log-odds.

    spread: sd of the logarithm of the length of a side. scale: of images and what they show.
    """

    name: str
    sharp: float
    effect: float
    spread: float
    scale: float = 1.0


SCENARIOS = (
    Scenario("over-confident", 1.5, 0.6, 0.0),
    Scenario("over-confident, sizes differ", 1.5, 0.6, 0.4),
    Scenario("calibrated on average", 1.0, 0.6, 0.0),
    Scenario("over-confident, strong effects", 1.5, 1.2, 0.0),
    Scenario("calibrated, no effects", 1.0, 0.0, 0.0),
    Scenario("over-confident, strong effects, 60 × 60 pixels", 1.5, 1.2, 0.0, 3.0),
)


def parts(rng: np.random.Generator, scenario: Scenario) -> ImageParts:
    """The sums of one image."""
    side = round(SIDE * np.exp(scenario.spread * rng.normal())) if scenario.spread else SIDE
    side = int(np.clip(side, 10, 60) * scenario.scale)
    field = smooth_field(rng, side, scenario.scale)
    stated, true = softmax(field * scenario.sharp), softmax(field + scenario.effect * rng.normal(size=(K, 1, 1)))
    labels = labels_of(rng, true, scenario.scale)
    rows = Predictions(probs=stated.reshape(K, -1).T, labels=labels.ravel())
    return parts_of(rows, np.asarray(rows.scores[: side**2]), Pixels(np.arange(side**2), labels), (EDGES, EDGES))


def smooth_field(rng: np.random.Generator, side: int, scale: float = 1.0) -> np.ndarray:
    """Logits, (K, side, side), that are alike in neighbouring pixels."""
    smooth = gaussian_filter(rng.normal(size=(K, side, side)), (0, 3 * scale, 3 * scale)) * 12.0 * scale
    return smooth + rng.normal(size=(K, side, side)) * 0.5


def labels_of(rng: np.random.Generator, true: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Labels with these probabilities, (K, h, w), which depend on each other along a smooth field."""
    size = true.shape[1:]
    smooth = gaussian_filter(rng.normal(size=size), 1.5 * scale, mode="wrap") * 5.3 + 1e-3 * rng.normal(size=size)
    ranks = (np.argsort(np.argsort(smooth.ravel())).reshape(size) + rng.random()) / smooth.size
    shifted = (ranks + rng.normal() * 0.05) % 1.0
    return (shifted > true.cumsum(axis=0)).sum(axis=0).clip(0, K - 1)


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
def truth(scenario: Scenario, shown: tuple[str, ...], count: int = TRUTH) -> dict[str, tuple[float, float]]:
    """Of each number the pooled value, and the mean over images."""
    rng = np.random.default_rng(99)
    sums = images([parts(rng, scenario) for _ in range(count)]).sums
    return {
        name: (float(NUMBERS[name].value(sums.whole)[0]), float(np.nanmean(NUMBERS[name].value(sums))))
        for name in shown
    }


def coverage(
    scenario: Scenario, count: int, replicates: int, true: int = TRUTH, shown: tuple[str, ...] = SHOWN
) -> dict[str, tuple[float, float, float]]:
    """The share of intervals that hold the truth: pooled, and of the mean over images; NaN without an interval.

    The last one is the share of samples that have a pooled interval.
    """
    rng, known = np.random.default_rng([0, count]), truth(scenario, shown, true)
    held, given = ({name: [0, 0] for name in shown} for _ in range(2))
    for _ in range(replicates):
        drawn = images([parts(rng, scenario) for _ in range(count)])
        for name in shown:
            one = image_number(NUMBERS[name], drawn, drawn.units, 0.95, NUMBERS[name].bins_of(drawn.pooled))
            ends = (one.pooled_low, one.pooled_high), (one.mean_low, one.mean_high)
            for i, (low, high) in enumerate(ends):
                if low is not None and high is not None:
                    given[name][i] += 1
                    held[name][i] += low <= known[name][i] <= high
    shares = {name: np.divide(held[name], np.where(given[name], given[name], np.nan)) for name in shown}
    return {name: (float(one), float(other), given[name][0] / replicates) for name, (one, other) in shares.items()}


def main() -> None:
    """Print the table of docs/statistics.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--truth", type=int, default=TRUTH, help="images that the truth is taken from")
    parser.add_argument("--scenarios", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--images", type=int, nargs="*", default=[20, 60])
    parser.add_argument("--numbers", nargs="*", default=SHOWN, choices=NUMBERS)
    chosen = parser.parse_args()
    shown = tuple(chosen.numbers)
    print(f"| images | scenario | {' | '.join(shown)} |")
    print(f"|---|---|{'---|' * len(shown)}")
    for scenario in [SCENARIOS[i] for i in chosen.scenarios]:
        for count in chosen.images:
            found = coverage(scenario, count, chosen.replicates, chosen.truth, shown)
            cells = [f"{100 * found[name][0]:.0f} · {100 * found[name][1]:.0f}" for name in shown]
            cells = [
                cell if found[name][2] == 1.0 else f"{cell} (of {100 * found[name][2]:.0f})"
                for name, cell in zip(shown, cells, strict=True)
            ]
            print(f"| {count} | {scenario.name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
