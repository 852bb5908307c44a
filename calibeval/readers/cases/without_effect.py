"""Options of reading that say nothing about folders of cases, and are refused there."""

from __future__ import annotations

from collections.abc import Iterator

from calibeval.core.errors import UsageError
from calibeval.readers.logs.options import LogOptions
from calibeval.readers.meaning.read_options import ReadOptions

READ = ("logits", "probs", "log_probs", "labels")  # roles of arrays in files of cases
OF_LOGS = ("filter", "scorer")  # roles without an array


def refuse_unused(options: ReadOptions, what: str) -> None:
    """Refuse options that would have no effect. what: the folder, for the message. Raises: UsageError.

    >>> from calibeval.readers.meaning.keys import Keys
    >>> refuse_unused(ReadOptions(keys=Keys(ids="scan")), "p")
    Traceback (most recent call last):
    ...
    calibeval.core.errors.UsageError: p: --key ids=scan has no effect on a folder of cases; leave it out
    """
    for name in _unused(options):
        raise UsageError(f"{what}: {name} has no effect on a folder of cases; leave it out")


def _unused(options: ReadOptions) -> Iterator[str]:
    """The options that were given, as they are written."""
    given = {
        "--labels-are names": options.labels_are == "names",
        "--score-columns": bool(options.score_columns),
        "--drop-duplicates": options.drop_duplicates,
        "--decimal": options.decimal is not None,
        "--read-as": options.read_as is not None,
        "--engine": options.limits.engine is not None,
        "--no-crc": not options.limits.checksums,
    }
    yield from (name for name, there in given.items() if there)
    for role in options.keys.__dataclass_fields__:
        named = getattr(options.keys, role)
        if role != "in_full" and role not in (*READ, *OF_LOGS) and named is not None:
            yield f"--key {role}={named}"
    if options.logs != LogOptions():
        yield "an option for logs of language models"
