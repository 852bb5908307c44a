"""One answer of a log, whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Answer(NamedTuple):
    """One answer that is measured.

    place: of the answer, for messages. scores: of its options; None if only the confidence of the chosen one is known.
    right: the numbers of the right options. confidence, correct: of the chosen option, where scores are None.
    document: what was asked; answers to the same depend on each other. columns: further facts, by the column's name.
    names: of the options, if they have any. values: of the levels of a score. shares: the gold distribution, if the
    gold answer is one. weight: by which the answer counts.
    """

    place: str
    id: str
    document: str
    scores: Sequence[float] | None = None
    right: tuple[int, ...] = ()
    confidence: float = 0.0
    correct: float = 0.0
    columns: Mapping[str, str] = {}
    names: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    weight: float = 1.0
    shares: tuple[float, ...] | None = None
