"""What was read of a log, and what was left out, in lines of their own."""

from __future__ import annotations

from calibeval.core.data.source import LogCount, Source
from calibeval.words.cells import plural


def log_lines(source: Source) -> list[str]:
    """What the log is, with the number of answers, and every count of answers that are not as the others.

    Empty for any other dump.
    """
    log = source.log
    if log is None:
        return []
    left_out = [one for one in log.counts if one.left_out]
    measured = log.answers - sum(one.answers for one in left_out)
    said = [f"{log.recognised} · {measured:,} of {plural(log.answers, 'answer')} measured"]
    if left_out:
        said.append(f"left out: {_counted(left_out)}")
    others = [one for one in log.counts if not one.left_out]
    return [*said, f"measured: {_counted(others)}"] if others else said


def _counted(counts: list[LogCount]) -> str:
    return ", ".join(f"{one.answers:,} {one.what}" for one in counts)
