"""From patterns with axes, or a table of paths, to the dumps of a survey."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from calibeval.core.errors import FileProblem, InputError, UsageError, cut
from calibeval.core.survey.pattern import (
    Field,
    Part,
    axis_names,
    chosen,
    filled,
    least_wild,
    parts_of,
    readings,
    with_wildcards,
)
from calibeval.readers.cases.recognised import holds_cases
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.open import open_input
from calibeval.readers.stored.names import index_splits, prefixes
from calibeval.readers.stored.place import BEGINS, Url, place_of
from calibeval.readers.stored.shard_names import HIDDEN_NAMES
from calibeval.runs.surveying.planned import Block, Found

MOST_CELLS = 100_000
WILD = re.compile(r"[*?\[\]]")
Reading = list[dict[str, str]]


def found_by(patterns: Sequence[str], options: ReadOptions) -> tuple[list[Found], list[str]]:
    """The dumps that patterns match, and the names beside them that they do not match.

    Raises: UsageError for patterns that cannot work; InputError for names that can be read in several ways; FileProblem
    if nothing matches.
    """
    every: list[Found] = []
    beside: list[str] = []
    axes = [axis_names(pattern) for pattern in patterns]
    for pattern, own in zip(patterns, axes, strict=True):
        if set(own) != set(axes[0]):
            raise UsageError(
                f'the pattern "{cut(patterns[0])}" has the axes {", ".join(axes[0]) or "none"}, but "{cut(pattern)}" '
                f"has {', '.join(own) or 'none'}: all patterns need the same ones"
            )
        found, others = _of_pattern(pattern, options)
        every += [Found({name: one.texts[name] for name in axes[0]}, one.dump) for one in found]
        beside += others
    taken = {one.dump for one in every} | {one.dump.rpartition("#")[0] for one in every}
    return every, [name for name in dict.fromkeys(beside) if name not in taken]


def in_blocks(every: Sequence[Found], axis: str, count: int) -> list[Found]:
    """The blocks of each dump as cells: the value of the axis is the number of the block, from 1.

    Raises: UsageError if the pattern has this axis already.
    """
    if every and axis in every[0].texts:
        raise UsageError(f"--blocks {axis}={count}: the pattern has the axis {axis} already")
    blocks = [(str(i + 1), Block(i, count)) for i in range(count)]
    return [replace(one, texts={**one.texts, axis: value}, block=block) for one in every for value, block in blocks]


def with_labels(every: Sequence[Found], labels: str) -> list[Found]:
    """The dumps with their files of labels. labels: a path, perhaps with axes in braces.

    Raises: as `filled`; UsageError for folders of cases.
    """
    is_folder = Path(labels).is_dir()
    for one in every:
        if is_folder and Path(one.dump).is_dir() and holds_cases(Path(one.dump), Path(labels)):
            raise UsageError(
                f"{one.dump} is a folder of cases, but a survey measures dumps of rows: measure each folder with "
                f"`calibeval report {one.dump} --labels {labels}`"
            )
    return [replace(one, labels=filled(labels, one.texts)) for one in every]


def _of_pattern(pattern: str, options: ReadOptions) -> tuple[list[Found], list[str]]:
    path, inside = _split(pattern)
    names, every, beside = [], list[Reading](), list[str]()
    if BEGINS.match(path) and "{" in path:
        raise UsageError(f'"{cut(pattern)}": the names of remote files are not listed; name them in --index FILE')
    for file, own in _files(path, beside.append):
        if inside is None:
            names.append(file)
            every.append(own)
            continue
        matched = False
        listed = _inside(file, options)
        for name in listed:
            both = [known for reading in own for known in _both(reading, readings(parts_of(inside), name))]
            if both:
                names.append(f"{file}#{name}")
                every.append(both)
                matched = True
            else:
                beside.append(f"{file}#{name}")
        if not matched:
            known = ", ".join(listed[:8]) + (", ..." if len(listed) > 8 else "")
            raise InputError(f"{file}: no array or split matches #{inside}; found {known or 'none'}")
        if len(names) > MOST_CELLS:
            raise UsageError(f'"{cut(pattern)}": matches more than {MOST_CELLS:,} dumps')
    if not names:
        raise FileProblem(_nothing(pattern, beside))
    return [Found(texts, name) for texts, name in zip(chosen(pattern, names, every), names, strict=True)], beside


def _nothing(pattern: str, beside: Sequence[str]) -> str:
    told = f"; there are {len(beside):,} other names, such as {cut(beside[0])}" if beside else ""
    return f'pattern "{cut(pattern)}": no file matches{told}'


def _split(pattern: str) -> tuple[str, str | None]:
    """The path and what stands behind #, as for the name of a dump."""
    if "#" not in pattern or Path(pattern).exists():
        return pattern, None
    path, _, inside = pattern.rpartition("#")
    return path, inside


def _both(known: dict[str, str], others: Reading) -> Reading:
    """The readings of what stands behind # that agree with one of the path."""
    return [
        {**known, **other} for other in others if all(known.get(name, text) == text for name, text in other.items())
    ]


def _inside(file: str, options: ReadOptions) -> list[str]:
    """What can be named behind #: splits, and arrays of scores that belong to none.

    Raises: as `open_input`.
    """
    opened = open_input(
        place_of(file), options.limits, read_as=options.read_as, decimal=options.decimal, alone=options.alone
    )
    arrays = opened.contents.arrays
    splits = prefixes(arrays)
    of_splits = tuple(f"{name}_" for name in splits)
    scores = [
        name for name, one in arrays.items() if len(one.shape) >= 2 and not (of_splits and name.startswith(of_splits))
    ]
    return [*dict.fromkeys((*splits, *index_splits(arrays), *scores))]


def _files(path: str, others: Callable[[str], None]) -> Iterator[tuple[str, Reading]]:
    """The files and folders that the path of a pattern matches, in the order of their names, with its readings.

    others: is told the names beside them.
    """
    if isinstance(place_of(path), Url) or ("{" not in path and "}" not in path):
        parts_of(path)
        yield path, [{}]
        return
    parts = re.split(r"/(?![^{]*\})", path)
    if WILD.search("/".join(parts[:-1])) or ("{" in parts[-1] and WILD.search(parts[-1].replace("*", ""))):
        raise UsageError(
            f'pattern "{cut(path)}": wildcards stand in the last name alone, where they mean the shards of one dump, '
            "or beside axes, where * is any text, such as a date; write what else varies as an axis in braces"
        )
    yield from _below("", parts, [{}], others)


def _below(
    folder: str, parts: Sequence[str], known: Reading, others: Callable[[str], None]
) -> Iterator[tuple[str, Reading]]:
    """What matches the rest of a path below a folder. known: the readings of the path so far."""
    name, rest = parts[0], parts[1:]
    if "{" not in name:
        parts_of(name)
        path = f"{folder}{name}"
        if rest:
            yield from _below(f"{path}/", rest, known, others)
        elif any(Path(folder or ".").glob(name)) if WILD.search(name) else os.path.lexists(path):
            yield path, known
        return
    fields = with_wildcards(name)
    for entry in _entries(folder):
        path = f"{folder}{entry}"
        both = least_wild([one for own in known for one in _both(own, readings(_bound(fields, own), entry))])
        is_folder = Path(path).is_dir()
        if not both or (rest and not is_folder):
            if is_folder == bool(rest):
                others(path)
        elif rest:
            yield from _below(f"{path}/", rest, both, others)
        else:
            yield path, both


def _bound(fields: Sequence[Part], known: dict[str, str]) -> list[Part]:
    """Parts in which axes that folders have told are texts."""
    return [known.get(one.name, one) if isinstance(one, Field) else one for one in fields]


def _entries(folder: str) -> list[str]:
    try:
        names = os.listdir(folder or ".")  # noqa: PTH208 - names are needed, and no paths
    except NotADirectoryError:
        return []
    except FileNotFoundError:
        raise FileProblem(f"{folder}: there is no such folder") from None
    except OSError as error:
        raise FileProblem(f"{folder}: {error.strerror or error}") from None
    return sorted(name for name in names if not name.startswith(HIDDEN_NAMES))
