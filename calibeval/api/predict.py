"""`predict`: the logits of a trained head for cached features."""

from __future__ import annotations

import math
from os import PathLike
from pathlib import Path
from typing import Unpack

import numpy as np

from calibeval.api.arguments import OF_TRAININGS
from calibeval.api.dumps import FeatureReading, as_path, features_of, features_read_by
from calibeval.core.data.amended import with_warnings
from calibeval.core.data.places import place_of
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.public import public
from calibeval.core.data.row_source import RowSource
from calibeval.core.errors import InputError, UsageError
from calibeval.core.heads.facts import FACTS_FILE, HeadFacts
from calibeval.core.heads.features import BLOCK_ROWS, Features
from calibeval.core.heads.scores import scores_of
from calibeval.readers.features.head_weights import RUN_FILE, read_head
from calibeval.readers.small_files import is_there, read_small
from calibeval.readers.stored.limits import Limits, quarter_of_memory


@public(OF_TRAININGS, FeatureReading.__annotations__)
def predict(
    run: str | PathLike[str],
    features: Features | str | PathLike[str],
    *,
    max_memory: int | None = None,
    **reading: Unpack[FeatureReading],
) -> Predictions:
    """The predictions of a head for features, with their labels if they have any; the scores are logits (n, k).

    run: a folder that `finetune` wrote, or a file of weights. features: a path, or Features. max_memory, reading: as
    for `read_features`.
    Raises: InputError for features, labels or class names that do not match the head, or logits that overflow;
    FileProblem.
    """
    features_read_by(reading, [features])
    memory = quarter_of_memory() if max_memory is None else max_memory
    limits = Limits(reading.get("max_bytes"), memory, reading.get("checksums", True))
    rows = features_of(features, reading, max_memory, need_labels=False)
    predictions, warnings = predicted(as_path(run), rows, limits)
    return with_warnings(predictions, warnings)


def predicted(run: Path, rows: Features, limits: Limits) -> tuple[Predictions, tuple[str, ...]]:
    """The predictions of a head for features, and warnings.

    Raises: InputError for features, labels or class names that do not match the head, or logits that overflow;
    UsageError for rows with weights.
    """
    head = read_head(run, max_bytes=limits.max_bytes, max_memory=limits.max_memory, checksums=limits.checksums)
    if rows.d != head.d:
        raise InputError(f"{rows.source.name} has {rows.d} features per row, but {head.source.name} takes {head.d}")
    if rows.weights.column is not None:
        raise UsageError(
            f'{rows.source.name}: rows are weighted by "{rows.weights.column}", but predict weighs none; leave the '
            f"weights out: the dump keeps the column, so that report can be told --key weights={rows.weights.column}"
        )
    rows.check_hard("a dump holds one class per row")
    rows.check_values()
    rows.check_classes(head.k, "the head has")
    names = _class_names(Path(head.source.path or run), head.k)
    if names is not None and rows.class_names is not None and names != rows.class_names:
        raise InputError(f"{rows.source.name} and the head in {run} differ in the names or the order of their classes")
    with np.errstate(over="ignore", invalid="ignore"):
        scores = scores_of(head.layers, rows)
        first = _first_infinite(scores.logits)
    if first is not None:
        raise InputError(f"{rows.source.name}: the logits of {place_of(first, scores.logits.shape[:-1])} overflow")
    predictions = Predictions(
        **scores._asdict(),
        class_names=rows.class_names or names,
        labels_are="positions",
        ids=rows.ids,
        columns=rows.columns,
        source=rows.settled_source(),
        keys=rows.keys,
    )
    return predictions, (*rows.warnings, *head.warnings)


def _first_infinite(logits: RowSource) -> int | None:
    """The number of the first row, or pixel, whose logits are not finite; None if all are."""
    count, *rest, k = logits.shape
    step = 1 if rest else BLOCK_ROWS
    for start in range(0, count, step):
        finite = np.isfinite(logits[start : min(start + step, count)]).reshape(-1, k).all(axis=1)
        if not finite.all():
            return start * math.prod(rest) + int(finite.argmin())
    return None


def _class_names(weights: Path, k: int) -> tuple[str, ...] | None:
    """The class names in head.json, if it is in the same folder as weights that `finetune` wrote."""
    path = weights.with_name(FACTS_FILE)
    if weights.name != RUN_FILE or not is_there(path):
        return None
    content = read_small(path)
    try:
        names = HeadFacts.from_json(content).class_names
    except InputError as error:
        raise InputError(f"{path}: {error}; delete it, or train again") from None
    if names is not None and len(names) != k:
        raise InputError(f"{path}: class_names must be {k} names, one for each class of the head")
    return names
