"""Class names in the file of labels: its labels count in its own order of classes, those of the dump in another."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.class_names import LabelsAre
from calibeval.core.data.labels import read_labels
from calibeval.core.errors import InputError
from calibeval.readers.meaning.facts import stored_names
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
    names, ignore = known.names, known.ignore
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
    if labels.dtype.kind in "OUS":
        return known._replace(labels=labels)
    places = np.array([known_places[name] for name in theirs])
    if labels.ndim == 2 and labels.shape[1] == len(names):  # one-hot rows
        return known._replace(labels=labels[:, np.argsort(places)])
    there, ignored, _ = read_labels(
        labels.reshape(-1), len(theirs), theirs, ignore, labels_are=known.labels_are, owner=f"{beside.name} names"
    )
    kept = np.ones(len(there), bool) if ignored is None else there != ignored
    here = np.where(kept, places[np.where(kept, there, 0)], there)
    ignored = _outside(ignored, len(names))
    if ignored is not None:
        here = np.where(kept, here, ignored)
    return NamedLabels(here.reshape(labels.shape), names, "positions", ignored)


def _outside(ignored: int | None, k: int) -> int | None:
    """A label to ignore that is no class."""
    return -1 if ignored is not None and 0 <= ignored < k else ignored
