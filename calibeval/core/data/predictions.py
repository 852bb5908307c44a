"""The input of every calculation: scores with labels, validated once, read in row blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arguments import check_told, of_class
from calibeval.core.data.block import Block, block_of
from calibeval.core.data.class_names import LabelsAre, as_labels_are
from calibeval.core.data.copied import copied
from calibeval.core.data.divided import at_door
from calibeval.core.data.elsewhere import elsewhere
from calibeval.core.data.foreign import check_same_index, precision_of, unmasked_labels
from calibeval.core.data.labels import MOST_CLASSES, check_classes, names_of_classes, outcome_of
from calibeval.core.data.lazy_columns import tidied
from calibeval.core.data.notices import Notice
from calibeval.core.data.outcomes import labels_beside
from calibeval.core.data.places import place_of, recognised_shape
from calibeval.core.data.precision import Tolerance, stored_precision
from calibeval.core.data.row_source import (
    Kind,
    RowSource,
    as_array,
    as_column,
    as_source,
    only_kind,
    show_shape,
)
from calibeval.core.data.shapes import as_rows
from calibeval.core.data.source import Source
from calibeval.core.data.spoken import in_python
from calibeval.core.data.weights import Marked, Weights, weighed
from calibeval.core.errors import InputError

__all__ = ["MOST_CLASSES", "Block", "Predictions", "Source"]


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Predictions:
    """Scores of n samples over k classes, with the true labels: numpy arrays, torch tensors, pandas columns or lists.

    Exactly one of these score arguments must be given:
    logits: (n, k) unnormalised scores; -inf masks a class, NaN and +inf are refused.
    probs: (n, k) probabilities; rows sum to 1. log_probs: (n, k) their natural logarithms.
    confidence: (n,) probability of the predicted class, with `correct`; metrics that need every class are None.
    For two classes, a single column, (n,) or (n, 1), is P(class 1) or its logit. Dense scores are (n, k, h, w) or (n,
    h, w, k) with labels (n, h, w); their pixels become the rows.

    labels: (n,) integers in [0, k), whole floats, exact one-hot rows, or names listed in `class_names`. Without labels,
    `labelled` is False and `labels` are zeros without a meaning: a map can be applied, but nothing measured or fitted.
    correct: (n,) of 0 and 1, only with `confidence`.
    class_names: k names. labels_are: "names" or "positions", for labels that could be both, such as 1 with the classes
    1, 2 and 3. columns: one-dimensional arrays of length n by name, for slices. ids: (n,) unique row names.
    ignore_index: rows with this label are left out and counted in `ignored`, as masked labels; other masks are refused.
    weights: (n,) numbers of at least 0 by which rows count, or the name of a column; rows of weight 0 are ignored.
    renormalize: divide every row of probabilities by its sum, and count these rows in a warning.
    precision: relative step between the stored scores, if it is not that of their dtype (bfloat16).
    file_rows: numbers of the stored rows within their file, if they are only some of its rows.
    settling: finishes the checks that a reader runs in parallel, and returns the source with its hash.
    keys: names of the labels and ids in their file, by role. labelled: False if the labels that came have no meaning.
    no_labels: why a file has none, for messages. recognised: short sentences on how a file was read.
    The attribute `layout` is (n,), or (n, h, w) for dense scores, whose columns and ids may have one entry per image;
    `positive` is the number of the positive class of two, 1 unless `with_positive` chose the other.

    Raises: InputError for shapes or labels that do not fit; UsageError unless exactly one kind of score is given.
    The values of the scores are checked when they are read, in the same pass that measures them.

    >>> p = Predictions(logits=[[2.0, 0.0], [0.0, 1.0]], labels=[0, 0])
    >>> p.n, p.k, p.kind
    (2, 2, 'logits')
    """

    scores: RowSource
    kind: Kind
    labels: npt.NDArray[np.integer[Any]]
    class_names: tuple[str, ...] | None = None
    columns: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    ids: npt.NDArray[Any] | None = None
    source: Source = field(default_factory=Source)
    ignore_index: int | None = None
    ignored: int = 0
    layout: tuple[int, ...] = ()
    warnings: tuple[Notice, ...] = ()
    precision: float = 2.0**-52
    file_rows: npt.NDArray[Any] | None = None
    settling: Callable[[], Source] | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    labelled: bool = True
    no_labels: str = ""
    recognised: tuple[str, ...] = ()
    weights: Weights | None = None
    positive: int = 1

    def __init__(
        self,
        *,
        logits: object = None,
        probs: object = None,
        log_probs: object = None,
        confidence: object = None,
        labels: object = None,
        correct: object = None,
        class_names: Sequence[str] | None = None,
        labels_are: LabelsAre | None = None,
        columns: Mapping[str, npt.ArrayLike] | None = None,
        ids: npt.ArrayLike | None = None,
        weights: npt.ArrayLike | str | None = None,
        source: Source | None = None,
        ignore_index: int | None = None,
        renormalize: bool = False,
        warnings: Sequence[str] = (),
        precision: float | None = None,
        file_rows: npt.NDArray[Any] | None = None,
        settling: Callable[[], Source] | None = None,
        keys: Mapping[str, str] | None = None,
        labelled: bool = True,
        no_labels: str = "",
        recognised: Sequence[str] = (),
    ) -> None:
        given = {"logits": logits, "probs": probs, "log_probs": log_probs, "confidence": confidence}
        kind = only_kind(given)
        outcome, outcome_name = outcome_of(kind, labels, correct)
        check_told(
            warnings=warnings,
            precision=precision,
            file_rows=file_rows,
            settling=settling,
            keys=keys,
            labelled=labelled,
            no_labels=no_labels,
            recognised=recognised,
            renormalize=renormalize,
        )
        place = "" if source is None else f"{of_class('source', source, Source).name}: "
        try:
            check_same_index({**given, outcome_name: outcome, "ids": ids, "weights": weights, "columns": columns})
            outcome, ignore_index = unmasked_labels(outcome, ignore_index)
            labelled = labelled and outcome is not None
            ignore_index = ignore_index if labelled else None
            raw = None if outcome is None else as_array(outcome, outcome_name)
            names = names_of_classes(class_names, stored=source is not None)
            scores, raw, layout = as_rows(as_source(given[kind], kind), kind, raw, names)
            check_classes(2 if kind == "confidence" else scores.shape[1], names)
            told = as_labels_are(labels_are) if labelled else "positions"
            tidy, ignore_index, by_name = labels_beside(scores, kind, raw, names, ignore_index, outcome_name, told)
            lengths = {len(tidy), layout[0]}
            tidy_columns = tidied(columns, lambda name, values: as_column(name, values, lengths))
            tidy_ids = None if ids is None else as_column("ids", ids, lengths)
            unmarked = Marked(tidy, ignore_index)
            weighted = weighed(weights, tidy_columns, unmarked, layout[0], labelled=labelled)
            tidy, ignore_index = weighted.labels, weighted.ignore_index
        except InputError as error:
            raise InputError(f"{place}{error}" if place else in_python(str(error))) from None
        ignored = 0 if ignore_index is None else int(np.count_nonzero(tidy == ignore_index))
        if len(tidy) == ignored:
            raise InputError(f"{place}there are no rows" + (f" except {ignored} ignored ones" if ignored else ""))
        own = precision or precision_of(given[kind]) or stored_precision(scores.dtype)
        shape = recognised_shape(scores, kind, layout, names, by_name=by_name)
        kept, of_log = tidy != ignore_index if ignored else None, source is not None and source.log is not None
        came = at_door(scores, kind, own, kept, renormalize=renormalize, of_log=of_log)
        for name, value in {
            "scores": came.scores,
            "kind": kind,
            "labels": tidy,
            "class_names": names,
            "columns": weighted.columns,
            "ids": tidy_ids,
            "source": source or Source(),
            "ignore_index": ignore_index,
            "ignored": ignored,
            "layout": layout,
            "warnings": (*map(Notice.of, warnings), *came.warnings),
            "precision": came.precision,
            "file_rows": file_rows,
            "settling": settling,
            "keys": keys or {},
            "labelled": labelled,
            "no_labels": no_labels,
            "recognised": (*recognised, *shape, *came.recognised),
            "weights": weighted.weights,
            "positive": 1,
        }.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        """The kind, shapes and source, without the arrays."""
        parts = [f"{self.kind} {show_shape(self.scores.shape)} {self.scores.dtype}", f"n={self.n}", f"k={self.k}"]
        parts += [f"ignored={self.ignored}"] * (self.ignored > 0) + ["no labels"] * (not self.labelled)
        parts += [f"columns={', '.join(self.columns)}"] if self.columns else []
        parts += [] if self.source.path is None else [f"source={self.source.name!r}"]
        return f"<Predictions: {', '.join(parts)}>"

    def save(self, path: str | PurePath) -> None:
        """Write scores, labels, ids and columns to this .npz, .csv, .tsv, .jsonl, .parquet, .pt or .safetensors file.

        A UserWarning names each column that is left out: labels in the file, if the labels come from another one.
        Raises: UsageError for another suffix, a format that cannot hold them, or the file that they were read from;
        FileProblem if it cannot be written.
        """
        elsewhere("calibeval.api.save", "save_predictions")(self, path)

    def settled_source(self) -> Source:
        """The source with its SHA-256, after the checks that run in parallel have finished.

        Raises: InputError if the file turned out to be damaged.
        """
        return self.source if self.settling is None else self.settling()

    @property
    def tolerance(self) -> Tolerance:
        """What rounding explains of probabilities outside [0, 1], and of sums that are not 1."""
        return Tolerance.of(self.precision, of_log=self.source.log is not None)

    @property
    def n(self) -> int:
        """Number of rows without the ignored ones."""
        return len(self.labels) - self.ignored

    @property
    def k(self) -> int | None:
        """Number of classes; None if only the top label is known."""
        return None if self.kind == "confidence" else self.scores.shape[1]

    @property
    def rows(self) -> int:
        """Number of stored rows, including ignored ones; row numbers refer to these."""
        return len(self.labels)

    def locate(self, row: int) -> str:
        """The place of a stored row in its file: "row 3", or "image 3, pixel (4, 5)" for dense scores."""
        return place_of(row, self.layout)

    def stored_row(self, block: Block, kept: int) -> int:
        """The stored row number (which includes ignored rows) of a row of the block, given without ignored rows."""
        if not self.ignored:
            return block.first_row + kept
        keep = self.labels[block.first_row :] != self.ignore_index
        return block.first_row + int(np.flatnonzero(keep)[kept])

    def blocks(self, rows: int) -> Iterator[Block]:
        """Consecutive blocks of `rows` stored rows (the last may be shorter), each without its ignored rows."""
        for start in range(0, self.rows, rows):
            yield self.block(start, min(start + rows, self.rows))

    def block(self, start: int, stop: int) -> Block:
        """The stored rows start to stop, without the ignored ones."""
        ignore = self.ignore_index if self.ignored else None
        return block_of(self.scores, self.labels, ignore, self.weights, slice(start, stop))

    def with_scores(self, scores: RowSource, kind: Kind) -> Predictions:
        """The same rows with other scores of the same shape, in float64.

        >>> p = Predictions(logits=[[2.0, 0.0]], labels=[0])
        >>> p.with_scores(np.array([[0.5, 0.5]]), "probs").kind
        'probs'
        """
        return copied(self, scores=scores, kind=kind, precision=stored_precision(scores.dtype))

    def select(self, rows: npt.NDArray[Any]) -> Predictions:
        """The predictions of some stored rows, by mask or by row numbers; scores are copied.

        Pixels of dense scores become plain rows, and each of them gets the column values and the id of its image.

        >>> Predictions(probs=[0.2, 0.9], labels=[0, 1]).select(np.array([1])).labels.tolist()
        [1]
        """
        chosen, units = np.arange(self.rows)[rows], self.layout[0]
        first, last = (int(chosen.min()), int(chosen.max()) + 1) if len(chosen) else (0, self.rows)
        data = self.scores[first:last][chosen - first]

        def picked(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return np.asarray(values[chosen if len(values) == self.rows else chosen // (self.rows // units)])

        labels, ignore = (self.labels, self.ignore_index) if self.weights is None else self.weights.marked
        outcome = {"correct" if self.kind == "confidence" else "labels": labels[chosen]} if self.labelled else {}
        own = Predictions(
            **{self.kind: data},
            **outcome,
            class_names=self.class_names,
            labels_are="positions",
            columns={name: picked(values) for name, values in self.columns.items()},
            ids=None if self.ids is None else picked(self.ids),
            weights=None if self.weights is None else self.weights.column,
            source=self.source,
            ignore_index=ignore,
            warnings=self.warnings,
            precision=self.precision,
            file_rows=None if self.file_rows is None else picked(self.file_rows),
            settling=self.settling,
            keys=self.keys,
            no_labels=self.no_labels,
            recognised=self.recognised,
        )
        return copied(own, positive=self.positive)
