"""From named arrays to predictions: splits, roles, kind, labels, ids, slice columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.class_names import LabelsAre
from calibeval.core.data.lazy_columns import LazyColumns
from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.precision import stored_precision
from calibeval.core.data.predictions import Predictions, Source
from calibeval.core.data.row_source import Kind, RowSource
from calibeval.core.data.shapes import is_alone
from calibeval.core.errors import InputError, UsageError
from calibeval.readers.meaning.columns import joined_columns, slice_columns
from calibeval.readers.meaning.examine import Sight, examined
from calibeval.readers.meaning.facts import ignored_label, ignored_notice, keys_of, recognised, rows_of, stored_names
from calibeval.readers.meaning.keys import Keys
from calibeval.readers.meaning.outcome import Outcome, outcome_of
from calibeval.readers.meaning.proposals import Call
from calibeval.readers.meaning.rivals import rival_warning
from calibeval.readers.meaning.roles import find_roles, has_scores_and_labels, named_key, refuse_unused, taken_names
from calibeval.readers.meaning.score_columns import chosen_columns, stacked_columns
from calibeval.readers.meaning.splits import View, pick, pooled_notice, split_views
from calibeval.readers.meaning.suspicion import refuse_large_integers
from calibeval.readers.meaning.top_scores import explained
from calibeval.readers.meaning.unlabelled import why_no_labels, zeros_for
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.names import LABEL_KEYS, prefixes, show
from calibeval.readers.stored.stored import Contents, Stored


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user says about a file in addition to the names in it.

    kind: "logits", "probs", "log_probs" or "confidence", whatever the key is called. keys: arrays by role.
    labels: another file that holds the labels. labels_are: whether labels that could be both are the names of classes
    or their positions. score_columns: columns of a table that are the scores, in class order.
    class_names: names in class order. ignore_index: label of rows to leave out.
    read_as: the suffix of the format, such as ".npz", where the suffix of the dump does not say it.
    need_labels: whether a file without labels is an error. k: the number of classes of images without labels.
    believed: whether what looks like the scores of the best classes is read as it is, in a file that calibeval just
    wrote.
    """

    kind: Kind | None = None
    keys: Keys = field(default_factory=Keys)
    labels: Path | None = None
    labels_are: LabelsAre | None = None
    score_columns: tuple[str, ...] = ()
    class_names: tuple[str, ...] | None = None
    ignore_index: int | None = None
    read_as: str | None = None
    need_labels: bool = True
    k: int | None = None
    believed: bool = False
    limits: Limits = field(default_factory=Limits)


def assemble(
    arrays: dict[str, Stored],
    source: Source,
    options: ReadOptions,
    labels: npt.NDArray[Any] | None,
    settling: Callable[[], Source],
) -> Predictions:
    """The arrays of one file as predictions.

    labels: from another file. settling: see Predictions.
    Raises: InputError if the roles or the kind of the arrays are unclear, or contradict the options.
    """
    file = Path(source.path or "").name
    views = split_views(
        arrays,
        source.split,
        prefixes(arrays),
        file,
        alone=bool(options.labels or options.score_columns) or has_scores_and_labels(arrays, options.keys),
    )
    call = Call(
        source.path or "" if source.split is None else f"{source.path}#{source.split}",
        kind=options.kind,
        labels=None if options.labels is None else options.labels.as_posix(),
        read_as=options.read_as,
        need_labels=options.need_labels or options.k is None,  # only apply says k, and never needs them
    )
    parts = [_gather(view, options, labels, call, file) for view in views]
    gathered = parts[0] if len(parts) == 1 else _join(parts, [view.name for view in views], file)
    outcome = "correct" if gathered.kind == "confidence" else "labels"
    told: dict[str, Any] = {gathered.kind: gathered.scores, outcome: gathered.outcome}
    try:
        predictions = Predictions(
            **told,
            class_names=gathered.class_names,
            labels_are=options.labels_are,
            columns=gathered.columns,
            ids=gathered.ids,
            source=source,
            ignore_index=gathered.ignore_index,
            warnings=(*pooled_notice(arrays, source.split, file), *gathered.warnings),
            precision=gathered.precision,
            file_rows=gathered.file_rows,
            settling=settling,
            keys=gathered.keys,
            labelled=gathered.labelled,
            no_labels="" if gathered.labelled else why_no_labels(views[0].arrays),
            recognised=gathered.recognised,
        )
    except InputError as error:
        raise explained(error, gathered.scores, gathered.kind, gathered.outcome, file) from None
    return examined(
        predictions,
        gathered.outcome,
        Sight(gathered.key, views[0].arrays, gathered.parts, file),
        kind=options.kind,
        labels_are=options.labels_are,
        believed=options.believed,
    )


def external_labels(contents: Contents, path: Path, keys: Keys) -> npt.NDArray[Any]:
    """The labels in a separate file: those the user named, its only array, or the one with a usual name for labels.

    Raises: InputError if there is none, or more than one.
    """
    arrays = contents.arrays
    if keys.labels is not None:
        return arrays[named_key(arrays, keys, "labels", path.name)].array()
    if len(arrays) == 1:
        return next(iter(arrays.values())).array()
    roles = [key for key in arrays if key.lower() in LABEL_KEYS]
    if len(roles) != 1:
        raise InputError(f"{path.name}: {len(roles)} arrays have a usual name for labels; found {show(arrays)}")
    return arrays[roles[0]].array()


@dataclass(frozen=True, slots=True, eq=False)
class _Gathered:
    """Everything that Predictions needs, from one view."""

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
    recognised: tuple[str, ...]
    parts: tuple[tuple[str, int], ...] = ()


def _gather(view: View, options: ReadOptions, labels: npt.NDArray[Any] | None, call: Call, file: str) -> _Gathered:
    arrays, keys, named = view.arrays, options.keys, view.chosen
    columns: tuple[str, ...] = ()
    if options.score_columns:
        columns = chosen_columns(arrays, options.score_columns, file, taken_names(arrays, keys))
        left = {key: stored for key, stored in arrays.items() if key not in columns}
        arrays, named = {**left, "": stacked_columns(arrays, columns)}, ""
    if named is not None:
        if (role := keys.scores) is not None:
            other = "--score-columns" if options.score_columns else f"{file}#{named}"
            raise UsageError(f"{other} and {keys.said(role)} both name the scores; say one of them")
        keys = replace(keys, logits=named)
    names = options.class_names or columns
    roles = find_roles(
        arrays,
        keys,
        file=file,
        kind=options.kind,
        external_labels=labels is not None,
        external_names=bool(names),
        need_labels=options.need_labels,
        call=call,
    )
    kind = options.kind or (None if named is not None else roles.kind)
    if kind is None:
        what = f'"{roles.scores}"' if roles.scores else "the scores"
        raise InputError(f"{file}: {what} could be logits or probabilities: say --kind logits or --kind probs")
    refuse_unused(options.keys, kind, file)
    rows, stored = view.rows, arrays[roles.scores]
    laid = labels if labels is not None else arrays.get(str(roles.labels))
    n = rows_of(stored, kind, roles.scores, file)
    n = 1 if rows is None and laid is not None and is_alone(stored.shape, laid.shape) else n
    scores = stored.scores() if rows is None else pick(stored.scores(), rows, n, file)
    refuse_large_integers(scores, f'{file}: "{roles.scores}"' if roles.scores else file)
    labelled = labels is not None or roles.labels is not None or roles.correct is not None
    ignore_index = options.ignore_index
    warnings: tuple[Notice, ...] = ()
    if not labelled:
        ignore_index = None
    elif ignore_index is None and roles.ignore is not None:
        ignore_index = ignored_label(arrays[roles.ignore], roles.ignore, file)
        warnings = (ignored_notice(ignore_index, roles.ignore),)
    given_names = names or stored_names(arrays, roles.class_names, file)
    own = labels is not None and rows is not None and len(rows) == len(labels) != n and kind != "confidence"
    if labelled:
        found = outcome_of(arrays, roles, labels, ignore_index, top_label=kind == "confidence", file=file)
    else:
        k = options.k if given_names is None else len(given_names)
        found = Outcome(zeros_for(stored.shape, kind, k, file), None)
    outcome = found.values if own else pick(found.values, rows, n, file, "labels")
    if own:
        text = f"the labels' file has {len(outcome)} labels for {n} rows: they are taken to be those of the split"
        warnings = (*warnings, warning("labels_of_split", text))
    used = {roles.scores, roles.labels, roles.correct, roles.prediction, roles.ids, roles.class_names}
    used |= {*columns, *(key for key, _ in roles.rivals)}
    others = slice_columns(arrays, used, rows, n, file)
    rivals = tuple(
        notice
        for key, other in roles.rivals
        if (notice := rival_warning(arrays[key], (roles.scores, key), scores, (kind, other), outcome.shape, rows))
    )
    return _Gathered(
        kind=kind,
        key=roles.scores,
        scores=scores,
        outcome=outcome,
        class_names=given_names,
        columns=others,
        ids=None if roles.ids is None else pick(arrays[roles.ids].array(), rows, n, file, "ids"),
        ignore_index=found.ignore,
        warnings=(*found.warnings, *rivals, *warnings),
        precision=arrays[roles.scores].precision or stored_precision(scores.dtype),
        file_rows=rows,
        keys=keys_of(roles.labels if roles.correct is None else None, roles.ids),
        labelled=labelled,
        recognised=recognised(roles, kind, stored, scores.dtype, labels, options.labels),
        parts=stored.parts if rows is None else (),
    )


def _join(parts: list[_Gathered], names: list[str], file: str) -> _Gathered:
    """Several splits of one file joined into one dump, in the order named.

    The class names and the ignored label must be the same in all of them.
    """
    first = parts[0]
    for part in parts[1:]:
        if part.kind != first.kind or part.scores.shape[1:] != first.scores.shape[1:]:
            raise InputError(f"{file}: the splits differ in kind or in the shape of their scores")
    for part, name in zip(parts[1:], names[1:], strict=True):
        if part.labelled != first.labelled:
            raise InputError(f"{file}: of the splits {names[0]} and {name}, one has labels and the other has none")
        if part.class_names != first.class_names:
            raise InputError(f"{file}: the splits {names[0]} and {name} differ in their class names")
        if part.ignore_index != first.ignore_index:
            raise InputError(
                f"{file}: {names[0]} ignores label {first.ignore_index}, {name} ignores {part.ignore_index}: "
                "say which with --ignore-index"
            )
    ids = [part.ids for part in parts if part.ids is not None]
    rows = [part.file_rows for part in parts if part.file_rows is not None]
    twice = sum(map(len, rows)) - len(np.unique(np.concatenate(rows))) if rows else 0
    pair = next(((i, j) for j in range(len(parts)) for i in range(j) if _are_equal(parts[i], parts[j])), None)
    if pair is not None:
        first_name, other = names[pair[0]], names[pair[1]]
        raise InputError(f"{file}: the splits {first_name} and {other} hold the same rows, which would count twice")
    if twice:
        raise InputError(f"{file}: the splits {' and '.join(names)} share {twice} rows, which would count twice")
    return replace(
        first,
        scores=np.concatenate([np.asarray(part.scores[0 : part.scores.shape[0]]) for part in parts]),
        outcome=np.concatenate([part.outcome for part in parts]),
        columns=joined_columns([part.columns for part in parts]),
        ids=np.concatenate(ids) if len(ids) == len(parts) else None,
        warnings=tuple(
            one.reworded(f"{name}: {one}") for part, name in zip(parts, names, strict=True) for one in part.warnings
        ),
        precision=max(part.precision for part in parts),
        file_rows=np.concatenate(rows) if len(rows) == len(parts) else None,
        recognised=tuple(dict.fromkeys(one for part in parts for one in part.recognised)),
    )


def _are_equal(one: _Gathered, other: _Gathered) -> bool:
    """Whether two splits hold the same scores and labels, row by row."""
    same = one.scores.shape == other.scores.shape and one.outcome.shape == other.outcome.shape
    return (
        same
        and bool((one.outcome == other.outcome).all())
        and np.array_equal(one.scores[0:1], other.scores[0:1])
        and np.array_equal(one.scores[0 : one.scores.shape[0]], other.scores[0 : other.scores.shape[0]])
    )
