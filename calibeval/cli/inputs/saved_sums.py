"""Saved sums on the command line: all files together are one dump, of which no row is known."""

from __future__ import annotations

import glob
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calibeval.core.errors import FileProblem, UsageError
from calibeval.readers.remote.listing import remote_shards
from calibeval.readers.stored.place import Place, Url, as_shown, place_of

if TYPE_CHECKING:
    from calibeval.core.data.source import Source
    from calibeval.core.evaluation.accumulation import Accumulation
    from calibeval.core.report.report import DumpReport
    from calibeval.core.report.settings import Settings

SUFFIX = ".sums"


def are_sums(dumps: Sequence[str]) -> bool:
    """Whether these are files of saved sums. Raises: UsageError if some are, and others are not.

    >>> are_sums(["a.sums", "b.sums"]), are_sums(["a.npz"])
    (True, False)
    """
    found = [word for word in dumps if str(place_of(word)).endswith(SUFFIX)]
    if found and len(found) < len(dumps):
        other = next(word for word in dumps if word not in found)
        raise UsageError(
            f"{as_shown(found[0])} holds sums and {as_shown(other)} does not: all {SUFFIX} files together are one dump"
        )
    return bool(found)


def results_of(
    dumps: Sequence[str],
    level: float | None,
    only: Collection[str] | None,
    bins: int | None,
    given: Mapping[str, object],
) -> tuple[DumpReport, Settings] | None:
    """The results of the rows of all files, and the settings under which they were added up; None for other dumps.

    only: limits the metrics to these; None: those for which the sums were made. bins: that were asked for. given: the
    options that need rows, or that were settled when the sums were made.
    Raises: as `are_sums` and `read_all`; UsageError for such options, and another number of bins.
    """
    if not are_sums(dumps):
        return None
    whole, source = opened(dumps, bins, given)
    return whole.dump(level, whole.chosen if only is None else only, source)


def opened(dumps: Sequence[str], bins: int | None, given: Mapping[str, object]) -> tuple[Accumulation, Source]:
    """The rows of all files, and where they came from. bins, given: as for `results_of`.

    Raises: as `read_all`; UsageError for such options, and another number of bins.
    """
    for option, value in given.items():
        if value:
            raise UsageError(f"{option} cannot be combined with saved sums, which hold no rows and their own settings")
    from calibeval.core.data.source import Source

    whole = read_all(dumps)
    if bins not in (None, whole.settings.bins):
        raise UsageError(f"--bins is {bins}, but these sums have {whole.settings.bins}: bins cannot be changed later")
    files = files_of(dumps)
    if len(files) > 1:
        return whole, Source(title=f"{len(files)} files of sums")
    return whole, Source(files[0].as_posix(), format="sums")


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
    from calibeval.readers.formats.sums import read_sums

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
