"""Which log a file is, by the keys in it and not by its suffix, and its contents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from calibeval.readers.formats.text import TextSource
from calibeval.readers.logs.answers import Log
from calibeval.readers.logs.lm_eval import KEY, read_samples
from calibeval.readers.logs.options import LogOptions
from calibeval.readers.logs.records import first_record, head_of
from calibeval.readers.stored.limits import Limits

LM_EVAL: Final = ".lm-eval"
READERS: dict[str, Callable[[Sequence[TextSource], LogOptions, Limits], Log]] = {LM_EVAL: read_samples}
MARKS = {f'"{KEY}"'.encode(): LM_EVAL}


def log_format(source: TextSource, limits: Limits) -> str | None:
    """The format of a log; None for any other file.

    Only a file that begins as JSON and has one of the marks in its first MiB is looked at more closely.
    """
    head = head_of(source, limits)
    if head[:1] not in (b"{", b"[") or not any(mark in head for mark in MARKS):
        return None
    first = first_record(source, limits)
    return None if first is None or KEY not in first.row else LM_EVAL
