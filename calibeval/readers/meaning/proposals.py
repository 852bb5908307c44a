"""What a message proposes where no array has a usual name for scores: the very command that reads this file."""

from __future__ import annotations

import itertools
import math
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.precision import Tolerance, stored_precision
from calibeval.core.data.rounding import bounds_of_cells, decimals_of
from calibeval.core.data.row_source import Kind
from calibeval.readers.meaning.keys import Keys
from calibeval.readers.meaning.score_columns import PATTERN, name_classes, shared
from calibeval.readers.meaning.text_scores import columns_of_commas, columns_of_lists
from calibeval.readers.shards import natural
from calibeval.readers.stored.names import (
    CORRECT_KEYS,
    FEATURE_KEYS,
    ID_KEYS,
    IGNORE_KEYS,
    LABEL_KEYS,
    PREDICTION_KEYS,
    label_like,
    sounds_predicted,
)
from calibeval.readers.stored.stored import Stored

NUMBERED = r"(?s)(?P<stem>.*?)(?P<number>0|[1-9][0-9]{0,6})\Z"
STEM = r"(?s).*_(?=[^_]+\Z)"
PEEK_ROWS = 1000
MOST_SEARCHED = 64  # columns, whose runs are tried one by one, or whose values tell the kind
LONG_LIST, LONGEST_LIST = 60, 100  # characters of a list of columns: a pattern is better, or nothing
MOST_PEEKED = 2**20


class Call(NamedTuple):
    """What a person said that a proposed command repeats.

    path: of the dump, with its split. kind, labels: as ReadOptions. need_labels: whether labels must be found.
    """

    path: str
    kind: Kind | None = None
    labels: str | None = None
    read_as: str | None = None
    decimal: str | None = None
    need_labels: bool = True


def proposal(arrays: Mapping[str, Stored], keys: Keys, call: Call) -> str:
    """A sentence that ends with the command that would read this table; empty where nothing can be proposed."""
    lists = columns_of_lists(arrays)
    if lists:
        options, also = _labels(arrays, keys, lists, call)
        command = _command(call, keys, "--probs-key", lists[0], *options)
        return f'The cells of "{lists[0]}" are lists that add up to 1{also}: {command}'
    commas = columns_of_commas(arrays) if call.decimal is None else []
    if commas:
        return f'The cells of "{commas[0]}" have decimal commas: {_command(call._replace(decimal=","), keys)}'
    floats = _float_columns(arrays, keys)
    found = _adding_up(floats)
    if found is not None:
        words = listed(found, arrays)
        if words is None:
            return ""
        options, also = _labels(arrays, keys, found, call)
        kind = call.kind or "probs"
        command = _command(call, keys, "--score-columns", words, "--kind", kind, *options)
        return f"Columns {words} add up to 1 in every row{also}: {command}"
    return _confidence(floats, arrays, keys, call) or _only_one(arrays, keys, call)


def loose(arrays: Mapping[str, Stored], keys: Keys) -> str:
    """A part of a message: columns of numbers that may be the scores, though nothing in them says so."""
    floats = _float_columns(arrays, keys)
    if len(floats) < 2:
        return ""
    words = listed(tuple(floats), arrays)
    names = [*floats]
    if words is None:
        return f"; if these columns are the scores, say --score-columns {names[0]},{names[1]},...,{names[-1]}"
    kind = " --kind logits" if any(_odd(array()) for array in [*floats.values()][:MOST_SEARCHED]) else ""
    return f"; if these columns are the scores, say --score-columns {shlex.quote(words)}{kind}"


def without_outcome(arrays: Mapping[str, Stored], scores: str) -> str:
    """What confidences need besides, and the option for an array whose name sounds like predictions."""
    text = f'"{scores}" also needs an array "correct", or the arrays "prediction" and "label"'
    near = next((key for key, one in arrays.items() if len(one.shape) == 1 and sounds_predicted(key)), None)
    return text if near is None else f'{text}. If "{near}" holds the predictions, use --key prediction={near}'


def listed(columns: Sequence[str], arrays: Mapping[str, Stored]) -> str | None:
    """The columns as --score-columns takes them: a range, a list, or a pattern; None if there are too many names.

    >>> listed(("p0", "p1", "p2"), {}), listed(("cat", "dog"), {})
    ('p0..p2', 'cat,dog')
    """
    numbered = [re.match(NUMBERED, column) for column in columns]
    found = [(one["stem"], int(one["number"])) for one in numbered if one is not None]
    plain = not any("," in column for column in columns)
    if len(found) == len(columns) > 2 and plain:
        stem, first = found[0]
        if found == [(stem, first + i) for i in range(len(columns))]:
            return f"{columns[0]}..{columns[-1]}"
    length = len(",".join(columns))
    if plain and length <= LONG_LIST:
        return ",".join(columns)
    pattern = f"{shared(columns)}*".removeprefix("*")
    fitting = [key for key in arrays if key.startswith(pattern[:-1]) and len(arrays[key].shape) == 1]
    in_order = sorted(columns, key=natural) == [*columns] == fitting
    if pattern and in_order and not re.search(PATTERN, pattern[:-1]):
        return pattern
    return ",".join(columns) if plain and length <= LONGEST_LIST else None


def _float_columns(arrays: Mapping[str, Stored], keys: Keys) -> dict[str, Callable[[], npt.NDArray[Any]]]:
    """The columns of fractions that have no role by their names, and what loads them."""
    usual = {*LABEL_KEYS, *ID_KEYS, *CORRECT_KEYS, *PREDICTION_KEYS, *IGNORE_KEYS}
    named = {keys.labels, keys.ids, keys.correct, keys.prediction}

    return {
        key: stored.array
        for key, stored in arrays.items()
        if len(stored.shape) == 1
        and stored.dtype.kind == "f"
        and stored.refusal is None
        and key
        and key not in named
        and key.lower() not in usual
    }


def _adding_up(floats: Mapping[str, Callable[[], npt.NDArray[Any]]]) -> tuple[str, ...] | None:
    """The columns that add up to 1 in every row: those of one stem, or else the longest run of neighbours."""
    peeks = {key: array()[:PEEK_ROWS] for key, array in floats.items()}
    lengths = {len(peek) for peek in peeks.values()}
    shares = [key for key, peek in peeks.items() if not _odd(peek)]
    if len(lengths) != 1 or len(shares) < 2:
        return None
    stems: dict[str, list[str]] = {}
    for key in shares:
        one = re.match(NUMBERED, key) or re.match(STEM, key)
        stems.setdefault("" if one is None else one.groupdict().get("stem", one[0]), []).append(key)
    groups = [shares, *sorted((group for group in stems.values() if len(group) > 1), key=len, reverse=True)]
    if len(shares) <= MOST_SEARCHED:
        groups += [
            shares[start : start + length] for length in range(len(shares) - 1, 1, -1) for start in range(len(shares))
        ]
        groups += [[key for key in shares if key != left] for left in shares[1:-1]]
    for group in groups:
        if len(group) > 1 and _add_up([peeks[key] for key in group]) and _add_up([floats[key]() for key in group]):
            return tuple(group)
    return None


def _add_up(columns: Sequence[npt.NDArray[Any]]) -> bool:
    """Whether every row adds up to 1, up to rounding, so that the columns can be read as probabilities."""
    total, filled = np.zeros(len(columns[0])), np.zeros(len(columns[0]), np.intp)
    decimals: int | None = 0
    for values in columns:
        if _odd(values):
            return False
        total += values
        filled += values != 0
        if decimals is not None:
            decimals = decimals_of(np.asarray(values, np.float64), stored_precision(values.dtype), decimals)
    tolerance = Tolerance.of(max(stored_precision(values.dtype) for values in columns))
    if not decimals:
        return bool((np.abs(total - 1) <= tolerance.of_sum).all())
    deficit, most = bounds_of_cells(len(columns), filled, decimals, tolerance)
    return bool(((total - 1 <= most) & (1 - total <= deficit)).all())


def _odd(values: npt.NDArray[Any]) -> bool:
    """Whether a value is no probability."""
    return not bool(((values >= 0) & (values <= 1)).all())


def _labels(arrays: Mapping[str, Stored], keys: Keys, columns: Sequence[str], call: Call) -> tuple[list[str], str]:
    """The options that name the labels, if any are needed, and what has to be said of them."""
    usual = [key for key in arrays if key.lower() in LABEL_KEYS]
    if call.labels is not None or keys.labels is not None or not call.need_labels or usual:
        return [], ""
    near = [key for key in label_like(arrays) if not sounds_predicted(key)]
    texts = [
        key
        for key, stored in arrays.items()
        if stored.dtype.kind in "OUS" and stored.refusal is None and len(stored.shape) == 1
        if not sounds_predicted(key) and name_classes(columns, stored.array())
    ]
    for candidates in (near, texts):
        if len(candidates) == 1:
            return ["--labels-key", candidates[0]], ""
    others = [key for key in arrays if key and key not in columns and key.lower() not in ID_KEYS]
    alone = len(others) == 1 and not sounds_predicted(others[0])
    if alone and arrays[others[0]].dtype.kind in "iub" and len(arrays[others[0]].shape) == 1:
        return ["--labels-key", others[0]], ""
    if any(not sounds_predicted(key) for key in others):
        return ["--labels-key", "NAME"], "; name the labels, too"
    return ["--labels", "FILE"], "; name the file with the labels, too"


def _confidence(
    floats: Mapping[str, Callable[[], npt.NDArray[Any]]], arrays: Mapping[str, Stored], keys: Keys, call: Call
) -> str:
    """What to say where there is one column of probabilities: it is a confidence if the file has `correct` or so."""
    shares = [*itertools.islice((key for key, array in floats.items() if not _odd(array())), 2)]
    if len(shares) != 1:
        return ""
    lower = {key.lower() for key in arrays}
    truth = call.labels is not None or keys.labels is not None or not lower.isdisjoint(LABEL_KEYS)
    predicted = keys.prediction is not None or not lower.isdisjoint(PREDICTION_KEYS)
    if keys.correct is not None or not lower.isdisjoint(CORRECT_KEYS) or (truth and predicted):
        command = _command(call, keys, "--key", f"confidence={shares[0]}")
        return f'If "{shares[0]}" is the confidence of the predicted class: {command}'
    options, also = _labels(arrays, keys, shares, call)
    if not truth and len(floats) == 1 and not also.endswith("labels, too"):
        command = _command(call, keys, "--key", f"probs={shares[0]}", *options)
        return f'If "{shares[0]}" is P(class 1){also}: {command}'
    if truth and len(floats) == 1:
        command = _command(call, keys, "--key", f"probs={shares[0]}")
        return f'If "{shares[0]}" is a confidence, "correct" or "prediction" is missing; if it is P(class 1): {command}'
    return ""


def _only_one(arrays: Mapping[str, Stored], keys: Keys, call: Call) -> str:
    """What to say where a single array could hold scores of every class, by its shape and its first values."""
    named = {keys.labels, keys.ids, keys.correct, keys.prediction}
    usual = (*LABEL_KEYS, *FEATURE_KEYS)
    found = [
        key
        for key, stored in arrays.items()
        if key and len(stored.shape) > 1 and stored.dtype.kind == "f" and stored.refusal is None
        if key not in named and key.lower() not in usual and 0 not in stored.shape
    ]
    if len(found) != 1 or keys.scores is not None or call.kind is not None:
        return ""
    key = found[0]
    shape = arrays[key].shape
    rows = min(shape[0], PEEK_ROWS, max(1, MOST_PEEKED // math.prod(shape[1:])))
    kind = "logits" if _odd(np.asarray(arrays[key].load()[0:rows], np.float64)) else "probs"
    options, also = _labels(arrays, keys, (key,), call)
    what = "logits" if kind == "logits" else "probabilities"
    return f'If "{key}" holds {what}{also}: {_command(call, keys, f"--{kind}-key", key, *options)}'


def _command(call: Call, keys: Keys, *words: str) -> str:
    """The command, with what was said already; its options alone where a report would lack labels."""
    said = [
        *(word for role in ("labels", "ids", "correct", "prediction") for word in _said(keys, role)),
        *(("--labels", call.labels) if call.labels is not None else ()),
        *(("--read-as", call.read_as.lstrip(".")) if call.read_as is not None else ()),
        *(("--decimal", call.decimal) if call.decimal is not None else ()),
    ]
    if not call.need_labels:
        return f"say {shlex.join([*words, *said])}"
    return shlex.join(["calibeval", "report", call.path, *words, *said])


def _said(keys: Keys, role: str) -> list[str]:
    name: str | None = getattr(keys, role)
    return [] if name is None else ["--key", f"{role}={name}"]
