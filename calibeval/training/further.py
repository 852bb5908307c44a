"""Whether training had converged: how much better a head gets by going on in one straight line."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from calibeval.training.head_losses import HeadLosses
from calibeval.training.heads import Heads, Layer
from calibeval.training.settings import AFTER
from calibeval.training.split import Split
from calibeval.training.steps import Steps
from calibeval.training.validation import Validator

LENGTHS = [4.0 ** (i - 2) for i in range(16)]  # of the line, in steps of the whole training; four, and on while better
BLOCK = 2**22  # numbers at once


def further_scores(
    heads: Heads, head_losses: HeadLosses, steps: Steps, train: Split, val: Split, *, select: str
) -> list[float]:
    """The best validation score of each head along the direction that all rows of TRAIN ask for; inf for none.

    The direction is that of the optimizer with the gradient of all rows, which has no noise: near the optimum it is
    short, and after too few steps, or steps that were too small, it leads far down. Loss and rows decide the direction,
    VAL only measures: a head that would merely fit its rows better does not get a better score. The parameters are put
    back.
    """
    _gradient(heads, head_losses, train)
    lines, before = steps.directions(), heads.copy()
    best = [math.inf] * heads.count
    for length in LENGTHS:
        for layer, start, line in zip(heads.layers, before, lines, strict=True):
            for part, begin, way in zip(layer, start, line, strict=True):
                torch.add(begin, way, alpha=-length * steps.count, out=part)
        found = Validator(val, heads.count).measure(heads, None, first=True)
        now = [min(pair) for pair in zip(best, found.nll_after if select == AFTER else found.nll, strict=True)]
        ended, best = now == best, now
        if ended and length >= LENGTHS[3]:
            break
    for layer, start in zip(heads.layers, before, strict=True):
        for part, begin in zip(layer, start, strict=True):
            part.copy_(begin)
    return best


def _gradient(heads: Heads, head_losses: HeadLosses, train: Split) -> None:
    """Write the gradients of the mean losses of all rows."""
    size = max(1, BLOCK // heads.widest)
    total: Sequence[Layer] = [Layer(*(torch.zeros_like(part) for part in layer)) for layer in heads.slopes]
    whole = head_losses.imagewise and train.images is not None
    for x, labels, weights, images in train.image_batches(None, 1) if whole else train.batches(None, size):
        logits, hidden = heads.forward(x)
        heads.backward(x, hidden, head_losses.value_and_slope(logits, labels, weights, images)[1])
        for every, layer in zip(total, heads.slopes, strict=True):
            for whole, part in zip(every, layer, strict=True):
                whole.add_(part, alpha=len(x) / train.n)
    for every, layer in zip(total, heads.slopes, strict=True):
        for whole, part in zip(every, layer, strict=True):
            part.copy_(whole)
