"""Which class of two is the positive one, and which classes are looked at one against the rest."""

from __future__ import annotations

from collections.abc import Sequence

from calibeval.core.data.copied import copied
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import UsageError, nearest

SHOWN_CLASSES = 5  # in a message


def with_positive(predictions: Predictions, positive: str | None) -> Predictions:
    """The predictions with this positive class, by its name or number; None: class 1.

    Raises: UsageError for an unknown class, or unless there are two classes.

    >>> p = Predictions(probs=[0.2, 0.9], labels=[0, 1], class_names=["ok", "default"])
    >>> with_positive(p, "ok").positive, with_positive(p, "1").positive
    (0, 1)
    """
    if positive is None:
        return predictions
    name, k = predictions.source.name, predictions.k
    if k is None:
        raise UsageError(f"{name}: --positive is for two classes, but only the top label is known")
    if k != 2:
        raise UsageError(f"{name}: --positive is for two classes, but there are {k}")
    return copied(predictions, positive=class_of(predictions, positive, "--positive"))


def chosen_classes(predictions: Predictions, classes: Sequence[str]) -> tuple[int, ...]:
    """The numbers of these classes, in their order and without repetition; "cat,dog" are two, unless one has that name.

    Raises: UsageError for an unknown class, or unless there are more than two classes.

    >>> p = Predictions(probs=[[0.2, 0.3, 0.5]], labels=[2], class_names=["cat", "dog", "cow"])
    >>> chosen_classes(p, ["cow,0"])
    (2, 0)
    """
    if not classes:
        return ()
    name, k = predictions.source.name, predictions.k
    if k is None or k <= 2:
        known = "only the top label is known" if k is None else f"there are {k}: choose one with --positive"
        raise UsageError(f"{name}: --class is for more than two classes, but {known}")
    names = {*(predictions.class_names or ())}
    every = (part for one in classes for part in ([one] if one in names else one.split(",")))
    return tuple(dict.fromkeys(class_of(predictions, one, "--class") for one in every))


def class_of(predictions: Predictions, wanted: str, option: str) -> int:
    """The number of a class, by its name or number; names come first. option: for messages.

    Raises: UsageError if there is no such class.
    """
    k = predictions.k or 0
    names = predictions.class_names or ()
    if wanted in names:
        return names.index(wanted)
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 10 and int(wanted) < k:
        return int(wanted)
    known = names or tuple(str(i) for i in range(min(k, SHOWN_CLASSES + 1)))
    listed = ", ".join(f'"{name:.40}"' for name in known[:SHOWN_CLASSES]) + (", ..." if k > SHOWN_CLASSES else "")
    came = f'{predictions.source.name}: {option} is "{wanted:.60}"'
    raise UsageError(f"{came}, but the {k} classes are {listed}{nearest(wanted, known)}")


def class_title(predictions: Predictions, index: int) -> str:
    """The name of a class, or its number where classes have no names."""
    return predictions.class_names[index] if predictions.class_names else str(index)
