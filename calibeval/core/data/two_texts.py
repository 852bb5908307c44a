"""Labels that are two texts: the class that is named as the positive one makes the other the negative one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy.typing as npt

from calibeval.core.data.class_names import number_of
from calibeval.core.errors import UsageError, nearest

TWO, MOST_LISTED, LONGEST = 2, 5, 40


def names_by_positive(
    labels: npt.NDArray[Any], positive: str | None, ignore_index: int | None = None, *, file: str = ""
) -> tuple[str, str] | None:
    """The names of both classes, the positive one last; None unless a class is named and all labels are texts.

    file: for messages.

    Raises: UsageError, with the texts, unless there are two and the named one is among them.

    >>> import numpy as np
    >>> names_by_positive(np.array(["stayed", "churned", "stayed"]), "churned")
    ('stayed', 'churned')
    >>> names_by_positive(np.array([0, 1]), "churned") is None
    True
    """
    texts = None if positive is None else counted(labels, ignore_index)
    if texts is None or positive is None:
        return None
    if positive in texts and len(texts) == TWO:
        return next(text for text in texts if text != positive), positive
    listed = ", ".join(f'"{text:.{LONGEST}}"' for text in sorted(texts)[:MOST_LISTED])
    listed += ", ..." if len(texts) > MOST_LISTED else ""
    came = f'{file}{": " if file else ""}--positive is "{positive:.60}"'
    if len(texts) == 1:
        raise UsageError(f"{came}, but all labels are {listed}: give both class names with --class-names FILE")
    if len(texts) > TWO:
        raise UsageError(f"{came}, but the labels are {len(texts)} texts, {listed}; --positive is for two classes")
    raise UsageError(f"{came}, but the labels are {listed}{nearest(positive, sorted(texts))}")


def example(labels: npt.NDArray[Any], ignore_index: int | None = None) -> str | None:
    """The rarer one of two texts, which is the positive class more often than not; None unless labels are two texts.

    >>> import numpy as np
    >>> example(np.array(["stayed", "churned", "stayed"])), example(np.array(["a", "b", "c"]))
    ('churned', None)
    """
    texts = counted(labels, ignore_index)
    return min(sorted(texts, reverse=True), key=texts.__getitem__) if texts is not None and len(texts) == TWO else None


def counted(labels: npt.NDArray[Any], ignore_index: int | None = None) -> Counter[str] | None:
    """The texts without blanks around them, and how many rows have each; None if labels are anything else.

    The text that is the ignored label is not among them.
    """
    flat = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if flat.ndim != 1 or flat.dtype.kind not in "OUS" or not len(flat):
        return None
    values = flat.tolist()
    if not all(isinstance(value, str | bytes) for value in values):
        return None
    texts = Counter(value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in values)
    found: Counter[str] = Counter()
    for text, count in texts.items():
        if ignore_index is None or number_of(text.strip()) != ignore_index:
            found[text.strip()] += count
    return found
