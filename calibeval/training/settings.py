"""The settings that all heads of a training share, and the values of its options; free of torch, for a fast help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from calibeval.core.data.ranges import MOST_SEED

AFTER = "nll-after-temperature"
LAST = "last"
SCORES = (AFTER, "nll")  # validation scores that choose the best epoch and, with --tune, the best recipe
SCHEDULES = ("cosine", "constant")
DEVICES = ("auto", "cpu", "cuda")
LINEAR: Final = "linear"
MLP: Final = "mlp"
HEADS = (LINEAR, MLP)
TEMPERATURES = ("fold", "none")  # into the last layer, or left out of the weights
HIDDEN_UNITS, TRIALS = 512, 24
USUAL_EPOCHS, TUNED_EPOCHS = 40, 10  # with --tune the latter, of the candidates and of the heads that are kept
# What whole numbers may be, at least and at most.
RANGES = {
    "hidden": (1, 2**40),
    "epochs": (1, 10**9),
    "batch_size": (1, 2**31 - 1),
    "patience": (0, 10**9),
    "trials": (2, 10_000),
    "seed": (0, MOST_SEED),
    "seeds": (1, 1000),
}


@dataclass(frozen=True, slots=True)
class OptimizerEntry:
    """One optimizer: default learning rate and weight decay, and the ranges that `--tune` searches."""

    rate: float
    decay: float
    rates: tuple[float, float]
    decays: tuple[float, float]


OPTIMIZERS = {
    "adamw": OptimizerEntry(rate=1e-3, decay=1e-2, rates=(5e-4, 1e-1), decays=(1e-3, 1.0)),
    "sgd": OptimizerEntry(rate=0.1, decay=5e-4, rates=(3e-3, 3.0), decays=(1e-6, 1e-2)),
}


BATCH_SIZE, LEAST_BATCH, LEAST_STEPS = 128, 8, 25  # rows; rows; an epoch of few rows has so many steps


def usual_batch_size(n: int) -> int:
    """The rows of a batch for n rows: 128, but fewer where an epoch would have less than 25 steps.

    >>> [usual_batch_size(n) for n in (50, 300, 3200, 10**6)]
    [8, 12, 128, 128]
    """
    return max(LEAST_BATCH, min(BATCH_SIZE, n // LEAST_STEPS))


MOST_PIXELS, MOST_STEPS, MOST_IMAGES = 2**13, 1000, 8


def usual_pixels(n: int) -> int:
    """The rows of a batch for n pixels: as for other rows, but more where an epoch would have over 1,000 steps.

    >>> [usual_pixels(n) for n in (3200, 10**6, 10**9)]
    [128, 1000, 8192]
    """
    return max(usual_batch_size(n), min(MOST_PIXELS, n // MOST_STEPS))


def usual_images(count: int) -> int:
    """The images of a batch where a loss needs them whole: 8, but fewer where an epoch would have less than 25 steps.

    >>> [usual_images(count) for count in (11, 100, 5000)]
    [1, 4, 8]
    """
    return max(1, min(MOST_IMAGES, count // LEAST_STEPS))


FEW_FEATURES, MOST_RATE = 0.4, 2e-2  # of a new linear head under adamw: 0.4 / d, from its usual rate to this


def usual_rate(optimizer: str, sizes: Sequence[int], *, new: bool) -> float:
    """The learning rate where none was said. sizes: (d, k), or (d, h, k). new: whether the head starts from scratch.

    A step of AdamW changes every weight of a standardised feature by up to the rate, and so the logits by d times as
    much: a new linear head on few features takes a higher rate.

    >>> [round(usual_rate("adamw", (d, 10), new=True), 4) for d in (16, 64, 384, 2048)]
    [0.02, 0.0063, 0.001, 0.001]
    >>> usual_rate("adamw", (16, 10), new=False), usual_rate("adamw", (16, 512, 10), new=True)
    (0.001, 0.001)
    """
    usual = OPTIMIZERS[optimizer].rate
    if optimizer != "adamw" or len(sizes) > 2 or not new:
        return usual
    return float(f"{max(usual, min(MOST_RATE, FEW_FEATURES / sizes[0])):.3g}")


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """The settings that heads trained together share.

    optimizer: "adamw" or "sgd" (momentum 0.9). schedule: "cosine", from the rate down to 0, or "constant".
    clip: largest norm of a head's gradient; None for no limit. mixup: both parameters of the Beta distribution; 0 for
    none. patience: epochs without a better validation score after which a head stops; None: never.
    select: the validation score that chooses the epoch to keep, one of SCORES; "last" keeps the last epoch.
    shuffle: whether each epoch has a new order of the rows. amp: whether matrix products are in bfloat16.
    """

    optimizer: str = "adamw"
    epochs: int = USUAL_EPOCHS
    batch_size: int = BATCH_SIZE
    schedule: str = "cosine"
    clip: float | None = 2.0
    mixup: float = 0.0
    patience: int | None = 10
    select: str = AFTER
    shuffle: bool = True
    amp: bool = False
