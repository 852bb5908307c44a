"""The input of `calibeval finetune`: the splits and the head to continue from, checked against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.records import to_plain
from calibeval.core.errors import InputError, UsageError, nearest
from calibeval.core.heads.features import Features
from calibeval.core.heads.layers import PlainLayer
from calibeval.core.heads.leak import feature_leak
from calibeval.core.report.fitted_on import FittedOn
from calibeval.core.report.rows import WeightCount
from calibeval.losses.table import LOSS_TABLE
from calibeval.readers.features.features import open_features
from calibeval.readers.features.head_weights import HeadWeights, read_head
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.training.request import Request
from calibeval.training.settings import HEADS
from calibeval.training.spec import LossSpec

VOID = 255  # the label of rows that nobody labelled, in files of 8 bits


@dataclass(frozen=True, slots=True)
class Command:
    """A finetune command whose options have been checked.

    train, val, test: paths, or features in memory. head: "linear", "mlp", or a file of weights. out: the run folder.
    fold: whether the temperature is folded into the saved head. allow_leak: whether splits may share rows.
    overwrite: whether a finished run in `out` may be replaced. small_batches: whether few rows have smaller batches.
    """

    train: str | Features
    val: str | Features
    test: str | Features | None
    out: Path
    head: str
    request: Request
    reading: ReadOptions
    fold: bool
    resume: bool
    allow_leak: bool
    overwrite: bool = False
    small_batches: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """The splits by name, the number of classes k, the head to continue from (or None), and warnings about them."""

    splits: Mapping[str, Features]
    k: int
    start: HeadWeights | None
    warnings: tuple[Notice, ...]

    @property
    def train(self) -> Features:
        """The split that heads are trained on."""
        return self.splits["train"]

    @property
    def val(self) -> Features:
        """The split that picks the epoch, stops training and fits the temperature."""
        return self.splits["val"]

    @property
    def measured(self) -> dict[str, Features]:
        """The splits on which heads are measured: all except train."""
        return {name: features for name, features in self.splits.items() if name != "train"}

    @property
    def shown(self) -> Literal["val", "test"]:
        """The split whose results are shown: test, or val if there is no test."""
        return "test" if "test" in self.splits else "val"

    def layers(self) -> tuple[PlainLayer, ...] | None:
        """The layers to continue from, or None for a new head."""
        return None if self.start is None else self.start.layers

    def sources(self) -> dict[str, dict[str, Any]]:
        """The file of each split, and how its rows count, for the saved results."""
        return {
            split: {**to_plain(self.fitted_on(split), "leak"), **_counting(features)}
            for split, features in self.splits.items()
        }

    def fitted_on(self, split: str) -> FittedOn:
        """The file of a split, as a record of the data that something was fitted on."""
        features = self.splits[split]
        return FittedOn.of(features.settled_source(), features.n)


def read_data(command: Command) -> Data:
    """The splits of a command, and its head.

    Raises: InputError for splits that do not match each other or the head, share rows, or hold values that are not
    finite.
    """
    names = {"train": command.train, "val": command.val} | ({} if command.test is None else {"test": command.test})
    splits = {
        split: one if isinstance(one, Features) else open_features(one, command.reading) for split, one in names.items()
    }
    train = splits["train"]
    warnings = [
        one.reworded(f"{features.source.name}: {one}") for features in splits.values() for one in features.warnings
    ]
    for split, features in splits.items():
        _check_alike(features, train)
        if split != "train":
            features.check_hard(f"{split.upper()} measures heads, so each row needs one class")
    _check_soft(train, command.request.losses)
    _check_whole(train, command.request)
    start = None if command.head in HEADS else _head(command, train)
    if start is not None:
        warnings += start.warnings
    k = _classes(splits, start)
    for features in splits.values():
        features.check_values(np.float32)
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        if other in splits:
            warnings += _leaks(splits[one], splits[other], allowed=command.allow_leak)
    absent = _absent(train, k)
    if len(absent):
        few = ", ".join(str(c) for c in absent[:5]) + (", ..." if len(absent) > 5 else "")
        text = f"{len(absent)} of {k} classes have no row in {train.source.name}: {few}"
        if k == VOID + 1 and VOID not in absent and VOID - 1 in absent:
            text += f". If {VOID} marks rows without a label, say --ignore-index {VOID}"
        warnings.append(warning("absent_classes", text))
    return Data(splits, k, start, tuple(warnings))


def _counting(features: Features) -> dict[str, Any]:
    """How the rows count: their weights, as a report has them, and whether labels are soft; empty if as usual."""
    weights = features.weights
    found: dict[str, Any] = {}
    if weights.column is not None:
        found["weights"] = to_plain(WeightCount(weights.column, weights.effective, weights.zero))
    return found if features.soft is None else {**found, "soft_labels": True}


def _check_soft(train: Features, losses: Sequence[LossSpec]) -> None:
    """Check that every loss can be trained with the labels of TRAIN.

    Raises: InputError for soft labels and a loss that takes classes only, naming those that take them.
    """
    refused = next((loss for loss in losses if not loss.entry.soft), None)
    if train.soft is not None and refused is not None:
        able = ", ".join(name for name, entry in LOSS_TABLE.items() if entry.soft)
        raise InputError(
            f"{train.source.name}: the labels are soft (the probability of every class), for which the loss "
            f"{refused.name} has no formula; losses that take them are {able}"
        )


def _check_whole(train: Features, request: Request) -> None:
    """Check that images can stay whole for the losses that need them so.

    Raises: UsageError.
    """
    whole = next((loss.name for loss in request.losses if loss.entry.imagewise), None)
    if train.images is not None and whole is not None and request.settings.mixup:
        raise UsageError(f"--mixup mixes the pixels of different places, but {whole} needs images as they are; say one")


def _absent(train: Features, k: int) -> npt.NDArray[np.integer[Any]]:
    """The classes that no row of TRAIN has; with soft labels, that have probability 0 in every row."""
    if train.soft is not None:
        return np.flatnonzero(~(train.soft > 0).any(axis=0))
    return np.setdiff1d(np.arange(k), [] if train.labels is None else train.labels)


def _check_alike(features: Features, train: Features) -> None:
    """Check that a split has the same number of features and the same classes as TRAIN."""
    name, first = features.source.name, train.source.name
    if features.d != train.d:
        raise InputError(f"{name} has {features.d} features per row, but {first} has {train.d}")
    one, other = features.class_names, train.class_names
    if one == other:
        return
    if one is None or other is None:
        with_names, without = (first, name) if one is None else (name, first)
        raise InputError(
            f"{with_names} names its classes, but {without} does not; name them for all files with --class-names FILE"
        )
    if len(one) != len(other):
        raise InputError(f"{name} names {len(one)} classes, but {first} names {len(other)}")
    place = next(i for i, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1])
    raise InputError(f'class {place} is "{one[place]}" in {name}, but "{other[place]}" in {first}')


def _classes(splits: Mapping[str, Features], start: HeadWeights | None) -> int:
    """The number of classes: that of the head, or that in TRAIN and VAL; TEST must not influence the training.

    Raises: InputError for a label outside the classes, or fewer than two classes.
    """
    train = splits["train"]
    k = max(splits[name].k or 1 for name in ("train", "val")) if start is None else start.k
    if k < 2:
        source = train.source if start is None else start.source
        what = "every label is 0" if start is None else "the head has one output"
        raise InputError(f"{source.name}: {what}, but a classifier needs at least two classes")
    for name, features in splits.items():
        hint = "TRAIN and VAL have" if name == "test" else "there are"
        features.check_classes(k, hint if start is None else "the head has")
    return k


def _head(command: Command, train: Features) -> HeadWeights:
    """The head to continue from."""
    hint = nearest(command.head.lower(), HEADS)
    if hint and not Path(command.head).exists():
        raise UsageError(f'--head "{command.head}" is neither {" nor ".join(HEADS)}, and there is no such file{hint}')
    limits = command.reading.limits
    head = read_head(command.head, max_bytes=limits.max_bytes, max_memory=limits.max_memory, checksums=limits.checksums)
    if head.d != train.d:
        raise InputError(f"{head.source.name} takes {head.d} features, but {train.source.name} has {train.d}")
    if train.class_names is not None and len(train.class_names) != head.k:
        raise InputError(
            f"{head.source.name} has {head.k} classes, but {train.source.name} names {len(train.class_names)}"
        )
    return head


def _leaks(fitted: Features, tested: Features, *, allowed: bool) -> list[Notice]:
    leak = feature_leak(fitted, tested)
    if leak is None:
        return []
    if leak.certain and not allowed:
        raise InputError(f"{leak.text}: the head would look better than it is. Say --allow-leak to train anyway.")
    return [leak.notice]
