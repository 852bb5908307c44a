"""Confidences that a model or a judge stated, as numbers or in text: .85, 85, "85", "85 %"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from calibeval.core.errors import InputError
from calibeval.readers.formats.json_values import Unfit
from calibeval.readers.logs.answer import Answer
from calibeval.readers.logs.answers import Log
from calibeval.readers.logs.options import LogOptions

NUMBER = re.compile(r"\s*(?P<number>[0-9]{1,9}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})\s*(?P<percent>%?)\s*")
NOTHING = ("", "none", "null", "n/a", "na", "nan", "unknown", "-")
NO_CONFIDENCE, UNPARSED = "without a confidence", "with a confidence that is no number"


class Stated(NamedTuple):
    """A stated confidence. percent: whether a sign says so."""

    value: float
    percent: bool


def stated(value: Any) -> Stated | str:
    """The number in what was stated; else what the answer is counted as.

    >>> stated("85 %"), stated(.85), stated(None), stated("high")
    (Stated(value=85.0, percent=True), Stated(value=0.85, percent=False), 'without a confidence', \
'with a confidence that is no number')
    """
    if value is None or isinstance(value, Unfit) or (isinstance(value, str) and value.strip().lower() in NOTHING):
        return NO_CONFIDENCE
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return UNPARSED
    if not isinstance(value, str):
        return Stated(float(value), percent=False) if abs(value) < 1e9 else UNPARSED
    found = NUMBER.fullmatch(value[:100])
    return UNPARSED if found is None else Stated(float(found["number"]), bool(found["percent"]))


def with_confidence(log: Log, rows: Sequence[tuple[Answer, Any]], options: LogOptions, file: str) -> None:
    """Add answers with what was stated of each to the log: see `stated`.

    A sign says percent for its own value. The others are percent where one is above 1; where the largest is 1, or some
    lie between 0 and 1 and others above, the unit is asked for.
    Raises: InputError for an unknown unit, values out of range, and missing confidences unless the options say what to
    do with them.
    """
    parsed = [(answer, stated(value)) for answer, value in rows]
    numbers = [one for _, one in parsed if isinstance(one, Stated)]
    percent = _in_percent(numbers, options, file)
    missing = [answer for answer, one in parsed if isinstance(one, str)]
    if missing and options.missing == "error":
        raise InputError(
            f"{missing[0].place}: {len(missing):,} of {len(parsed):,} answers state no confidence that is a number; "
            "say --missing-confidence drop to leave them out, or --missing-confidence 100 to take them as certain"
        )
    log.how.append(f"stated confidence in {_units(numbers, percent=percent)}")
    for answer, one in parsed:
        if isinstance(one, Stated):
            in_percent = percent or one.percent
            value = one.value / 100 if in_percent else one.value
            if not 0 <= value <= 1:
                raise InputError(
                    f"{answer.place}: the confidence is {one.value:g}, but it must lie between 0 and "
                    f"{100 if in_percent else 1}"
                )
            log.answers.append(answer._replace(confidence=value))
            continue
        taken = options.missing == "100"
        what = f"{one}, taken as 100 %" if taken else one
        log.count(what, measured=taken)
        if taken:
            log.answers.append(answer._replace(confidence=1.0))


def _units(numbers: Sequence[Stated], *, percent: bool) -> str:
    signed = sum(one.percent for one in numbers)
    if percent or signed == len(numbers) > 0:
        return "percent"
    return f"fractions, and {signed:,} in percent by their sign" if signed else "fractions"


def _in_percent(numbers: Sequence[Stated], options: LogOptions, file: str) -> bool:
    """Whether numbers without a sign are percent."""
    if options.unit is not None:
        return options.unit == "percent"
    plain = [one.value for one in numbers if not one.percent]
    most = max(plain, default=0.0)
    if most > 1:
        small = [value for value in plain if 0 < value < 1]
        if small:
            raise InputError(
                f"{file}: of the stated confidences without a sign, {len(small):,} lie between 0 and 1, such as "
                f"{small[0]:g}, and others above 1, such as {most:g}, so that their unit is not clear; say "
                "--confidence-unit percent if all of them are percent, or repair the log"
            )
        return True
    if most == 1:
        raise InputError(
            f"{file}: no stated confidence is above 1, and some are 1, which may be 100 % or 1 %; say "
            "--confidence-unit fraction or --confidence-unit percent"
        )
    return False
