"""The role of each array of a file: scores, labels, ids, class names, slice columns."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from calibeval.core.data.row_source import Kind
from calibeval.core.errors import InputError, UsageError, nearest
from calibeval.readers.meaning.keys import Keys
from calibeval.readers.meaning.proposals import Call, loose, proposal, without_outcome
from calibeval.readers.meaning.unlabelled import why_no_labels
from calibeval.readers.stored.names import (
    CORRECT_KEYS,
    FEATURE_KEYS,
    ID_KEYS,
    IGNORE_KEYS,
    LABEL_KEYS,
    LESSER_ID,
    NAME_KEYS,
    PAIR,
    PREDICTION_KEYS,
    PREDICTIONS_BESIDE,
    SCORE_KEYS,
    score_candidates,
    show,
    unnamed_scores,
)
from calibeval.readers.stored.stored import Stored


@dataclass(frozen=True, slots=True)
class Roles:
    """The keys found. kind is None if the file does not say it; rivals are other arrays of scores, which are unused."""

    scores: str
    kind: Kind | None
    labels: str | None
    correct: str | None
    prediction: str | None
    ids: str | None
    class_names: str | None
    ignore: str | None
    rivals: tuple[tuple[str, Kind], ...]


def find_roles(
    arrays: Mapping[str, Stored],
    keys: Keys,
    *,
    file: str,
    kind: Kind | None = None,
    external: Collection[str] = (),
    external_names: bool = False,
    need_labels: bool = True,
    call: Call | None = None,
) -> Roles:
    """The role of each array, by its name.

    kind: the kind of the scores that the user stated; an array whose name says that kind is preferred.
    external: roles that another file has, of labels, correct and prediction; it goes first for the first two.
    external_names: class names come from elsewhere. need_labels: whether a file without labels is an error.
    call: what a proposed command repeats.
    An array called id or ids is preferred to filename. Names are compared without regard to case.
    Raises: InputError if a role has no candidate, or two; the message lists them and names the option that decides.
    """
    scores, found, rivals = _scores(arrays, keys, kind, file, call or Call(file, kind, need_labels=need_labels))
    top_label = (kind or found) == "confidence"
    alone = not (need_labels or external or keys.labels or any(key.lower() in LABEL_KEYS for key in arrays))
    correct, prediction = _top_label(arrays, keys, external, scores, file, alone) if top_label else (None, None)
    labels = None
    if correct is None and not external:
        labels = label_key(arrays, keys, scores, file, needed=need_labels)
    return Roles(
        scores=scores,
        kind=found,
        labels=labels,
        correct=correct,
        prediction=prediction,
        ids=id_key(arrays, keys, file),
        class_names=None if external_names else class_names_key(arrays, file),
        ignore=ignore_key(arrays, file),
        rivals=rivals,
    )


def _top_label(
    arrays: Mapping[str, Stored], keys: Keys, external: Collection[str], scores: str, file: str, alone: bool
) -> tuple[str | None, str | None]:
    """The keys of correct and prediction beside the confidence of the predicted class, unless another file has them.

    alone: whether neither is needed, as there are no labels.
    """
    if "correct" in external:
        return None, None
    correct = prediction = None
    if keys.prediction is None:
        correct = _named_or_only(arrays, keys, CORRECT_KEYS, "correct", "say whether a row is correct", file)
    if correct is None or ("labels" in external and keys.correct is None):
        elsewhere = "prediction" in external
        if not elsewhere or keys.prediction is None or keys.prediction in arrays:
            prediction = _named_or_only(arrays, keys, PREDICTION_KEYS, "prediction", "be the predictions", file)
        if prediction is None and not elsewhere and correct is None and not alone:
            raise InputError(f"{file}: {without_outcome(arrays, scores)}")
        correct = None if prediction is not None or elsewhere else correct
    return correct, prediction


def taken_names(arrays: Mapping[str, Stored], keys: Keys) -> dict[str, str]:
    """The arrays that have a role other than scores, by an option or by their names, and that role in words."""
    words = {"labels": LABEL_KEYS, "ids": ID_KEYS, "correct": CORRECT_KEYS, "prediction": PREDICTION_KEYS}
    taken: dict[str, str] = {}
    for role, usual in words.items():
        said = getattr(keys, role)
        taken |= dict.fromkeys((key for key in arrays if key.lower() in usual), role)
        taken |= {} if said is None else {said: role}
    return taken


def refuse_unused(keys: Keys, kind: Kind, file: str) -> None:
    """Refuse keys of a top label beside scores of every class, which are measured without them.

    Raises: UsageError.
    """
    for role in ("correct", "prediction"):
        if kind != "confidence" and getattr(keys, role) is not None:
            raise UsageError(
                f"{file}: {keys.said(role)}: {kind} tell the prediction themselves; {role} goes with confidence"
            )


def has_scores_and_labels(arrays: Mapping[str, Stored], keys: Keys) -> bool:
    """Whether these arrays alone could be a dump."""
    scores = (*(key for group in SCORE_KEYS.values() for key in group), "predictions", PAIR[0])
    outcome = (*LABEL_KEYS, *CORRECT_KEYS)
    lower = {key.lower() for key in arrays}
    has_scores = (
        not lower.isdisjoint(scores)
        or unnamed_scores(arrays)
        or any(key in arrays for key in (keys.logits, keys.probs, keys.log_probs, keys.confidence) if key)
    )
    named = any(key in arrays for key in (keys.labels, keys.correct) if key)
    return has_scores and (named or not lower.isdisjoint(outcome))


def _scores(
    arrays: Mapping[str, Stored], keys: Keys, stated: Kind | None, file: str, call: Call
) -> tuple[str, Kind | None, tuple[tuple[str, Kind], ...]]:
    """The key of the scores, the kind that it implies, and the keys and kinds of other scores, which are not used."""
    named: dict[Kind, str | None] = {
        "logits": keys.logits,
        "probs": keys.probs,
        "log_probs": keys.log_probs,
        "confidence": keys.confidence,
    }
    chosen = [(kind, key) for kind, key in named.items() if key is not None]
    if len(chosen) > 1:
        raise InputError(f"{file}: name one array of scores, not {len(chosen)}")
    if chosen:
        kind, _ = chosen[0]
        return named_key(arrays, keys, kind, file), kind, ()
    found = score_candidates(arrays)
    lower = {key.lower(): key for key in arrays}
    if "predictions" in lower and not found["logits"] and not found["probs"]:
        kinds = [kind for beside, kind in PREDICTIONS_BESIDE.items() if beside in lower]
        return lower["predictions"], kinds[0] if len(kinds) == 1 else None, ()
    for candidates in found.values():
        if len(candidates) > 1:
            raise InputError(
                f"{file}: {in_words(len(candidates))} arrays could be the scores: {show(arrays, candidates)}. "
                "Name one with --logits-key or --probs-key."
            )
    present = [(kind, candidates[0]) for kind, candidates in found.items() if candidates]
    if present:
        kind, key = next((one for one in present if one[0] == stated), present[0])
        rivals = (
            [] if kind == "confidence" else [(k, other) for other, k in present if other not in (kind, "confidence")]
        )
        return key, kind, tuple(rivals)
    if all(key in lower for key in PAIR):
        return lower[PAIR[0]], "probs", ()
    if unnamed_scores(arrays):
        return "", None, ()
    proposed = proposal(arrays, keys, call)
    raise InputError(
        f"{file}: no array has a usual name for scores; found {show(arrays)}. "
        + (
            proposed
            or "Name one with --logits-key or --probs-key"
            + (", or as FILE#NAME" if len(arrays) > 2 and any(len(one.shape) > 1 for one in arrays.values()) else "")
            + loose(arrays, keys)
            + "."
            + _about_features(arrays)
        )
    )


def _about_features(arrays: Mapping[str, Stored]) -> str:
    """The end of a message about missing scores: what to do with features."""
    key = next((key for key, stored in arrays.items() if key.lower() in FEATURE_KEYS and len(stored.shape) > 1), None)
    return "" if key is None else f' calibeval finetune, or predict with a head, computes scores from "{key}".'


def class_names_key(arrays: Mapping[str, Stored], file: str) -> str | None:
    """The key of the class names, if there is one.

    Raises: InputError if there are two.
    """
    return _only(arrays, NAME_KEYS, "be the class names", file, "Give them with --class-names FILE.")


def ignore_key(arrays: Mapping[str, Stored], file: str) -> str | None:
    """The key of the single number that says which label to ignore, if there is one; many numbers are a column.

    Raises: InputError if there are two.
    """
    single = {key: stored for key, stored in arrays.items() if math.prod(stored.shape) == 1}
    return _only(single, IGNORE_KEYS, "say which label to ignore", file, "Give it with --ignore-index.")


def label_key(arrays: Mapping[str, Stored], keys: Keys, scores: str, file: str, *, needed: bool = True) -> str | None:
    """The key of the labels; scores: a key that does not count, since it holds the scores or features.

    Raises: InputError if there are two, or none although they are needed.
    """
    if keys.labels is not None:
        return named_key(arrays, keys, "labels", file)
    candidates = [key for key in arrays if key.lower() in LABEL_KEYS and key != scores]
    if len(candidates) > 1:
        raise InputError(
            f"{file}: {in_words(len(candidates))} arrays could be the labels: {show(arrays, candidates)}. "
            "Name one with --labels-key."
        )
    if not candidates and needed:
        raise InputError(f"{file}: {why_no_labels(arrays)}")
    return candidates[0] if candidates else None


def named_key(arrays: Mapping[str, Stored], keys: Keys, role: str, file: str) -> str:
    """The key that the user named for a role.

    Raises: InputError if there is no such array, with the nearest name.
    """
    key: str = getattr(keys, role)
    if key not in arrays:
        hint = nearest(key, arrays)
        raise InputError(f'{file}: {keys.said(role)}: there is no "{key}"{hint}; found {show(arrays)}')
    return key


def id_key(arrays: Mapping[str, Stored], keys: Keys, file: str) -> str | None:
    """The key of the ids, if there is one.

    Raises: InputError if there are two.
    """
    if keys.ids is not None:
        return named_key(arrays, keys, "ids", file)
    lower = [key.lower() for key in arrays]
    names = [name for name in ID_KEYS if name != LESSER_ID or not ("ids" in lower or "id" in lower)]
    return _only(arrays, names, "be the ids", file, "Name one with --ids-key.")


def _named_or_only(
    arrays: Mapping[str, Stored], keys: Keys, names: Collection[str], role: str, what: str, file: str
) -> str | None:
    """The key that the user named for a role, or else the only one with a usual name; None if there is none."""
    if getattr(keys, role) is not None:
        return named_key(arrays, keys, role, file)
    return _only(arrays, names, what, file, f"Name one with --key {role}=NAME.")


def _only(
    arrays: Mapping[str, Stored], names: Collection[str], what: str, file: str, remedy: str = "Keep one of them."
) -> str | None:
    """The key of the only array with one of these names; None if there is none.

    what: the role, in words. remedy: what the user can do about two candidates.
    """
    candidates = [key for key in arrays if key.lower() in names]
    if len(candidates) > 1:
        raise InputError(
            f"{file}: {in_words(len(candidates))} arrays could {what}: {show(arrays, candidates)}. {remedy}"
        )
    return candidates[0] if candidates else None


def in_words(n: int) -> str:
    """A small number as a word.

    >>> in_words(2), in_words(12)
    ('two', '12')
    """
    return {2: "two", 3: "three"}.get(n, str(n))
