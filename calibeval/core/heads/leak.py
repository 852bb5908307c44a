"""Rows that two feature caches share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.labels import Labels
from calibeval.core.data.shared_rows import Leak, Sample, find_leak
from calibeval.core.heads.features import Features
from calibeval.core.sums.row_hashes import row_hashes


def feature_leak(fitted: Features, tested: Features) -> Leak | None:
    """The leak between two feature caches with labels, or None: rows that are used for both training and testing.

    Features are compared bit by bit as float32, and read once each.

    >>> f = Features(features=[[0.5, 1.0], [2.0, -1.0]], labels=[0, 1])
    >>> feature_leak(f, f).text
    'predictions and predictions share 2 rows, identical in features and label'
    """
    return find_leak(_sample(fitted), _sample(tested))


def _sample(features: Features) -> Sample:
    ids, images = features.ids, features.images
    if images is not None:  # pixels may be equal by chance, such as in a sky; images are not
        return Sample(
            source=features.settled_source(),
            n=images.count,
            width=images.size * features.d,
            values="features of all pixels",
            hashes=lambda: row_hashes(
                ((one, np.zeros(1, np.int64)) for one in images.blocks()), images.size * features.d
            ),
            ids=None if ids is None else lambda: ids,
            file_rows=features.file_rows,
        )
    return Sample(
        source=features.settled_source(),
        n=features.n,
        width=features.d,
        values="features",
        hashes=lambda: row_hashes(_labelled(features), features.d),
        ids=None if ids is None else lambda: ids,
        file_rows=features.file_rows,
    )


def _labelled(features: Features) -> Iterator[tuple[npt.NDArray[Any], Labels]]:
    """Blocks of features and labels; without labels, each label is 0."""
    for block in features.blocks():
        zeros = np.zeros(len(block.features), np.int64)
        yield block.features, zeros if block.labels is None else block.labels
