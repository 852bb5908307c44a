"""All settings that the results of a training depend on, for the record and for --resume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from calibeval.core.data.documents import Place
from calibeval.core.data.records import Layout, to_plain


@dataclass(frozen=True, slots=True)
class StartFile:
    """The file with the weights from which a training continues."""

    sha256: str | None
    split: str | None


def _label(place: Place) -> int | None:
    """A label, which may be negative if it marks ignored rows; None for null."""
    return None if place.value is None else place.integer()


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The settings of a run, in the order in which they are written.

    losses: as given on the command line. head: "linear", "mlp" or "continued"; start: the file of a continued head.
    rate, decay: None if the optimizer's default or --tune decides. sha256, splits: of the features of each split; of a
    remote file that was read in part, its size and ETag in place of the hash. weights_key: the column by which rows are
    weighted. labels_sha256: of the files with the labels of the splits, where they are separate files. Both are None in
    files of earlier versions, too.
    """

    LAYOUT: ClassVar = Layout(read={"ignore_index": _label})

    losses: tuple[str, ...]
    head: str
    start: StartFile | None
    hidden: int | None
    classes: int
    class_names: tuple[str, ...] | None
    optimizer: str
    rate: float | None
    decay: float | None
    epochs: int
    batch_size: int
    schedule: str
    clip_norm: float | None
    patience: int | None
    mixup: float
    amp: bool
    standardize: bool
    trials: int
    select: str
    seeds: tuple[int, ...]
    fold: bool
    device: str
    features_key: str | None
    labels_key: str | None
    ignore_index: int | None
    sha256: Mapping[str, str | None]
    splits: Mapping[str, str | None]
    weights_key: str | None = None
    labels_sha256: Mapping[str, str | None] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return to_plain(self)
