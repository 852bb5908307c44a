"""Everything that is read from one dump, or from one split of it, before it becomes predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.class_names import LabelsAre
from calibeval.core.data.lazy_columns import LazyColumns
from calibeval.core.data.notices import Notice
from calibeval.core.data.picked_rows import PickedRows
from calibeval.core.data.row_source import Kind, RowSource
from calibeval.core.errors import InputError
from calibeval.readers.meaning.joining import joined_parts


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """Everything that Predictions needs, from one view.

    key: of the scores. parts: the shards with their numbers of rows. labels_are: names or positions, where it is known.
    """

    kind: Kind
    key: str
    scores: RowSource
    outcome: npt.NDArray[Any]
    class_names: tuple[str, ...] | None
    columns: LazyColumns
    ids: npt.NDArray[Any] | None
    ignore_index: int | None
    warnings: tuple[Notice, ...]
    precision: float
    file_rows: npt.NDArray[Any] | None
    keys: dict[str, str]
    labelled: bool
    no_labels: str
    recognised: tuple[str, ...]
    parts: tuple[tuple[str, int], ...] = ()
    labels_are: LabelsAre | None = None

    def only(self, rows: npt.NDArray[np.intp]) -> Gathered:
        """Some of the rows, or of the images; scores stay where they are."""

        def loader(name: str) -> Callable[[], npt.NDArray[Any]]:
            return lambda: self.columns[name][rows]

        return replace(
            self,
            scores=PickedRows(self.scores, rows),
            outcome=self.outcome[rows],
            columns=LazyColumns({name: loader(name) for name in self.columns}, self.columns.left),
            ids=None if self.ids is None else self.ids[rows],
            file_rows=rows if self.file_rows is None else self.file_rows[rows],
            parts=(),
        )


def joined_splits(parts: list[Gathered], names: list[str], file: str) -> Gathered:
    """Several splits of one file joined into one dump, in the order named.

    Raises: InputError if the splits differ in kind, in the shape of their scores or in what they say of all rows.
    """
    first = parts[0]
    for part in parts[1:]:
        if part.kind != first.kind or part.scores.shape[1:] != first.scores.shape[1:]:
            raise InputError(f"{file}: the splits differ in kind or in the shape of their scores")
    for part, name in zip(parts[1:], names[1:], strict=True):
        if part.labelled != first.labelled:
            raise InputError(f"{file}: of the splits {names[0]} and {name}, one has labels and the other has none")
    joined = joined_parts(parts, names, file, lambda part: (part.scores, part.outcome))
    return replace(
        first,
        scores=np.concatenate([np.asarray(part.scores[0 : part.scores.shape[0]]) for part in parts]),
        outcome=np.concatenate([part.outcome for part in parts]),
        columns=joined.columns,
        ids=joined.ids,
        warnings=joined.warnings,
        precision=max(part.precision for part in parts),
        file_rows=joined.file_rows,
        recognised=tuple(dict.fromkeys(one for part in parts for one in part.recognised)),
        parts=(),
    )
