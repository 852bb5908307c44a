"""Dumps that hold several blocks of rows one after the other, as the severities of CIFAR-10-C, and their labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calibeval.core.data.amended import titled
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.readers.opened import Opened
from calibeval.readers.stored.names import ID_KEYS
from calibeval.readers.stored.stored import Stored
from calibeval.runs.surveying.planned import Block


def part_of(whole: Predictions, block: Block, name: str) -> Predictions:
    """One block of a dump. Raises: InputError for rows that make no equal blocks."""
    units = whole.layout[0]
    if units % block.count:
        what = "rows" if len(whole.layout) == 1 else "images"
        raise InputError(
            f"{whole.source.name}: {units:,} {what} cannot be cut into {block.count} equal blocks (--blocks)"
        )
    size = whole.rows // block.count
    return titled(whole.select(np.arange(block.index * size, (block.index + 1) * size)), name)


def for_every_block(labels: Opened, dump: Opened, count: int) -> Opened:
    """A file of labels whose rows are those of one block, as one whose rows are those of all blocks; others as they
    are, and those with ids, which say themselves which rows they are of.
    """
    arrays = labels.contents.arrays
    sizes = {one.shape[0] for one in arrays.values() if one.shape}
    rows = {one.shape[0] for one in dump.contents.arrays.values() if one.shape}
    if len(sizes) != 1 or any(key.lower() in ID_KEYS for key in arrays) or rows & sizes:
        return labels
    if {size * count for size in sizes}.isdisjoint(rows):
        return labels
    every = {key: _repeated(one, count) if one.shape else one for key, one in arrays.items()}
    return replace(labels, contents=replace(labels.contents, arrays=every))


def _repeated(one: Stored, count: int) -> Stored:
    shape = (one.shape[0] * count, *one.shape[1:])
    return replace(one, shape=shape, load=lambda: np.concatenate([one.array()] * count))
