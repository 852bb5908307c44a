"""Labels that count in another order of classes than the dump: that of their own file, or of --class-names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.class_names import LabelsAre
from calibeval.core.data.labels import read_labels
from calibeval.core.errors import InputError
from calibeval.readers.meaning.facts import stored_names
from calibeval.readers.stored.names import BY_SCORE
from calibeval.readers.stored.stored import Stored

if TYPE_CHECKING:
    from calibeval.readers.meaning.labels_file import LabelsFile


class NamedLabels(NamedTuple):
    """Labels in the dump's order of classes, its class names, what the labels are, and the label to ignore."""

    labels: npt.NDArray[Any] | None
    names: tuple[str, ...] | None
    labels_are: LabelsAre | None
    ignore: int | None


def named_beside(
    beside: LabelsFile, labels: npt.NDArray[Any] | None, known: NamedLabels, file: str, *, given: bool
) -> NamedLabels:
    """Labels of another file, with the class names that it holds.

    known: what is known of the dump; if it has no class names, those of the labels' file are taken. given: whether the
    user gave them.
    Raises: InputError if both files name classes, but not the same ones.
    """
    theirs = stored_names(dict(beside.arrays), beside.class_names, beside.name)
    names = known.names
    if labels is None or theirs is None or theirs == names:
        return known._replace(labels=labels)
    if names is None:
        return known._replace(labels=labels, names=theirs)
    if given and sorted(theirs) != sorted(names):
        return known._replace(labels=labels)
    known_places = {name: i for i, name in enumerate(names)}
    if sorted(theirs) != sorted(names) or len(known_places) < len(names):
        odd = next((name for name in theirs if name not in known_places), theirs[0])
        raise InputError(
            f'{beside.name}: its {len(theirs)} class names, such as "{odd}", are not the {len(names)} of {file}, '
            f'such as "{names[0]}": name the same classes in both files'
        )
    return _counted_as(labels, theirs, known, names, f"{beside.name} names")


def _counted_as(
    labels: npt.NDArray[Any], theirs: tuple[str, ...], known: NamedLabels, names: tuple[str, ...], owner: str
) -> NamedLabels:
    """Labels that count in the order of some class names, `theirs`, counted in the order of others, `names`.

    known: the label to ignore, and what labels are. owner: what has the class names, for messages.
    """
    ignore = known.ignore
    if labels.dtype.kind in "OUS":
        return known._replace(labels=labels)
    own = {name: i for i, name in enumerate(names)}
    places = np.array([own[name] for name in theirs])
    if labels.ndim == 2 and labels.shape[1] == len(names):  # one-hot rows
        return known._replace(labels=labels[:, np.argsort(places)])
    there, ignored, _ = read_labels(
        labels.reshape(-1), len(theirs), theirs, ignore, labels_are=known.labels_are, owner=owner
    )
    kept = np.ones(len(there), bool) if ignored is None else there != ignored
    here = np.where(kept, places[np.where(kept, there, 0)], there)
    ignored = _outside(ignored, len(names))
    if ignored is not None:
        here = np.where(kept, here, ignored)
    return NamedLabels(here.reshape(labels.shape), names, "positions", ignored)


def same_names(given: tuple[str, ...], own: tuple[str, ...]) -> bool:
    """Whether both are the same different names, in different orders.

    >>> same_names(("a", "b"), ("b", "a")), same_names(("a", "b"), ("a", "b")), same_names(("a", "b"), ("b", "c"))
    (True, False, False)
    """
    return given != own and sorted(given) == sorted({*own})


def in_own_order(
    labels: NamedLabels, given: tuple[str, ...] | None, own: tuple[str, ...], file: str, names: Stored | None
) -> NamedLabels:
    """Labels that count in the order of the names that the user gave, counted in the order of the file.

    own: the names of the file, if the user gave them in another order. names: those of the file, if they are used.
    Raises: InputError for numbers where the classes have no order.
    """
    if labels.labels is not None and own and given:
        return _counted_as(labels.labels, given, labels, own, "--class-names names")
    _refuse_unordered(names, labels, file)
    return labels


def _refuse_unordered(names: Stored | None, labels: NamedLabels, file: str) -> None:
    """Refuse labels that are numbers where every row lists its classes in its own order: no class has a number.

    names: those of the classes as the file holds them. Raises: InputError.
    """
    values = labels.labels
    if names is None or names.origin != BY_SCORE or values is None or values.dtype.kind not in "iuf":
        return
    known = names.array().tolist()
    if {str(label) for label in np.unique(values).tolist() if label != labels.ignore} <= {*known}:
        return
    shown = ", ".join(known[:4]) + (", ..." if len(known) > 4 else "")
    raise InputError(
        f"{file}: labels are numbers, but rows list the classes ({shown}) in different orders, so the file does not "
        "tell which number a class has: give the class names in the order of their numbers, with --class-names FILE "
        "(one per line, or id2label in .json)"
    )


def _outside(ignored: int | None, k: int) -> int | None:
    """A label to ignore that is no class."""
    return -1 if ignored is not None and 0 <= ignored < k else ignored
