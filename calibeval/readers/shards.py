"""One dump in several files, named by a folder, a pattern or one file such as `a-00001-of-00004.npz`."""

from __future__ import annotations

import glob
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from calibeval.core.data.row_source import RowSource
from calibeval.core.errors import FileProblem, InputError
from calibeval.core.sums.threads import in_order
from calibeval.readers.stored.joined import JoinedRows
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.names import ID_KEYS, IGNORE_KEYS, NAME_KEYS, index_splits
from calibeval.readers.stored.of_images import FOLDERS, is_image
from calibeval.readers.stored.place import Place, Url
from calibeval.readers.stored.shard_names import HIDDEN_NAMES, NUMBERED, PATTERN
from calibeval.readers.stored.stored import Contents, Stored

LISTED = 6


def shard_paths(path: Place, suffix: Callable[[Place], str], *, alone: bool = False) -> Sequence[Place] | None:
    """The files that a folder, a pattern or a numbered name stands for, in natural order; None for any other name.

    suffix: returns the suffix of a file's format, or an empty string if it is unknown.
    alone: whether a numbered name is that of one file.
    Raises: FileProblem if there are none; InputError unless they are all the shards of one dump.
    """
    found: Sequence[Place] | None
    if alone and NUMBERED.match(path.name) and not PATTERN.search(path.name):
        return None
    if isinstance(path, Url):
        from calibeval.readers.remote.listing import remote_shards

        found = remote_shards(path, folder=not suffix(path))
        if found is None:
            return None
    elif path.is_dir():
        found = [one for one in path.iterdir() if not one.name.startswith(HIDDEN_NAMES)]
        if not found:
            raise FileProblem(f"{path}: the folder holds no files")
    elif PATTERN.search(str(path)) and not path.exists():
        found = matching(path)
        if not found:
            raise FileProblem(f"{path}: no file matches this pattern")
    elif (match := NUMBERED.match(path.name)) and (path.parent.is_dir()):
        found = [one for one in path.parent.iterdir() if _belongs(one.name, match)]
        if not found:
            raise FileProblem(f"{path}: there is no such file")
    else:
        return None
    found = sorted(found, key=lambda one: natural(str(one)))
    _check_suffixes(found, suffix, path)
    _check_numbers(found, path)
    return found


def matching(pattern: Path) -> list[Path]:
    """The files that match a pattern; folders that exist under their name are no part of it, as g[1] in g[1]/*.npz."""
    there = next((folder for folder in pattern.parents if folder.is_dir()), Path())
    rest = pattern.relative_to(there) if there != Path() else pattern
    for one in dict.fromkeys((str(Path(glob.escape(str(there)), rest)), str(pattern))):
        found = [Path(match) for match in glob.glob(one)]  # noqa: PTH207 - Path.glob takes no absolute pattern
        if found:
            return found
    return []


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that puts a2 before a10.

    >>> sorted(["a10", "a2", "a1"], key=natural)
    ['a1', 'a2', 'a10']
    """
    parts = re.split(r"([0-9]+)", name)
    return tuple((1, int(part[:4000]), part) if i % 2 else (0, 0, part) for i, part in enumerate(parts))


def _belongs(name: str, match: re.Match[str]) -> bool:
    other = NUMBERED.match(name)
    return other is not None and all(other[part] == match[part] for part in ("stem", "rest"))


def _check_suffixes(found: Sequence[Place], suffix: Callable[[Place], str], path: Place) -> None:
    folder = next((one for one in found if isinstance(one, Path) and one.is_dir()), None)
    if folder is not None:
        raise InputError(f"{path}: holds the folder {folder.name}, but shards are files: name them with a pattern")
    strange = [one.name for one in found if not suffix(one)]
    if any(map(is_image, strange)):
        raise InputError(f"{path}: holds images, one for each case: {FOLDERS}")
    if strange:
        raise InputError(
            f"{path}: {_listed(strange)}: not a shard of a dump. Name the shards with a pattern, such as *.npz."
        )
    kinds = sorted({suffix(one) for one in found})
    if len(kinds) > 1:
        raise InputError(
            f"{path}: the files have {len(kinds)} formats ({', '.join(kinds)}), but all shards of a dump have one. "
            f"Name them with a pattern, such as *{kinds[0]}."
        )


def _check_numbers(found: Sequence[Place], path: Place) -> None:
    """Refuse numbered shards unless each of the N in -of-N is there exactly once."""
    matches = [match for one in found if (match := NUMBERED.match(one.name))]
    if not matches:
        return
    if len(matches) < len(found):
        odd = next(one.name for one in found if not NUMBERED.match(one.name))
        raise InputError(f"{path}: {matches[0][0]} is numbered -of-{matches[0]['count']}, but {odd} is not")
    stems = sorted({f"{match['stem']}*{match['rest']}" for match in matches})
    if len(stems) > 1:
        raise InputError(
            f"{path}: these are shards of {len(stems)} dumps: {_listed(stems)}. Name one of these patterns."
        )
    counts = sorted({int(match["count"]) for match in matches})
    if len(counts) > 1:
        raise InputError(
            f"{path}: some names say -of-{counts[0]}, others -of-{counts[1]}: these are shards of several dumps"
        )
    count, numbers = counts[0], [int(match["number"]) for match in matches]
    number, times = Counter(numbers).most_common(1)[0]
    if times > 1:
        names = [match[0] for match in matches if int(match["number"]) == number]
        raise InputError(f"{path}: there are two files for shard {number} of {count}: {_listed(names)}")
    first = 0 if 0 in numbers else 1
    expected = range(first, first + count)
    strange = next((number for number in numbers if number not in expected), None)
    if strange is not None:
        raise InputError(
            f"{path}: shard {strange} is unexpected: the names say -of-{count}, and the numbers begin at {first}"
        )
    if len(numbers) < count:
        there = set(numbers)
        missing = next(number for number in expected if number not in there)
        raise InputError(f"{path}: {len(numbers)} of {count} shards are there; number {missing} is missing")


def joined(shards: Sequence[Contents], names: Sequence[str], limits: Limits, at_once: int = 1) -> Contents:
    """The arrays of all shards, one after the other. at_once: how many shards are read at the same time.

    Class names and single numbers must be the same in all shards.
    Using an array that a shard lacks, or that differs in type or shape, is an error, which names the first such shard.
    Raises: InputError for class names or single numbers that differ.
    """
    first = shards[0].arrays
    splits = index_splits(first)
    if splits:
        raise InputError(
            f'{names[0]}: "{splits[0]}_index" holds row numbers, which could count in the shard or in the whole dump. '
            "Save splits as val_logits, val_labels, ..."
        )
    keys = dict.fromkeys(key for shard in shards for key in shard.arrays)
    arrays = {key: _joined_array(key, [s.arrays.get(key) for s in shards], names, limits, at_once) for key in keys}
    return Contents(arrays, told=tuple(dict.fromkeys(told for shard in shards for told in shard.told)))


def _joined_array(
    key: str, found: Sequence[Stored | None], names: Sequence[str], limits: Limits, at_once: int
) -> Stored:
    """One array of all shards; using it is an error where they do not agree."""
    parts = [part for part in found if part is not None]
    first, begin = parts[0], names[[part is not None for part in found].index(True)]
    constant = key.lower() in (*NAME_KEYS, *IGNORE_KEYS) or not first.shape
    why, what = None, ""
    if len(parts) < len(found):
        lacking = names[found.index(None)]
        why = (
            f'{lacking}: has no "{key}", but {begin} has: shards must hold the same arrays. If some files are none, '
            "name the shards with a pattern"
        )
        what = f"in {len(parts)} of {len(found)} shards"
    if key.lower() in ID_KEYS and first.printed:
        found = _ids(found)
        parts = [part for part in found if part is not None]
        first = parts[0]
    if not key and len({part.shape[1:] for part in parts}) > 1:
        raise InputError(
            f"{names[0]} and others hold arrays of different shapes without names, such as scores and labels, so they "
            "are no shards of one dump. Name the scores, and the labels with --labels FILE."
        )
    for part, name in zip(found, names, strict=True):
        if part is None or why is not None:
            continue
        same = part.shape == first.shape if constant else _fits(part, first)
        if not same or (constant and not np.array_equal(part.array(), first.array())):
            why = f'{name}: "{key}" is {part.describe()}, but in {begin} it is {first.describe()}'
            what = "of differing types or shapes"
            if same:
                mine, theirs = (str(one.array().tolist())[:40] for one in (part, first))
                why = f'{name}: "{key}" is {mine}, but in {begin} it is {theirs}'
    if why is not None and constant:
        raise InputError(why if len(parts) < len(found) else f"{why}; it must be the same in all shards")
    rows = sum(part.shape[0] for part in parts if part.shape)
    if why is not None:
        return Stored.left((rows, *first.shape[1:]), what, why)
    refused = next((part for part in parts if part.refusal is not None), None)
    if refused is not None:
        return replace(refused, shape=(rows, *refused.shape[1:]))
    if constant:
        return first
    shape = (rows, *first.shape[1:])
    dtype = np.result_type(*(part.dtype for part in parts))
    counts = tuple((name, part.shape[0]) for name, part in zip(names, parts, strict=True))
    return replace(first, shape=shape, dtype=dtype, load=lambda: _loaded(parts, limits, at_once), parts=counts)


def _ids(found: Sequence[Stored | None]) -> list[Stored | None]:
    """Ids from text as text, if those of some shards are: 007 in one is 100 in another, where it could be a number."""
    kinds = {part.dtype.kind for part in found if part is not None}
    if not kinds & set("UO") or not kinds & set("iu"):
        return [*found]
    return [
        part if part is None or part.dtype.kind not in "iu" else Stored.of(part.array().astype(str)) for part in found
    ]


def _fits(part: Stored, first: Stored) -> bool:
    """Whether the rows of both can be one array: scores need the same type, other columns the same kind of values."""
    if part.shape[1:] != first.shape[1:] or not part.shape:
        return False
    if len(part.shape) > 1 or part.dtype == first.dtype:
        return part.dtype == first.dtype
    families = {"i": "number", "u": "number", "f": "number", "U": "text", "O": "text"}
    return families.get(part.dtype.kind) is not None and families[part.dtype.kind] == families.get(first.dtype.kind)


def _loaded(parts: Sequence[Stored], limits: Limits, at_once: int) -> RowSource:
    """All rows in memory, or, if they are too many, read from the shards when they are needed."""
    nbytes = sum(int(np.prod(part.shape, dtype=np.float64)) * part.dtype.itemsize for part in parts)
    held = nbytes <= limits.max_memory
    if len(parts[0].shape) < 2 or (held and not limits.in_files):
        return np.concatenate(list(in_order(Stored.array, parts, at_once)))
    return JoinedRows([part.load() for part in parts], held=held)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
