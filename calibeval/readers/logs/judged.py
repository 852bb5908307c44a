"""Judged answers as the scripts of Humanity's Last Exam and BrowseComp write them: an object of objects by id.

`judge_response` holds what a judging model found: whether the answer is right, and the confidence that it states.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from calibeval.readers.formats.text import TextSource
from calibeval.readers.logs.answer import Answer
from calibeval.readers.logs.answers import Log
from calibeval.readers.logs.confidence import Stated, stated, with_confidence
from calibeval.readers.logs.options import LogOptions
from calibeval.readers.logs.records import Record, records
from calibeval.readers.logs.values import documents
from calibeval.readers.stored.limits import Limits

KEY = "judge_response"
WHAT = "judged answers"
CERTAIN = "with a confidence of 100, which the judge also writes where none is stated"
IDS = ("id", "question_id", "query_id", "doc_id")
RIGHT = {"yes": 1, "true": 1, "1": 1, "c": 1, "correct": 1, "no": 0, "false": 0, "0": 0, "i": 0, "incorrect": 0}


def read_judged(sources: Sequence[TextSource], options: LogOptions, limits: Limits) -> Log:
    """The answers that were judged.

    Raises: InputError as `with_confidence`; for a record that is no object.
    """
    log = Log(WHAT, "confidence", by="category")
    rows: list[tuple[Answer, Any]] = []
    found = [record for source in sources for record in records(source, limits)]
    for record, name in zip(found, documents([record.id(IDS) for record in found]), strict=True):
        verdict = record.row.get(KEY)
        right = _right(verdict.get("correct")) if isinstance(verdict, dict) else None
        if not isinstance(verdict, dict) or right is None:
            log.count("without a verdict" if not verdict else "with a verdict that is neither yes nor no")
            continue
        rows.append((Answer(record.place, name, name, correct=right, columns=_columns(record)), verdict))
    log.how.append("right or wrong by the judge")
    with_confidence(log, [(answer, verdict.get("confidence")) for answer, verdict in rows], options, sources[0].name)
    for _, verdict in rows:
        if _certain(verdict.get("confidence")):
            log.count(CERTAIN, measured=True)
    return log


def _right(value: Any) -> int | None:
    """1 for a right answer, 0 for a wrong one, None for anything else.

    >>> _right("Yes"), _right(False), _right("maybe")
    (1, 0, None)
    """
    return RIGHT.get(str(value).strip().lower()) if isinstance(value, str | bool | int) else None


def _certain(value: Any) -> bool:
    found = stated(value)
    return isinstance(found, Stated) and found.value == 100


def _columns(record: Record) -> dict[str, str]:
    """Facts by which answers may be cut into slices."""
    found = {name: record.row.get(name) for name in ("category", "answer_type", "model")}
    return {name: value[:200] for name, value in found.items() if isinstance(value, str) and value.isprintable()}
