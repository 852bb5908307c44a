"""The logits of a head for features, in the shape of the features: rows, or images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import RowSource
from calibeval.core.heads.features import Features
from calibeval.core.heads.layers import ImageLogits, PlainLayer, logits_of

KEPT = 2**25  # logits of images that are kept in memory; more are computed again whenever they are read


class Scores(NamedTuple):
    """Logits (n, k) with labels (n,), or of images (n, h, w, k) with (n, h, w), of which some pixels are ignored.

    Of many images, logits are computed when they are read. labelled: False if the labels have no meaning: of images,
    zeros that tell which axis has the classes.
    """

    logits: RowSource
    labels: npt.NDArray[np.integer[Any]] | None
    ignore_index: int | None = None
    labelled: bool = True


def scores_of(layers: Sequence[PlainLayer], features: Features) -> Scores:
    """What a head says about features, and their labels if they have any.

    >>> layer = PlainLayer(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0.0, 1.0]))
    >>> image = Features(features=np.ones((1, 2, 1, 3)), labels=[[[0, 1, 9]]], ignore_index=9)
    >>> scores_of([layer], image).logits.tolist()
    [[[[1.0, 3.0], [1.0, 3.0], [1.0, 3.0]]]]
    """
    images = features.images
    if images is None:
        return Scores(logits_of(layers, features.features), features.labels)
    lazy = ImageLogits(layers, images.pixels, images.layout)
    logits = lazy if math.prod(lazy.shape) > KEPT else lazy[0 : images.count]
    if images.labels is None:
        return Scores(logits, np.zeros(images.layout, np.uint8), None, labelled=False)
    return Scores(logits, images.labels.reshape(images.layout), images.ignore_index)
