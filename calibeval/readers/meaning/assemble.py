"""From named arrays to predictions: splits, roles, kind, labels, ids, slice columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from calibeval.core.data.amended import with_recognised
from calibeval.core.data.precision import stored_precision
from calibeval.core.data.predictions import Predictions, Source
from calibeval.core.data.row_source import Kind
from calibeval.core.data.shapes import is_alone
from calibeval.core.data.weighted import weighted
from calibeval.core.errors import InputError, UsageError
from calibeval.readers.meaning.columns import check_weights, slice_columns
from calibeval.readers.meaning.computed import chosen_apart, kind_of, refuse_computed
from calibeval.readers.meaning.copies import without_copies
from calibeval.readers.meaning.examine import Sight, examined
from calibeval.readers.meaning.facts import (
    keys_of,
    label_to_ignore,
    own_keys,
    paired_with,
    recognised,
    rows_of,
    stored_names,
)
from calibeval.readers.meaning.gathered import Gathered, joined_splits
from calibeval.readers.meaning.keys import Keys
from calibeval.readers.meaning.long_tables import long_table
from calibeval.readers.meaning.names_beside import NamedLabels, in_own_order, named_beside, same_names
from calibeval.readers.meaning.outcome import Outcome, outcome_beside, outcome_of
from calibeval.readers.meaning.proposals import Call
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.meaning.rivals import rival_warning
from calibeval.readers.meaning.roles import Roles, find_roles, has_scores_and_labels, refuse_unused, taken_names
from calibeval.readers.meaning.score_columns import Said, class_names_of, two_names
from calibeval.readers.meaning.splits import View, pick, pooled_notice, split_views
from calibeval.readers.meaning.suspicion import refuse_large_integers
from calibeval.readers.meaning.text_scores import lists_in_text
from calibeval.readers.meaning.top_scores import explained
from calibeval.readers.meaning.unlabelled import why_no_labels, zeros_for
from calibeval.readers.stored.names import NAME_KEYS, prefixes
from calibeval.readers.stored.place import as_name, as_shown
from calibeval.readers.stored.stored import Stored

if TYPE_CHECKING:
    from calibeval.readers.meaning.labels_file import ExternalLabels


def assemble(
    arrays: dict[str, Stored],
    source: Source,
    options: ReadOptions,
    labels: ExternalLabels | None,
    settling: Callable[[], Source],
) -> Predictions:
    """The arrays of one file as predictions.

    labels: from another file. settling: see Predictions.
    Raises: InputError if the roles or the kind of the arrays are unclear, or contradict the options.
    """
    file = Path(source.path or "").name
    views = split_views(
        arrays,
        source.split if source.log is None else None,
        prefixes(arrays),
        file,
        alone=bool(options.labels or options.score_columns) or has_scores_and_labels(arrays, options.keys),
    )
    call = Call(
        source.path or "" if source.split is None else f"{source.path}#{source.split}",
        kind=options.kind,
        labels=None if options.labels is None else as_shown(as_name(options.labels)),
        read_as=options.read_as,
        decimal=options.decimal,
        need_labels=options.need_labels or options.k is None,  # only apply says k, and never needs them
    )
    parts = [_gather(view, options, labels, call, file) for view in views]
    gathered = parts[0] if len(parts) == 1 else joined_splits(parts, [view.name for view in views], file)
    pooled = pooled_notice(arrays, source.split, file)
    gathered = replace(gathered, warnings=(*pooled, *gathered.warnings))
    gathered, predictions = without_copies(
        gathered,
        lambda kept: _predictions(kept, source, settling, file, renormalize=options.renormalize),
        file,
        drop=options.drop_duplicates,
    )
    return examined(
        _weighted(predictions, options.keys, file),
        gathered.outcome,
        Sight(
            gathered.key,
            None if options.labels or options.keys.labels else gathered.keys.get("labels"),
            views[0].arrays,
            gathered.parts,
            file,
        ),
        kind=options.kind,
        labels_are=options.labels_are,
        believed=options.believed,
    )


def _weighted(predictions: Predictions, keys: Keys, file: str) -> Predictions:
    check_weights(predictions.columns, keys, file)
    found = weighted(predictions, keys.weights)
    if found.weights is None:
        return found
    worth, left = found.weights.effective, f", {found.weights.zero:,} of weight 0" if found.weights.zero else ""
    return with_recognised(found, [f'weighted by "{keys.weights}": {found.n:,} rows count as {worth:,.0f}{left}'])


def _predictions(
    gathered: Gathered, source: Source, settling: Callable[[], Source], file: str, *, renormalize: bool
) -> Predictions:
    outcome = "correct" if gathered.kind == "confidence" else "labels"
    told: dict[str, Any] = {gathered.kind: gathered.scores, outcome: gathered.outcome}
    try:
        return Predictions(
            **told,
            class_names=gathered.class_names,
            labels_are=gathered.labels_are,
            columns=gathered.columns,
            ids=gathered.ids,
            source=source,
            ignore_index=gathered.ignore_index,
            renormalize=renormalize,
            warnings=gathered.warnings,
            precision=gathered.precision,
            file_rows=gathered.file_rows,
            settling=settling,
            keys=gathered.keys,
            labelled=gathered.labelled,
            no_labels=gathered.no_labels,
            recognised=gathered.recognised,
        )
    except InputError as error:
        long = long_table(gathered.scores, gathered.kind, gathered.ids, gathered.key, file)
        if long is not None:
            raise long from None
        raise explained(error, gathered.scores, gathered.kind, gathered.outcome, gathered.key, file) from None


def _gather(view: View, options: ReadOptions, labels: ExternalLabels | None, call: Call, file: str) -> Gathered:
    beside = None if labels is None else labels.beside(view, options.keys, file)
    arrays, named = view.arrays, view.chosen
    keys = own_keys(arrays, options.keys, beside, file)
    columns: tuple[str, ...] = ()
    if options.score_columns:
        arrays, columns = chosen_apart(arrays, options.score_columns, file, taken_names(arrays, keys))
        named = ""
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
        external=() if beside is None else beside.roles,
        external_names=bool(names),
        need_labels=options.need_labels,
        call=call,
    )
    kind = options.kind or (kind_of(columns) if named is not None else roles.kind)
    if kind is None:
        what = f'"{roles.scores}"' if roles.scores else "the scores"
        raise InputError(f"{file}: {what} could be logits or probabilities: say --kind logits or --kind probs")
    refuse_unused(options.keys, kind, file)
    rows, stored = view.rows, lists_in_text(arrays[roles.scores], roles.scores, file, options.decimal)
    laid = arrays.get(str(roles.labels)) if beside is None else beside.arrays.get(beside.roles.get("labels", ""))
    n = rows_of(stored, kind, roles.scores, file)
    n = 1 if rows is None and laid is not None and is_alone(stored.shape, laid.shape) else n
    scores = stored.scores() if rows is None else pick(stored.scores(), rows, n, file)
    refuse_large_integers(scores, f'{file}: "{roles.scores}"' if roles.scores else file)
    labelled = beside is not None or roles.labels is not None or roles.correct is not None
    ignore_index, warnings = (
        label_to_ignore(options.ignore_index, arrays, roles.ignore, beside, file) if labelled else (None, ())
    )
    own = _other_order(options, columns, arrays, file)
    known = own or names or stored_names(arrays, roles.class_names, file)
    told = NamedLabels(None, known, options.labels_are, ignore_index)
    if beside is None:
        found, paired = _outcome(view, roles, kind, told, n, file, options.k, stored.shape), None
    else:
        paired = paired_with(view, beside, roles.ids, n, file, drop_duplicates=options.drop_duplicates)
        if kind != "confidence":
            told = named_beside(beside, paired.values.get("labels"), told, file, given=options.class_names is not None)
            paired = paired.with_labels(told.labels)
        found = outcome_beside(arrays, roles, paired.values, told.ignore, view.rows, n, kind=kind, file=file)
        warnings = (*warnings, *paired.warnings)
    if labelled and kind != "confidence" and (beside is None or beside.class_names is None):
        told = told._replace(labels=found.values, ignore=found.ignore)
        told = in_own_order(told, options.class_names, own, file, arrays.get(str(roles.class_names)))
        found = found._replace(values=np.asarray(told.labels), ignore=told.ignore)
    told = told._replace(
        names=two_names(told.names, kind, scores.shape, found.values, Said(options.positive, found.ignore, file))
    )
    if labelled and kind != "confidence" and not options.believed:
        refuse_computed(stored, told.names, arrays.get(str(roles.class_names)), found.values, file)
    used = {roles.scores, roles.labels, roles.correct, roles.prediction, roles.ids, roles.class_names}
    used |= {*columns, *(key for key, _ in roles.rivals)}
    others = slice_columns(arrays, used, rows, n, file)
    rivals = tuple(
        notice
        for key, other in roles.rivals
        if (notice := rival_warning(arrays[key], (roles.scores, key), scores, (kind, other), found.values.shape, rows))
    )
    return Gathered(
        kind=kind,
        key=roles.scores,
        scores=scores,
        outcome=found.values,
        class_names=class_names_of(columns, found.values, found.ignore) if told.names == columns != () else told.names,
        columns=others,
        ids=None if roles.ids is None else pick(arrays[roles.ids].array(), rows, n, file, "ids"),
        ignore_index=found.ignore,
        warnings=(*found.warnings, *rivals, *warnings),
        precision=stored.precision or stored_precision(scores.dtype),
        file_rows=rows,
        keys=keys_of(roles.labels if roles.correct is None else None, roles.ids),
        labelled=labelled,
        no_labels="" if labelled else why_no_labels(view.arrays),
        recognised=recognised(roles, kind, stored, scores.dtype, paired),
        parts=stored.parts if rows is None else (),
        labels_are=told.labels_are,
    )


def _outcome(
    view: View, roles: Roles, kind: Kind, told: NamedLabels, n: int, file: str, k: int | None, shape: tuple[int, ...]
) -> Outcome:
    """What the dump itself says of the rows of a view; zeros if it has no labels. k, shape: of the scores."""
    if roles.labels is None and roles.correct is None:
        k = k if told.names is None else len(told.names)
        found = Outcome(zeros_for(shape, kind, k, file), None)
    else:
        found = outcome_of(view.arrays, roles, told.ignore, top_label=kind == "confidence", file=file)
    return found._replace(values=pick(found.values, view.rows, n, file, "labels"))


def _other_order(
    options: ReadOptions, columns: tuple[str, ...], arrays: dict[str, Stored], file: str
) -> tuple[str, ...]:
    """The class names of the columns, or of the file, if the user gave the same names in another order."""
    if options.class_names is None:
        return ()
    candidates = [key for key in arrays if key.lower() in NAME_KEYS]
    one = candidates[0] if len(candidates) == 1 else None
    own = columns or stored_names(arrays, one, file) or ()
    return own if same_names(options.class_names, own) else ()
