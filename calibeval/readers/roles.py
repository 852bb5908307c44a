"""Which array of a file is what: scores, labels, ids, class names, slice columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from calibeval.core.errors import InputError, nearest
from calibeval.core.row_source import Kind
from calibeval.readers.stored import Stored

SCORE_KEYS: dict[Kind, tuple[str, ...]] = {
    "logits": ("logits", "logit", "scores", "outputs"),
    "probs": ("probs", "prob", "probabilities", "proba", "softmax", "y_prob"),
    "log_probs": ("log_probs", "logprobs", "log_probabilities"),
    "confidence": ("confidence", "confidences"),
}
LABEL_KEYS = ("labels", "label", "targets", "target", "y", "y_true", "gt", "label_ids", "ground_truth")
CORRECT_KEYS = ("correct",)
PREDICTION_KEYS = ("prediction", "predicted")
ID_KEYS = ("ids", "id", "sample_id", "filename")
NAME_KEYS = ("class_names", "classes")
IGNORE_KEYS = ("ignore_label", "ignore_index")
FEATURE_KEYS = ("features", "feats", "embeddings", "x")
# What the array "predictions" holds is told by the array beside it: HF Trainer writes logits, netcal probabilities.
PREDICTIONS_BESIDE: dict[str, Kind] = {"label_ids": "logits", "ground_truth": "probs"}
# One number a row and its outcome, as {"p": 0.83, "y": 1}: P(class 1).
PAIR = ("p", "y")
INDEX = re.compile(r"^(.+)_index$")


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys that a person named, one a role; None: by the usual names."""

    logits: str | None = None
    probs: str | None = None
    log_probs: str | None = None
    confidence: str | None = None
    labels: str | None = None
    ids: str | None = None


@dataclass(frozen=True, slots=True)
class Roles:
    """The keys found. kind is None where the file does not tell it; rival is a second array of scores, unused."""

    scores: str
    kind: Kind | None
    labels: str | None
    correct: str | None
    prediction: str | None
    ids: str | None
    class_names: str | None
    ignore: str | None
    rival: str | None


def find_roles(arrays: Mapping[str, Stored], keys: Keys, *, file: str, external_labels: bool = False) -> Roles:
    """The role of each array, by the names people use.

    external_labels: labels come from another file.
    Raises: InputError where a role has no candidate, or two, listing them with the flag that decides.
    """
    scores, kind, rival = _scores(arrays, keys, file)
    correct = _first(arrays, CORRECT_KEYS) if kind == "confidence" else None
    labels = None
    if correct is None and not external_labels:
        labels = _labels(arrays, keys, scores, file)
    prediction = _first(arrays, PREDICTION_KEYS) if kind == "confidence" and correct is None else None
    if kind == "confidence" and correct is None and prediction is None:
        raise InputError(f'{file}: "{scores}" needs an array "correct", or "prediction" and "label", beside it')
    return Roles(
        scores=scores,
        kind=kind,
        labels=labels,
        correct=correct,
        prediction=prediction,
        ids=_named(arrays, keys.ids, "ids", file) if keys.ids else _first(arrays, ID_KEYS),
        class_names=_first(arrays, NAME_KEYS),
        ignore=next((key for key in IGNORE_KEYS if key in arrays and arrays[key].shape == ()), None),
        rival=rival,
    )


def has_scores_and_labels(arrays: Mapping[str, Stored], keys: Keys) -> bool:
    """Whether these arrays alone could be a dump."""
    scores = (*(key for group in SCORE_KEYS.values() for key in group), "predictions", PAIR[0], "")
    named = (keys.logits, keys.probs, keys.log_probs, keys.confidence)
    outcome = (*LABEL_KEYS, *CORRECT_KEYS, keys.labels)
    return any(k in arrays for k in (*scores, *named) if k is not None) and any(k in arrays for k in outcome if k)


def prefixes(arrays: Mapping[str, Stored]) -> list[str]:
    """Prefixes under which the file keeps the splits of a dump: val for val_labels."""
    found = []
    for key, stored in arrays.items():
        for label in LABEL_KEYS:
            prefix = key.removesuffix(f"_{label}")
            if stored.shape and prefix not in (key, "") and prefix not in found:
                found.append(prefix)
    return found


def index_splits(arrays: Mapping[str, Stored]) -> list[str]:
    """Names of splits that the file keeps as arrays of row numbers: val for val_index.

    An array as long as the labels numbers all rows, and what stands under a prefix belongs to that split.
    """
    under_prefix = tuple(f"{prefix}_" for prefix in prefixes(arrays))
    lengths = {arrays[key].shape[0] for key in LABEL_KEYS if key in arrays and arrays[key].shape}
    return [
        match[1]
        for key, stored in arrays.items()
        if (match := INDEX.match(key))
        and stored.dtype.kind in "iu"
        and len(stored.shape) == 1
        and stored.shape[0] not in lengths
        and not (under_prefix and key.startswith(under_prefix))
    ]


def show(arrays: Mapping[str, Stored], only: Iterable[str] | None = None) -> str:
    """Keys with shapes, for messages; a long list is cut."""
    keys = list(arrays if only is None else only)
    shown = [f'"{key}" {arrays[key].describe()}' for key in keys[:8]]
    return ", ".join(shown) + (f" and {len(keys) - 8} more" if len(keys) > 8 else "")


def _scores(arrays: Mapping[str, Stored], keys: Keys, file: str) -> tuple[str, Kind | None, str | None]:
    """The key of the scores, their kind, and the key of other scores that are left unused."""
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
        kind, key = chosen[0]
        return _named(arrays, key, kind, file), kind, None
    found: dict[Kind, list[str]] = {
        kind: [key for key in arrays if key.lower() in SCORE_KEYS[kind]] for kind in SCORE_KEYS
    }
    if "predictions" in arrays and not found["logits"] and not found["probs"]:
        kinds = [kind for beside, kind in PREDICTIONS_BESIDE.items() if beside in arrays]
        return "predictions", kinds[0] if len(kinds) == 1 else None, None
    for candidates in found.values():
        if len(candidates) > 1:
            raise InputError(
                f"{file}: {_count(len(candidates))} arrays could be the scores: {show(arrays, candidates)}. "
                "Name one with --logits-key or --probs-key."
            )
    present = [(kind, candidates[0]) for kind, candidates in found.items() if candidates]
    if present:
        rival = present[1][1] if len(present) > 1 and present[1][0] != "confidence" else None
        return present[0][1], present[0][0], rival
    if all(key in arrays for key in PAIR):
        return PAIR[0], "probs", None
    if "" in arrays:
        return "", None, None
    raise InputError(
        f"{file}: no array is named like scores; there are {show(arrays)}. "
        "Name one with --logits-key or --probs-key" + (", or as FILE#NAME." if len(arrays) > 2 else ".")
    )


def _labels(arrays: Mapping[str, Stored], keys: Keys, scores: str, file: str) -> str:
    if keys.labels is not None:
        return _named(arrays, keys.labels, "labels", file)
    candidates = [key for key in arrays if key.lower() in LABEL_KEYS and key != scores]
    if len(candidates) > 1:
        raise InputError(
            f"{file}: {_count(len(candidates))} arrays could be the labels: {show(arrays, candidates)}. "
            "Name one with --labels-key."
        )
    if not candidates:
        raise InputError(
            f"{file}: no array is named like labels; there are {show(arrays)}. "
            "Name one with --labels-key, or another file with --labels."
        )
    return candidates[0]


def _named(arrays: Mapping[str, Stored], key: str, role: str, file: str) -> str:
    if key not in arrays:
        flag = f"--{role.replace('_', '-')}-key"
        raise InputError(f'{file}: {flag}: there is no "{key}"{nearest(key, arrays)}; there are {show(arrays)}')
    return key


def _first(arrays: Mapping[str, Stored], keys: Iterable[str]) -> str | None:
    return next((key for key in keys if key in arrays), None)


def _count(n: int) -> str:
    return {2: "two", 3: "three"}.get(n, str(n))
