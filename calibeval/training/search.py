"""The recipes that `--tune` tries: equally many for each loss, spread evenly over the logarithms of the parameters."""

from __future__ import annotations

import math

from calibeval.training.recipe import Recipe
from calibeval.training.settings import OPTIMIZERS
from calibeval.training.spec import LossSpec

DIMENSIONS = 4  # rate, decay, and at most two parameters of a loss


def recipes(loss: LossSpec, trials: int, optimizer: str) -> list[Recipe]:
    """`trials` recipes for a loss; parameters that the user set are kept.

    Learning rate, weight decay and every free parameter of the loss follow a low-discrepancy sequence, so that any
    number of trials covers their ranges evenly, and the same command tries the same recipes. All losses get the same
    rates and decays.
    Source: the R sequence of Roberts (2018), a generalised golden ratio.

    >>> [round(math.log10(c.rate), 2) for c in recipes(LossSpec("ce"), 3, "adamw")]
    [-2.48, -2.81, -3.14]
    """
    entry, said = loss.entry, loss.parameters
    free = {
        name: ends
        for name, ends in entry.tuned.items()
        if name not in said and entry.tuned_unless.get(name) not in said
    }
    known = OPTIMIZERS[optimizer]
    ranges = [known.rates, known.decays, *free.values()]
    steps = _steps(DIMENSIONS)[: len(ranges)]
    found = []
    for trial in range(trials):
        shares = [math.fmod(0.5 + (trial + 1) * step, 1.0) for step in steps]
        rate, decay, *rest = (low * (high / low) ** share for share, (low, high) in zip(shares, ranges, strict=True))
        tried = {name: float(f"{value:.3g}") for name, value in zip(free, rest, strict=True)}
        spec = LossSpec(loss.name, {**entry.tuned_with, **tried, **said})
        found.append(Recipe(spec, float(f"{rate:.3g}"), float(f"{decay:.3g}")))
    return found


def _steps(dimensions: int) -> list[float]:
    """The powers of 1 / g, where g solves g^(d + 1) = g + 1."""
    g = 2.0
    for _ in range(64):
        g = (1.0 + g) ** (1.0 / (dimensions + 1))
    return [g ** -(i + 1) for i in range(dimensions)]
