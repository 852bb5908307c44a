"""Mixup: rows mixed with their neighbours in the batch, and the losses of their two labels.

Source: Zhang, Cisse, Dauphin, Lopez-Paz, ICLR 2018.
"""

from __future__ import annotations

import torch
from torch import Tensor

from calibeval.training.head_losses import HeadLosses


def mixed_rows(x: Tensor, share: Tensor | None) -> Tensor:
    """Rows (b, d), each with its share (b,) of itself and the rest of the row before; None: as they are."""
    return x if share is None else torch.lerp(x.roll(1, 0), x, share.to(x.dtype).unsqueeze(1))


def mixed_losses(
    losses: HeadLosses, logits: Tensor, labels: Tensor, weights: Tensor | None, share: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The mean losses (c,) of the mixed rows, and their gradients with respect to the logits (b, c, k).

    Each of the two labels of a row counts by its share, and by the weight (b,) of its own row; None: all 1.
    """
    if share is None:
        return losses.value_and_slope(logits, labels, weights)
    before = None if weights is None else weights.roll(1)
    return losses.mixed(logits, (labels, _product(share, weights)), (labels.roll(1, 0), _product(1 - share, before)))


def _product(share: Tensor, weights: Tensor | None) -> Tensor:
    return share if weights is None else share * weights
