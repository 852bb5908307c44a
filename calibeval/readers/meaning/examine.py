"""Whether the scores and labels that were read can be what they are called; an option that says so is believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy.typing as npt

from calibeval.core.data.amended import with_warnings
from calibeval.core.data.class_names import LabelsAre
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import BinaryColumns, Kind
from calibeval.readers.meaning.contradictions import contradictions
from calibeval.readers.meaning.long_tables import long_table
from calibeval.readers.meaning.suspicion import class_of_255, labels_from_one, refuse_probs
from calibeval.readers.meaning.top_scores import refuse_best_first, refuse_confidences
from calibeval.readers.stored.stored import Stored


class Sight(NamedTuple):
    """Where predictions come from.

    key: of the scores. labels: the usual name of the labels; None: the user named them. arrays: of the file. parts: the
    shards, with their rows.
    """

    key: str
    labels: str | None
    arrays: Mapping[str, Stored]
    parts: tuple[tuple[str, int], ...]
    file: str


def examined(
    predictions: Predictions,
    raw: npt.NDArray[Any],
    sight: Sight,
    *,
    kind: Kind | None,
    labels_are: LabelsAre | None,
    believed: bool,
) -> Predictions:
    """The predictions, with warnings about labels that seem to start at 1 or to mark rows without one, and others.

    raw: the labels as stored. kind, labels_are, believed: see ReadOptions.
    Raises: InputError for scores that can hardly be what they are called.
    """
    if kind is None and predictions.kind == "logits":
        refuse_probs(predictions, sight.parts, sight.file)
    if kind is None and not believed:
        _refuse_long(predictions, sight)
        refuse_confidences(predictions, sight.key, sight.arrays, sight.file)
    if labels_are is None and predictions.labelled and not believed:
        refuse_best_first(predictions, raw, sight.file)
    if believed:
        return predictions
    doubts = contradictions(predictions, sight.labels)
    if predictions.labelled:
        doubts = (*labels_from_one(predictions), *class_of_255(predictions), *doubts)
    return with_warnings(predictions, doubts)


def _refuse_long(predictions: Predictions, sight: Sight) -> None:
    """Refuse a table with one row for each class: only where ids occur twice, which other checks have found."""
    scores = predictions.scores
    if isinstance(scores, BinaryColumns) and any(
        Notice.of(one).code == "duplicate_ids" for one in predictions.warnings
    ):
        error = long_table(scores.column, predictions.kind, predictions.ids, sight.key, sight.file)
        if error is not None:
            raise error
