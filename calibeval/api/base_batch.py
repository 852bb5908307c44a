"""The base of a batch: scores of another model on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calibeval.core.data.row_source import KINDS, only_kind
from calibeval.core.errors import UsageError

_SAY = 'base is the scores of another model, or a dict such as {"probs": ...}'


def base_batch(base: Any, kind: str, outcome: str, values: object) -> dict[str, Any]:
    """The scores by their kind, and the outcome under its name.

    base: as `Accumulator.update` takes it. kind, outcome, values: of the candidate's scores and of what came true.
    Raises: UsageError for a dict with other keys, and for a base of another sort.

    >>> base_batch([[0.5, 0.5]], "probs", "labels", [0])
    {'probs': [[0.5, 0.5]], 'labels': [0]}
    """
    alone = 'with the confidence alone, base is {"confidence": ..., "correct": ...}'
    if not isinstance(base, Mapping):
        if kind == "confidence":
            raise UsageError(f"base came as an array, but {alone}: a row may be right in one model only")
        return {kind: base, outcome: values}
    unknown = [name for name in base if name not in (*KINDS, "correct")]
    if unknown:
        raise UsageError(f'base has a key "{unknown[0]}", but {_SAY}; labels are those of the batch')
    own = only_kind({name: base.get(name) for name in KINDS})
    if (own == "confidence") != (kind == "confidence") or (own == "confidence") != (base.get("correct") is not None):
        raise UsageError(f"base has {' and '.join(base)} beside {kind}, but {alone}")
    return {own: base[own], outcome: base["correct"] if own == "confidence" else values}
