"""The rows that a temperature is fitted on, chosen on their device: as `calibeval.core.sums.sample.chosen`."""

from __future__ import annotations

import torch
from torch import Tensor

from calibeval.core.sums.sample import HASH, HASHES


def chosen_places(first: int, rows: int, n: int, size: int, device: torch.device) -> Tensor:
    """The chosen ones of `rows` rows, counted from 0, if about `size` of n rows are chosen in all.

    first: the number of rows before them.

    >>> chosen_places(4, 6, 10, 3, torch.device("cpu")).tolist()
    [1]
    """
    own = torch.arange(rows, device=device)
    if size >= n:
        return own
    hashed = (own + first) * HASH & (HASHES - 1)  # what overflows is a multiple of HASHES
    return (hashed < size * HASHES // n).nonzero().squeeze(1)
