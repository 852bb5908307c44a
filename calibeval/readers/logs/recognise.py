"""Which log a file is, by the keys in it and not by its suffix, and its contents."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from calibeval.readers.formats.text import TextSource
from calibeval.readers.logs import decisions, inspect_log, judged, lm_eval
from calibeval.readers.logs.answers import Log
from calibeval.readers.logs.options import LogOptions
from calibeval.readers.logs.records import first_records, head_of
from calibeval.readers.stored.limits import Limits

LM_EVAL, JUDGED, DECISIONS, EVAL = ".lm-eval", ".judged", ".decisions", ".eval"
READERS: dict[str, Callable[[Sequence[TextSource], LogOptions, Limits], Log]] = {
    LM_EVAL: lm_eval.read_samples,
    JUDGED: judged.read_judged,
    DECISIONS: decisions.read_decisions,
}
OF_STATED = ("--missing-confidence", "--confidence-unit")
READ = {  # who wrote a log, and the options that have an effect on it
    LM_EVAL: (lm_eval.WHAT, ("--key filter", "--normalize")),
    JUDGED: (judged.WHAT, OF_STATED),
    DECISIONS: (decisions.WHAT, ("--gold", "--confidence-means")),
    EVAL: (inspect_log.WHAT, ("--key scorer", "--key confidence", *OF_STATED)),
}
MARKS = tuple(f'"{key}"'.encode() for key in (lm_eval.KEY, judged.KEY, decisions.KEY))


def log_format(source: TextSource, limits: Limits) -> str | None:
    """The format of a log; None for any other file.

    Only a file that begins as JSON and has one of the marks in its first MiB is looked at more closely.
    """
    head = head_of(source, limits)
    if head[:1] not in (b"{", b"[") or not any(mark in head for mark in MARKS):
        return None
    for record in first_records(source, limits):
        if lm_eval.KEY in record.row:
            return LM_EVAL
        if judged.KEY in record.row:
            return JUDGED
        if decisions.answers_of(record.row) is not None:
            return DECISIONS
    return None
