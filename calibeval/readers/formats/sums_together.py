"""Several files of saved sums, which are one dump together."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from calibeval.core.data.source import Source
from calibeval.core.errors import FileProblem, UsageError
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.readers.formats.sums import read_sums
from calibeval.readers.remote.listing import remote_shards
from calibeval.readers.stored.place import Place, Url, place_of


def files_of(dumps: Sequence[str]) -> list[Place]:
    """The files of these words, of which patterns stand for several. Raises: FileProblem if there is none."""
    found: list[Place] = []
    for word in dumps:
        place = place_of(word)
        if isinstance(place, Url):
            found += sorted(remote_shards(place, folder=False) or [place], key=str)
            continue
        plain = Path(word).exists() or not glob.has_magic(word)
        files = [word] if plain else sorted(glob.glob(word))  # noqa: PTH207 - it may be absolute
        if not files:
            raise FileProblem(f"{word}: there is no such file")
        found += map(Path, files)
    return found


def read_all(dumps: Sequence[str]) -> Accumulation:
    """The rows of all files. Raises: UsageError for files that cannot be added up; InputError, FileProblem."""
    whole: Accumulation | None = None
    files = files_of(dumps)
    for file in files:
        found = read_sums(file)
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
    if len(files) > 1:
        return Source(title=f"{len(files)} files of sums")
    return Source(files[0].as_posix(), format="sums")
