"""Several files of saved sums, which are one dump together."""

from __future__ import annotations

import glob
import hashlib
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
            raise UsageError(f"{files[0]} and {file}: {error}") from None
    if whole is None:
        raise AssertionError("no files")
    return whole


def source_of(rows: Accumulation) -> Source:
    """The files that the rows came from."""
    files = rows.from_files
    if len(files) == 1:
        return Source(files[0].path, sha256=files[0].sha256, format="sums")
    digest = hashlib.sha256()
    for file in files:
        name = file.path.rpartition("/")[2]
        digest.update(f"{name}\0{file.sha256}\n".encode(errors="surrogateescape"))
    title = f"{len(files)} files of sums"
    return Source(sha256=digest.hexdigest(), format="sums", files=files, title=title)
