"""What a file contains and how it would be read; a problem in one split does not hide the others."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from calibeval.core.data.check_values import check_values
from calibeval.core.data.elsewhere import elsewhere
from calibeval.core.data.inspection import ArrayNote, Inspection, Reading
from calibeval.core.data.predictions import Predictions, Source
from calibeval.core.errors import CalibevalError
from calibeval.core.heads.features import Features
from calibeval.readers.features.features import open_features
from calibeval.readers.formats.sums_names import are_sums
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.meaning.unlabelled import what_to_do
from calibeval.readers.open import open_input, open_labels, predictions_of, split_name
from calibeval.readers.opened import Opened
from calibeval.readers.stored.names import (
    CORRECT_KEYS,
    FEATURE_KEYS,
    ID_KEYS,
    IGNORE_KEYS,
    LABEL_KEYS,
    NAME_KEYS,
    PAIR,
    PREDICTION_KEYS,
    SCORE_KEYS,
    index_splits,
    prefixes,
)
from calibeval.readers.stored.stored import Stored

MANY_VALUES = 50
MANY_LETTERS = 60
MANY_QUESTIONS = 8  # of a log, each of which is also read alone
WEIGHT_NAMES = ("weights", "weight", "sample_weight", "sample_weights")
UNUSED = "not used: of another length"
VALIDATION = ("val", "valid", "validation", "dev", "calib", "calibration", "cal")


def inspect_dump(name: str, options: ReadOptions) -> Inspection:
    """What the file contains and how it, or each of its splits, would be read; the values of the scores are checked.

    Raises: InputError or FileProblem only if the file as a whole cannot be opened.
    """
    if are_sums([name]):
        found: Inspection = elsewhere("calibeval.readers.formats.sums_described", "inspect_sums")(name)
        return found
    path, split = split_name(name)
    opened = open_input(path, options.limits, read_as=options.read_as, decimal=options.decimal, logs=options.logs)
    arrays = opened.contents.arrays
    prefixed, indexed = prefixes(arrays), index_splits(arrays)
    splits = (*prefixed, *indexed)
    labels = functools.cache(lambda: open_labels(options))
    pooled = ["all"] if indexed else []  # the splits are rows of one dump
    log = opened.contents.log
    questions = [] if log is None or log.by is None else [*dict.fromkeys(arrays[log.by].array().tolist())]
    parts: list[str | None] = (
        [split] if split is not None else [*splits, *pooled] or [None, *questions[:MANY_QUESTIONS]]
    )
    return Inspection(
        path=path.as_posix(),
        format=opened.format,
        size=opened.size,
        arrays=tuple(
            ArrayNote(key, stored.shape, _type(stored), _role(key, arrays, prefixed, indexed))
            for key, stored in arrays.items()
        ),
        splits=splits,
        readings=tuple(_reading(opened, labels, part, options) for part in parts),
        shards=opened.shards,
    )


def validation_split(name: str, options: ReadOptions) -> str | None:
    """The split of the same file on which maps are fitted, as `file#val`; None if there is none beside this split.

    Only the arrays' names are looked at, and which rows a split names: it must share none with this one.
    """
    path, split = split_name(name)
    if split is None or options.labels is not None:
        return None
    try:
        arrays = open_input(path, options.limits, read_as=options.read_as, decimal=options.decimal).contents.arrays
        indexed = index_splits(arrays)
        for other in VALIDATION:
            if other == split or other not in (*prefixes(arrays), *indexed):
                continue
            if other in indexed and split in indexed:
                both = [arrays[f"{one}_index"].array() for one in (other, split)]
                if set(both[0].tolist()) & set(both[1].tolist()):
                    continue
            return f"{path}#{other}"
    except (CalibevalError, OSError):
        return None
    return None


def _reading(opened: Opened, labels: Callable[[], Opened | None], split: str | None, options: ReadOptions) -> Reading:
    name = str(opened.path) if split is None else f"{opened.path}#{split}"
    try:
        predictions = predictions_of(opened, labels(), split, replace(options, need_labels=False))
        check_values(predictions)
        source = predictions.settled_source()
    except CalibevalError as error:
        cache = None if _has_scores(opened.contents.arrays) else _features(name, options)
        return cache or Reading(name, error=str(error))
    common = _common(name, predictions, source)
    return replace(
        common,
        kind=predictions.kind,
        k=predictions.k,
        recognised=predictions.recognised,
        no_labels=None if predictions.labelled else what_to_do(opened.contents.arrays, predictions.kind),
    )


def _common(name: str, rows: Predictions | Features, source: Source) -> Reading:
    """The facts that are reported for dumps and for feature caches."""
    return Reading(
        name,
        n=rows.n,
        ignored=rows.ignored,
        has_ids=rows.ids is not None,
        classes=rows.class_names or (),
        columns=tuple((key, _values(values)) for key, values in rows.columns.items()),
        warnings=rows.warnings,
        sha256=source.sha256,
    )


def _has_scores(arrays: Iterable[str]) -> bool:
    """Whether any array of any split has a usual name for scores."""
    names = [name for names in SCORE_KEYS.values() for name in names]
    return any(key.lower().endswith(name) for key in arrays for name in names)


def _features(name: str, options: ReadOptions) -> Reading | None:
    """How `finetune` would read the split; None if it could not."""
    try:
        features = open_features(name, replace(options, labels=None), need_labels=False)
        features.check_values()
        source = features.settled_source()
    except CalibevalError:
        return None
    return replace(_common(name, features, source), kind="features", k=features.k, features=features.d)


def _type(stored: Stored) -> str:
    """The type of an array; "unread" for one that numpy has no type for."""
    return "unread" if stored.refusal is not None and stored.dtype.kind == "V" else str(stored.dtype)


def _in_short(refusal: str) -> str:
    """What an array that is not read holds, without what is needed or what to do."""
    return re.split(r"\. |, but |\.$", refusal)[0][:MANY_LETTERS]


def _values(column: Any) -> int | None:
    count = len({None if value != value else value for value in column.tolist()})  # noqa: PLR0124 - one NaN as another
    return count if count <= MANY_VALUES else None


def _role(key: str, arrays: dict[str, Stored], prefixed: list[str], indexed: list[str]) -> str:
    """The role that the name of an array stands for, in any split."""
    stored = arrays[key]
    if stored.refusal is not None:
        return f"not used: {_in_short(stored.refusal)}"
    prefix = next((p for p in prefixed if key.startswith(f"{p}_")), None)
    bare = key if prefix is None else key.removeprefix(f"{prefix}_")
    by_name = {
        **{name: kind for kind, names in SCORE_KEYS.items() for name in names},
        **dict.fromkeys(LABEL_KEYS, "labels"),
        **dict.fromkeys(CORRECT_KEYS, "correct"),
        **dict.fromkeys(PREDICTION_KEYS, "prediction"),
        **dict.fromkeys(ID_KEYS, "ids"),
        **dict.fromkeys(NAME_KEYS, "class names"),
        **dict.fromkeys(FEATURE_KEYS, "features"),
        "predictions": "scores",
        **({PAIR[0]: "probs"} if all(name in arrays for name in PAIR) else {}),
    }
    if key.lower() in IGNORE_KEYS and math.prod(stored.shape) == 1:
        return "ignored label"
    if key.removesuffix("_index") in indexed:
        return "row numbers of a split"
    if _is_head(key, arrays):
        return "weights of a head"
    role = by_name.get(bare.lower())
    if role is None:
        role = _unnamed_role(key, prefix, arrays, prefixed)
    return role if prefix is None or role == UNUSED else f"{role} of {prefix}"


def _is_head(key: str, arrays: dict[str, Stored]) -> bool:
    """Whether the array is the weight, or the bias beside it, of a layer that `finetune --head` reads."""
    found = re.fullmatch(r"(|.*[._])(weight|bias)", key)
    weight = None if found is None else arrays.get(f"{found[1]}weight")
    return weight is not None and len(weight.shape) == 2


def _unnamed_role(key: str, prefix: str | None, arrays: dict[str, Stored], prefixed: list[str]) -> str:
    """Of an array of any name: scores and columns have one row for each label of their split, or of any split."""
    stored, bare = arrays[key], key if prefix is None else key.removeprefix(f"{prefix}_")
    if not stored.shape:
        return "a number"
    splits = ["", *(f"{name}_" for name in prefixed)] if prefix is None else [f"{prefix}_"]
    outcomes = {f"{split}{name}" for split in splits for name in (*LABEL_KEYS, *CORRECT_KEYS)}
    lengths = {one.shape[0] for key, one in arrays.items() if key.lower() in outcomes and one.shape}
    if lengths and stored.shape[0] not in lengths:
        return UNUSED
    if len(stored.shape) == 1 and bare in WEIGHT_NAMES:
        return f"a column, or --key weights={key}"
    return "possible scores" if len(stored.shape) >= 2 else "possible slice column"
