"""The input of head training: features of n samples, with labels if available, read in row blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arguments import check_told, of_class
from calibeval.core.data.arrays import AnyFloats
from calibeval.core.data.class_names import LabelsAre
from calibeval.core.data.halves import halves_finite, is_half, widened
from calibeval.core.data.labels import Labels, as_labels, check_ignore_index, names_of_classes
from calibeval.core.data.lazy_columns import tidied
from calibeval.core.data.notices import Notice
from calibeval.core.data.picked_rows import PickedRows
from calibeval.core.data.places import place_of
from calibeval.core.data.predictions import Source
from calibeval.core.data.row_source import RowSource, as_array, as_column, show_shape
from calibeval.core.data.spoken import in_python
from calibeval.core.data.weights import Marked, weighed
from calibeval.core.errors import InputError
from calibeval.core.heads.feature_labels import classes_of, doubt_of, feature_labels
from calibeval.core.heads.images import Images, doubt_of_images, images_of
from calibeval.core.heads.row_weights import RowWeights

BLOCK_VALUES = 2**20  # values read at a time by default
BLOCK_ROWS = 2**16


class FeatureBlock(NamedTuple):
    """Consecutive rows: features (b, d) as stored, labels (b,) or None, and the number of the first row."""

    features: npt.NDArray[Any]
    labels: Labels | None
    first_row: int


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Features:
    """Features (n, d) of n samples, with labels, columns and ids.

    features: (n, d) numbers; NaN and infinity are refused when the values are read. Of images, (n, c, h, w) or
    (n, h, w, c) with labels (n, h, w): each pixel is a row, columns and ids have one entry per image, and `images` is
    set.
    labels: (n,) integers from 0, whole floats, exact one-hot rows, or names listed in `class_names`; or soft labels,
    (n, k) floats that sum to 1 in each row, only to train on; None without labels. class_names: in the order of the
    classes. labels_are: as for Predictions.
    columns: one-dimensional arrays of length n by name. ids: (n,) row names.
    ignore_index: rows with this label are left out of everything and counted in `ignored`.
    weights: (n,) numbers of at least 0 by which rows count, or the name of a column; rows of weight 0 are ignored. The
    attribute is a `RowWeights`.
    file_rows: numbers of the rows within their file, if they are only some of its rows.
    settling: finishes the checks that a reader runs in parallel, and returns the source with its hash.
    keys: names of the labels and ids in their file, by role.
    The attribute `k` is the number of class names, the width of one-hot or soft labels, or the largest label plus 1;
    None if nothing determines it. `soft` holds soft labels, and then `labels` their most probable classes.
    `stored_rows` are the row numbers before ignored rows were left out; None if none were.

    Raises: InputError for shapes or labels that do not fit.

    >>> f = Features(features=[[0.5, 1.0], [2.0, -1.0]], labels=[0, 1])
    >>> f.n, f.d, f.k
    (2, 2, 2)
    """

    features: RowSource
    labels: Labels | None
    k: int | None = None
    class_names: tuple[str, ...] | None = None
    columns: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    ids: npt.NDArray[Any] | None = None
    source: Source = field(default_factory=Source)
    ignored: int = 0
    warnings: tuple[Notice, ...] = ()
    file_rows: npt.NDArray[Any] | None = None
    stored_rows: npt.NDArray[Any] | None = None
    settling: Callable[[], Source] | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    soft: AnyFloats | None = None
    weights: RowWeights = field(default_factory=lambda: RowWeights(None, None, 0.0))
    images: Images | None = None

    def __init__(
        self,
        *,
        features: object,
        labels: object = None,
        class_names: Sequence[str] | None = None,
        labels_are: LabelsAre | None = None,
        columns: Mapping[str, npt.ArrayLike] | None = None,
        ids: npt.ArrayLike | None = None,
        weights: npt.ArrayLike | str | None = None,
        source: Source | None = None,
        ignore_index: int | None = None,
        warnings: Sequence[str] = (),
        file_rows: npt.NDArray[Any] | None = None,
        settling: Callable[[], Source] | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> None:
        check_ignore_index(ignore_index)
        check_told(warnings=warnings, file_rows=file_rows, settling=settling, keys=keys)
        place = "" if source is None else f"{of_class('source', source, Source).name}: "
        try:
            rows = _as_rows(features)
            names = names_of_classes(class_names, stored=source is not None)
            raw = None if labels is None else as_array(labels, "labels")
            images = images_of(rows, None if raw is None else raw.shape)
            units = rows.shape[0]
            if images is not None:
                rows, raw = images.pixels, None if raw is None else raw.reshape(-1)
            n = rows.shape[0]
            own = None if raw is None else feature_labels(raw, n, names, ignore_index, labels_are)
            before = Marked(np.zeros(n, np.int64), None) if own is None else Marked(own.labels, own.ignore_index)
            found = tidied(columns, lambda name, values: as_column(name, values, {units}))
            tidy_ids = None if ids is None else as_column("ids", ids, {units})
            marked = weighed(weights, found, before, units, labelled=own is not None)
        except InputError as error:
            raise InputError(f"{place}{error}" if place else in_python(str(error))) from None
        tidy, soft = (None, None) if own is None else (marked.labels, own.soft)
        kept = None
        if images is not None and tidy is not None:
            images = replace(images, labels=tidy, ignore_index=marked.ignore_index)
        if tidy is not None and marked.ignore_index is not None and (tidy == marked.ignore_index).any():
            kept = np.flatnonzero(tidy != marked.ignore_index)
        if n == 0 or (kept is not None and not len(kept)):
            raise InputError(f"{place}there are no rows" + (f" except {n} ignored ones" if n else ""))
        found = marked.columns
        if kept is not None and tidy is not None:
            rows, tidy, soft = PickedRows(rows, kept), tidy[kept], None if soft is None else soft[kept]
            if images is None:
                found = {name: values[kept] for name, values in found.items()}
                tidy_ids = None if tidy_ids is None else tidy_ids[kept]
                file_rows = None if file_rows is None else file_rows[kept]
        k = None if names is None else len(names)
        if own is not None and tidy is not None:
            k = classes_of(tidy) if own.counted else own.k
        doubt = None if tidy is None or names is not None or soft is not None else doubt_of(tidy)
        for name, value in {
            "features": rows,
            "labels": tidy,
            "k": k,
            "class_names": names,
            "columns": found,
            "ids": tidy_ids,
            "source": source or Source(),
            "ignored": 0 if kept is None else n - len(kept),
            "warnings": (*map(Notice.of, warnings), *([doubt] if doubt else []), *doubt_of_images(images)),
            "file_rows": file_rows,
            "stored_rows": kept,
            "settling": settling,
            "keys": keys or {},
            "soft": soft,
            "weights": RowWeights.of(marked.weights, kept, rows.shape[0]),
            "images": images,
        }.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        """The shape, classes and source, without the arrays."""
        classes = "no labels" if self.k is None else f"k={self.k}"
        images = "" if self.images is None else f"{self.images.count} images, "
        return f"<Features: {images}n={self.n}, d={self.d}, {classes}, source={self.source.name!r}>"

    @property
    def image_rows(self) -> tuple[int, ...] | None:
        """How many rows every image has, in their order; None if rows are no pixels."""
        return None if self.images is None else self.images.rows_of(self.stored_rows)

    @property
    def n(self) -> int:
        """Number of rows, without the ignored ones."""
        return self.features.shape[0]

    @property
    def d(self) -> int:
        """Number of features per row."""
        return self.features.shape[1]

    def settled_source(self) -> Source:
        """The source with its SHA-256, after the checks that run in parallel have finished.

        Raises: InputError if the file turned out to be damaged.
        """
        return self.source if self.settling is None else self.settling()

    def blocks(self, rows: int | None = None) -> Iterator[FeatureBlock]:
        """Consecutive blocks of `rows` rows (the last may be shorter); None: of about a million values."""
        step = rows or max(1, min(BLOCK_VALUES // self.d, BLOCK_ROWS))
        for start in range(0, self.n, step):
            part = slice(start, min(start + step, self.n))
            yield FeatureBlock(self.features[part], None if self.labels is None else self.labels[part], start)

    def check_values(self, dtype: npt.DTypeLike | None = None) -> None:
        """Read all features once, only to check that they are finite.

        dtype: a narrower type in which they must also be finite.
        Raises: InputError naming the first row with NaN, infinity or a number out of the type's range, and counting all
        such rows.
        """
        first, count = "", 0
        for block in self.blocks():
            if is_half(block.features) and halves_finite(block.features):
                continue
            with np.errstate(over="ignore"):
                values = block.features if dtype is None else block.features.astype(dtype, copy=False)
            finite = np.isfinite(values)
            if finite.all():
                continue
            wrong = np.flatnonzero(~finite.all(axis=1))
            first = first or self._odd_value(block, values, wrong)
            count += len(wrong)
        if count:
            kind = "finite numbers" if dtype is None else f"finite {np.dtype(dtype)} numbers"
            others = f" ({count:,} rows of {self.n:,} are wrong)" if count > 1 else ""
            raise InputError(f"{self.source.name}: {first}, but features must be {kind}{others}")

    def matrix(self, dtype: npt.DTypeLike = np.float32) -> AnyFloats:
        """All features as one new array (n, d) of a floating type, read and checked in one pass.

        Raises: InputError naming the first row that is not finite, or not in this type.

        >>> Features(features=np.array([[1, 2]], np.int8)).matrix()
        array([[1., 2.]], dtype=float32)
        """
        found: AnyFloats = np.empty((self.n, self.d), dtype)
        for block in self.blocks():
            rows = found[block.first_row : block.first_row + len(block.features)]
            with np.errstate(over="ignore", invalid="ignore"):
                rows[:] = widened(block.features)
            if not np.isfinite(rows).all():
                self.check_values()
                wrong = np.flatnonzero(~np.isfinite(rows).all(axis=1))
                limit = f"the largest {found.dtype} number is {np.finfo(found.dtype).max:.3g}"
                raise InputError(f"{self.source.name}: {self._odd_value(block, rows, wrong)}, but {limit}")
        return found

    def check_hard(self, where: str) -> None:
        """Check that labels are one class per row. where: for the message, what needs them so.

        Raises: InputError for soft labels.
        """
        if self.soft is not None:
            raise InputError(
                f"{self.source.name}: the labels are soft (the probability of every class), but {where}; soft labels "
                "are only for training"
            )

    def check_classes(self, k: int, owner: str = "there are") -> None:
        """Check that every label is one of k classes.

        owner: for the message: what k comes from, such as "the head has".
        Raises: InputError naming the first label that is not.

        >>> Features(features=[[0.5], [1.5]], labels=[0, 4]).check_classes(3, "the head has")
        Traceback (most recent call last):
        calibeval.core.errors.InputError: predictions: row 1: label 4, but the head has 3 classes (0 to 2).
        """
        if self.labels is not None:
            labels = self.labels
            if self.stored_rows is not None:  # so that row numbers in the error include ignored rows, as in the file
                labels = np.zeros(self.n + self.ignored, labels.dtype)
                labels[self.stored_rows] = self.labels
            try:
                as_labels(labels, k, owner=owner)
            except InputError as error:
                raise InputError(f"{self.source.name}: {error}") from None

    def _odd_value(self, block: FeatureBlock, values: npt.NDArray[Any], wrong: npt.NDArray[np.intp]) -> str:
        """The place of the first invalid value in words: row, stored value and column."""
        row = int(wrong[0])
        column = int((~np.isfinite(values[row])).argmax())
        number = block.first_row + row
        stored = number if self.stored_rows is None else int(self.stored_rows[number])
        place = place_of(stored, (stored + 1,) if self.images is None else self.images.layout)
        return f"{place} holds {block.features[row, column]:g} in feature {column}"


def _as_rows(features: object) -> RowSource:
    """Features as a source of numeric rows (n, d); streams are returned unchanged."""
    known = isinstance(features, np.ndarray) or isinstance(getattr(features, "dtype", None), np.dtype)
    rows = cast("RowSource", features) if known else as_array(features, "features")
    if rows.dtype.kind not in "fiub":
        raise InputError(f"features have dtype {rows.dtype}, but numbers are needed")
    if len(rows.shape) < 2 or rows.shape[1] == 0:
        raise InputError(f"features have shape {show_shape(rows.shape)}, but (n, d) is needed")
    return rows
