"""Where rows lie in what came: a single column, images, plain rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calibeval.core.data.class_names import number_of
from calibeval.core.data.row_source import BinaryColumns, Kind, RowSource


def place_of(row: int, layout: Sequence[int]) -> str:
    """The place of a row in its file; layout: (n,) of plain rows, (n, h, w) of images.

    >>> place_of(3, (9,)), place_of(5, (2, 2, 2))
    ('row 3', 'image 1, pixel (0, 1)')
    """
    if len(layout) < 2:
        return f"row {row}"
    image, *pixel = (int(i) for i in np.unravel_index(row, tuple(layout)))
    return f"image {image}, pixel ({', '.join(map(str, pixel))})"


def recognised_shape(
    scores: RowSource, kind: Kind, layout: Sequence[int], names: Sequence[str] | None, *, by_name: bool
) -> tuple[str, ...]:
    """What scores and labels were taken for, in a few words each; nothing for (n, k) scores and numbered labels.

    by_name: whether the labels are names of classes. Whether they are is also told of classes whose names are numbers.
    """
    found = []
    if len(layout) > 1:
        n, *space = layout
        what, parts = ("image", "pixels") if len(space) > 1 else ("sequence", "positions")
        found.append(f"{n:,} {what}{'' if n == 1 else 's'} of {' × '.join(map(str, space))} {parts}")
    if isinstance(scores, BinaryColumns):
        what = {"logits": "the logit of class 1", "probs": "P(class 1)"}.get(kind, "ln P(class 1)")
        found.append(f"one {'column' if len(layout) == 1 else 'channel'}, {what}")
    numbers = [] if names is None else [number_of(name) for name in names]
    if by_name:
        found.append("labels are names of classes")
    elif any(number not in (None, i) for i, number in enumerate(numbers)):
        found.append("labels are positions of classes, from 0, not names")
    return tuple(found)
