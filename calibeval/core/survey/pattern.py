"""Patterns with axes in braces, such as `preds/{model}/{corruption}_{severity}.npz`, and what they read from names."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from calibeval.core.errors import InputError, UsageError, cut, nearest
from calibeval.core.survey.axes import is_number

NAME = r"[^\W\d][\w-]*"
FIELD = rf"\{{({NAME})(?::([^{{}}]+))?\}}"
WORD = r"[^_/#]+"  # what {axis:word} takes
INT, ONE_WORD = "int", "word"
MOST_AXES = 8
MOST_READINGS = 64
HOW = "write an axis as {severity}, with letters, digits, _ and - in its name"


@dataclass(frozen=True, slots=True)
class Field:
    """An axis in braces. kind: "int", "word", or None. values: those that it may have, if they are listed."""

    name: str
    kind: str | None = None
    values: tuple[str, ...] = ()

    def takes(self, text: str) -> bool:
        """Whether the text can be a value of it."""
        if self.values:
            return text in self.values
        if self.kind is None:
            return True
        return re.fullmatch(r"[+-]?\d+" if self.kind == INT else WORD, text) is not None


Part = str | Field


def parts_of(pattern: str) -> tuple[Part, ...]:
    """The texts and axes of a pattern, one after the other.

    >>> [one if isinstance(one, str) else one.name for one in parts_of("{corruption}_{severity:int}.npz")]
    ['corruption', '_', 'severity', '.npz']

    Raises: UsageError for braces that are not balanced or hold no name, and for two axes with nothing between them.
    """
    parts: list[Part] = []
    end = 0
    for match in re.finditer(FIELD, pattern):
        _check_plain(pattern, pattern[end : match.start()])
        if match.start() > end:
            parts.append(pattern[end : match.start()])
        parts.append(_field(match[1], match[2], pattern))
        end = match.end()
    _check_plain(pattern, pattern[end:])
    parts += [pattern[end:]] if end < len(pattern) else []
    for one, other in itertools.pairwise(parts):
        if isinstance(one, Field) and isinstance(other, Field):
            raise UsageError(
                f'pattern "{cut(pattern)}": nothing stands between {{{one.name}}} and {{{other.name}}}, so no name '
                "says where one ends and the other begins"
            )
    if len({one.name for one in parts if isinstance(one, Field)}) > MOST_AXES:
        raise UsageError(f'pattern "{cut(pattern)}": more than {MOST_AXES} axes')
    return tuple(parts)


def with_wildcards(name: str) -> tuple[Part, ...]:
    """The parts of a name in which each * is a field of its own, called *0, *1, ...

    Raises: as `parts_of`; UsageError for an axis beside a *.
    """
    found: list[Part] = []
    for part in parts_of(name):
        texts = [part] if isinstance(part, Field) else re.split(r"(\*+)", part)
        found += [
            Field(f"*{len(found) + i}") if str(one).startswith("*") else one for i, one in enumerate(texts) if one
        ]
    if any(isinstance(one, Field) and isinstance(other, Field) for one, other in itertools.pairwise(found)):
        raise UsageError(f'pattern "{cut(name)}": something must stand between an axis and *, such as _')
    return tuple(found)


def least_wild(every: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The readings in which the texts of wildcards are shortest, without these texts.

    >>> least_wild(readings(with_wildcards("samples_{task}_*.jsonl"), "samples_arc_easy_2026-08-21.jsonl"))
    [{'task': 'arc_easy'}]
    """
    lengths = [sum(len(text) for name, text in one.items() if name.startswith("*")) for one in every]
    kept = [one for one, length in zip(every, lengths, strict=True) if length == min(lengths)]
    found: list[dict[str, str]] = []
    for one in kept:
        plain = {name: text for name, text in one.items() if not name.startswith("*")}
        found += [] if plain in found else [plain]
    return found


def axis_names(pattern: str) -> tuple[str, ...]:
    """The axes of a pattern, in its order, each once. Raises: as `parts_of`."""
    return tuple(dict.fromkeys(one.name for one in parts_of(pattern) if isinstance(one, Field)))


def filled(pattern: str, texts: Mapping[str, str]) -> str:
    """The pattern with these texts in place of its axes.

    >>> filled("val/{model}.npz", {"model": "r20", "severity": "1"})
    'val/r20.npz'

    Raises: as `parts_of`; UsageError for an axis that is not there.
    """
    found = []
    for one in parts_of(pattern):
        if isinstance(one, Field) and one.name not in texts:
            raise UsageError(
                f'"{cut(pattern)}": there is no axis "{one.name}"{nearest(one.name, texts)}; axes are '
                f"{', '.join(texts)}"
            )
        found.append(one if isinstance(one, str) else texts[one.name])
    return "".join(found)


def readings(parts: Sequence[Part], text: str) -> list[dict[str, str]]:
    """Every way in which a name can be read by a pattern: the text of each axis, which is not empty.

    >>> readings(parts_of("{corruption}_{severity}"), "gaussian_noise_1")
    [{'corruption': 'gaussian', 'severity': 'noise_1'}, {'corruption': 'gaussian_noise', 'severity': '1'}]
    >>> readings(parts_of("{corruption}_{severity:int}"), "gaussian_noise_1")
    [{'corruption': 'gaussian_noise', 'severity': '1'}]
    """
    found: list[dict[str, str]] = []
    for one in _read(parts, text, {}):
        if one not in found:
            found.append(one)
        if len(found) == MOST_READINGS:
            break
    return found


def _read(parts: Sequence[Part], text: str, known: dict[str, str]) -> Iterator[dict[str, str]]:
    if not parts:
        if not text:
            yield known
        return
    first, rest = parts[0], parts[1:]
    if isinstance(first, str):
        if text.startswith(first):
            yield from _read(rest, text[len(first) :], known)
        return
    ends = _ends(rest, text)
    for end in ends:
        own = text[:end]
        if known.get(first.name, own) == own and first.takes(own):
            yield from _read(rest, text[end:], {**known, first.name: own})


def _ends(rest: Sequence[Part], text: str) -> list[int]:
    """Where the axis before these parts may end."""
    if not rest:
        return [len(text)] if text else []
    after = str(rest[0])  # never another axis
    if len(rest) == 1:
        return [len(text) - len(after)] if text.endswith(after) and len(text) > len(after) else []
    return [match.start() for match in re.finditer(f"(?={re.escape(after)})", text) if match.start()]


def chosen(pattern: str, names: Sequence[str], every: Sequence[list[dict[str, str]]]) -> list[dict[str, str]]:
    """The one reading of each name. every: the readings of each, at least one.

    Where names can be read in several ways, those readings are taken in which the most axes are numbers, if these axes
    are the same for every name and no others are as many: gaussian_noise_1 is gaussian_noise and 1.
    Raises: InputError for a name that can still be read in several ways.
    """
    left = [list(one) for one in every]
    if any(len(one) > 1 for one in left):
        common = set.intersection(*({_numeric(reading) for reading in one} for one in left))
        largest = [some for some in common if len(some) == max(map(len, common))]
        if len(largest) == 1 and largest[0]:
            left = [[reading for reading in one if _numeric(reading) == largest[0]] for one in left]
    for name, one in zip(names, left, strict=True):
        if len(one) > 1:
            first, second = (", ".join(f"{axis}={text}" for axis, text in reading.items()) for reading in one[:2])
            axis = next(axis for axis, text in one[0].items() if text != one[1][axis])
            raise InputError(
                f'pattern "{cut(pattern)}": {cut(name)} can be read as {first} or as {second}. Say what {axis} may be: '
                f"{{{axis}:word}} has no underscore, {{{axis}:int}} is a whole number, {{{axis}:A|B}} is A or B"
            )
    return [one[0] for one in left]


def _numeric(reading: Mapping[str, str]) -> frozenset[str]:
    """The axes whose texts are numbers."""
    return frozenset(axis for axis, text in reading.items() if is_number(text))


def _field(name: str, told: str | None, pattern: str) -> Field:
    if told is None or told in (INT, ONE_WORD):
        return Field(name, told)
    values = tuple(one.strip() for one in told.split("|"))
    if len(values) < 2 or not all(values):
        raise UsageError(
            f'pattern "{cut(pattern)}": {{{name}:{cut(told)}}} is not known: behind the colon stands int, word, or '
            "values as A|B"
        )
    return Field(name, None, values)


def _check_plain(pattern: str, text: str) -> None:
    """Refuse a brace outside an axis. Raises: UsageError."""
    if "{" in text or "}" in text:
        brace = re.search(r"\{[^{}]*\}", text)
        what = f'"{cut(brace[0])}" is not an axis' if brace else "its braces are not balanced"
        raise UsageError(f'pattern "{cut(pattern)}": {what}; {HOW}')
