"""Several files of saved sums, which are one dump together."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from calibeval.core.data.source import Source
from calibeval.core.errors import FileProblem, UsageError
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.readers.formats.sums import read_sums


def files_of(dumps: Sequence[str]) -> list[str]:
    """The files of these words, of which patterns stand for several. Raises: FileProblem if there is none."""
    found = []
    for word in dumps:
        plain = Path(word).exists() or not glob.has_magic(word)
        files = [word] if plain else sorted(glob.glob(word))  # noqa: PTH207 - it may be absolute
        if not files:
            raise FileProblem(f"{word}: there is no such file")
        found += files
    return found


def read_all(dumps: Sequence[str]) -> Accumulation:
    """The rows of all files. Raises: UsageError for files that cannot be added up; InputError, FileProblem."""
    whole: Accumulation | None = None
    files = files_of(dumps)
    for file in files:
        found = read_sums(Path(file))
        if whole is None:
            whole = found
            continue
        try:
            whole.merge(found)
        except UsageError as error:
            raise UsageError(f"{file} and {files[0]}: {error}") from None
    if whole is None:
        raise AssertionError("no files")
    return whole


def source_of(dumps: Sequence[str]) -> Source:
    """Where the rows of these words came from. Raises: FileProblem as `files_of`."""
    files = files_of(dumps)
    return Source(files[0], format="sums") if len(files) == 1 else Source(title=f"{len(files)} files of sums")
