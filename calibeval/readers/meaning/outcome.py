"""What was true of each row: its label, or whether the prediction was right where only the top label is known."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.foreign import MASKED_LABEL
from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.row_source import Kind, show_shape
from calibeval.core.errors import InputError, UsageError
from calibeval.readers.meaning.roles import Roles
from calibeval.readers.meaning.splits import pick
from calibeval.readers.meaning.suspicion import VOID, counted_from_one
from calibeval.readers.stored.names import LABEL_KEYS, PREDICTION_KEYS
from calibeval.readers.stored.stored import Stored

TEXT = "OUS"
NO_TEXT = ("", "nan", "none", "null", "n/a", "na")
NUMBERS = "biuf"


class Outcome(NamedTuple):
    """Labels, or 1 for each right and 0 for each wrong row, and the label of rows that are left out.

    values: (n,), or the shape of dense labels. ignore: MASKED_LABEL where rows were marked by the labels beside
    "correct". warnings: about predictions that could not be meant.
    """

    values: npt.NDArray[Any]
    ignore: int | None
    warnings: tuple[Notice, ...] = ()


def outcome_of(
    arrays: Mapping[str, Stored],
    roles: Roles,
    ignore: int | None,
    *,
    top_label: bool,
    file: str,
) -> Outcome:
    """The outcome of each row of the file.

    ignore: the label of rows to leave out. top_label: whether the scores are the confidence of the predicted class.
    Raises: InputError for labels and predictions that do not fit together; UsageError for a label to leave out where
    there are no labels.
    """
    if not top_label:
        return Outcome(arrays[str(roles.labels)].array(), ignore)
    if roles.correct is not None:
        return _given(arrays, roles.correct, ignore, file)
    labels = arrays[str(roles.labels)].array()
    prediction = arrays[str(roles.prediction)].array()
    names = (str(roles.prediction), str(roles.labels))
    right, warnings = _compared(prediction, labels, names, ignore, file)
    return _without_ignored(right, labels, ignore, warnings)


def outcome_beside(
    arrays: Mapping[str, Stored],
    roles: Roles,
    external: Mapping[str, npt.NDArray[Any]],
    ignore: int | None,
    rows: npt.NDArray[Any] | None,
    n: int,
    *,
    kind: Kind,
    file: str,
) -> Outcome:
    """The outcome of each row of the dump, or of its split, from what another file says of them.

    external: labels, correct or prediction of each of these rows. rows: their numbers among the n rows of the dump's
    file; None: all. Other arguments: as `outcome_of`.
    Raises: as `outcome_of`; InputError for scores of every class where the other file holds no labels.
    """
    if kind != "confidence":
        if "labels" not in external:
            raise InputError(f"{file}: {kind} need labels, but the labels' file only says whether rows are correct")
        return Outcome(external["labels"], ignore)

    def picked(stored: Stored) -> Stored:
        of_rows = (n if rows is None else len(rows), *stored.shape[1:])
        return replace(stored, shape=of_rows, load=lambda: pick(stored.array(), rows, n, file))

    own = {key: picked(stored) if stored.shape[:1] == (n,) else stored for key, stored in arrays.items()}
    merged = {**own, **{role: Stored.of(values) for role, values in external.items()}}
    labels, correct, prediction = (
        role if own is None and role in external else own
        for role, own in (("labels", roles.labels), ("correct", roles.correct), ("prediction", roles.prediction))
    )
    roles = replace(roles, labels=labels, correct=correct, prediction=prediction)
    return outcome_of(merged, roles, ignore, top_label=True, file=file)


def _given(arrays: Mapping[str, Stored], key: str, ignore: int | None, file: str) -> Outcome:
    """What an array says of each row, once it was seen that labels and predictions beside it say the same."""
    correct = arrays[key].array()
    if correct.ndim != 1:
        raise InputError(f'{file}: "{key}" has shape {show_shape(correct.shape)}, but one value a row is needed')
    if ignore not in (None, 0, 1) and correct.dtype.kind in "iuf" and (correct == ignore).any():
        return Outcome(correct, ignore)  # the outcomes themselves mark the rows to leave out
    labels, prediction = _beside(arrays, LABEL_KEYS, correct), _beside(arrays, PREDICTION_KEYS, correct)
    if labels is not None and prediction is not None and correct.dtype.kind in "biuf":
        known, _ = _compared(arrays[prediction].array(), arrays[labels].array(), (prediction, labels), ignore, file)
        odd = np.flatnonzero(~_ignored(arrays[labels].array(), ignore) & (known != correct))
        if len(odd):
            row = int(odd[0])
            raise InputError(
                f'{file}: row {row}: "{key}" is {correct[row]}, but "{prediction}" and "{labels}" are '
                f"{'equal' if known[row] else 'different'} ({len(odd)} rows contradict each other). Keep the right "
                "arrays only."
            )
    if ignore is None:
        return Outcome(correct, None)
    if labels is None:
        raise UsageError(
            f'{file}: the label {ignore} is to be left out, but the file has no labels beside "{key}", only whether '
            "each row is right"
        )
    return _without_ignored(correct, arrays[labels].array(), ignore, ())


def _beside(arrays: Mapping[str, Stored], names: tuple[str, ...], correct: npt.NDArray[Any]) -> str | None:
    """The one array of these names that fits the outcomes, if there is just one."""
    found = [key for key, stored in arrays.items() if key.lower() in names and stored.shape == correct.shape]
    return found[0] if len(found) == 1 and arrays[found[0]].refusal is None else None


def _without_ignored(
    right: npt.NDArray[Any], labels: npt.NDArray[Any], ignore: int | None, warnings: tuple[Notice, ...]
) -> Outcome:
    if ignore is None:
        return Outcome(right, None, warnings)
    if right.dtype.kind not in "biuf" or not np.isfinite(right).all():
        return Outcome(right, ignore, warnings)
    marked = np.where(_ignored(labels, ignore), MASKED_LABEL, right.astype(np.int64))
    return Outcome(marked, MASKED_LABEL, warnings)


def _compared(
    prediction: npt.NDArray[Any],
    labels: npt.NDArray[Any],
    names: tuple[str, str],
    ignore: int | None,
    file: str,
) -> tuple[npt.NDArray[np.bool_], tuple[Notice, ...]]:
    """Whether each prediction is the label; names: of the two arrays."""
    for name, values in zip(names, (prediction, labels), strict=True):
        if values.ndim != 1:
            raise InputError(f'{file}: "{name}" has shape {show_shape(values.shape)}, but one value a row is needed')
    if len(prediction) != len(labels):
        raise InputError(f"{file}: {len(prediction)} predictions, but {len(labels)} labels")
    kinds = _kind(prediction), _kind(labels)
    if kinds[0] != kinds[1] or kinds[0] not in ("numbers", "text"):
        raise InputError(
            f'{file}: "{names[0]}" holds {kinds[0]} and "{names[1]}" {kinds[1]}, so they cannot be compared. '
            "Save both as class numbers, or both as text."
        )
    prediction, labels = _tidy(prediction), _tidy(labels)
    _refuse_other_spelling(prediction, labels, names, file)
    _refuse_missing(prediction, names[0], None, None, file)
    _refuse_missing(labels, names[1], prediction, ignore, file)
    kept = labels[~_ignored(labels, ignore)]
    if len(kept) and not np.isin(prediction, kept).any():
        text = (
            f'{file}: "{names[0]}" and "{names[1]}" share no value ({_example(prediction)} and {_example(kept)}, for '
            "example), so every row counts as wrong"
        )
        return prediction == labels, (warning("nothing_shared", text),)
    return prediction == labels, counted_from_one(prediction, labels, f'"{names[1]}" and "{names[0]}"')


def _ignored(labels: npt.NDArray[Any], ignore: int | None) -> npt.NDArray[np.bool_]:
    """Which labels are the one to leave out; a text never is."""
    if ignore is None or labels.dtype.kind in TEXT:
        return np.zeros(len(labels), bool)
    with np.errstate(over="ignore"):  # half precision holds few whole numbers, and the others are no label of it
        return np.asarray(labels == ignore)


def _kind(values: npt.NDArray[Any]) -> str:
    if values.dtype.kind in TEXT:
        return "text"
    return "numbers" if values.dtype.kind in NUMBERS else str(values.dtype)


def _tidy(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Texts without blanks around them; bytes as text."""
    if values.dtype.kind == "S":
        return np.char.strip(np.char.decode(values, "utf-8", "replace"))
    if values.dtype.kind == "U":
        return np.char.strip(values)
    if values.dtype.kind == "O":
        stripped = np.empty(len(values), object)
        stripped[:] = [value.strip() if isinstance(value, str) else value for value in values.tolist()]
        return stripped
    return values


def _refuse_missing(
    values: npt.NDArray[Any], name: str, others: npt.NDArray[Any] | None, ignore: int | None, file: str
) -> None:
    """Refuse what stands for "not known": NaN, and what is never predicted and negative, 255, "nan" or no text."""
    if values.dtype.kind == "f":
        odd = np.isnan(values)
    elif others is not None and values.dtype.kind in "iu":
        usual = values[(values >= 0) & (values != VOID)].max(initial=0) < VOID // 2
        odd = ((values < 0) | ((values == VOID) & usual)) & ~np.isin(values, others)
    elif others is not None and values.dtype.kind in TEXT:
        odd = np.isin(np.char.lower(values.astype(str)), NO_TEXT) & ~np.isin(values, others)
    else:
        return
    odd &= ~_ignored(values, ignore)
    rows = np.flatnonzero(odd)
    if len(rows):
        value = values[rows[0]]
        remedy = f" Leave them out with --ignore-index {value}." if values.dtype.kind in "iu" else ""
        shown = f'"{value}"' if values.dtype.kind in TEXT else value
        raise InputError(f'{file}: row {rows[0]}: "{name}" is {shown}, which is no class ({len(rows)} rows).{remedy}')


def _refuse_other_spelling(
    prediction: npt.NDArray[Any], labels: npt.NDArray[Any], names: tuple[str, str], file: str
) -> None:
    """Refuse texts that are never among the labels, where a label is the same word written in another way."""
    if prediction.dtype.kind not in TEXT:
        return
    known = {str(label) for label in np.unique(labels.astype(str)).tolist()}
    spelled = {_spelling(label): label for label in known}
    for text in np.unique(prediction.astype(str)).tolist():
        other = spelled.get(_spelling(text))
        if text not in known and other is not None:
            raise InputError(
                f'{file}: "{names[0]}" holds "{text}" and "{names[1]}" holds "{other}": write the same class in the '
                "same way in both"
            )


def _spelling(text: str) -> str:
    """A text without what may differ between two ways of writing it: case, composed letters, the form of a number."""
    plain = unicodedata.normalize("NFKC", text).casefold().strip()
    try:
        return f"{float(plain):.12g}"
    except ValueError:
        return plain


def _example(values: npt.NDArray[Any]) -> str:
    return f'"{str(values[0])[:40]}"'
