"""A remote file: in ranges where its format and its server allow it, else copied."""

from __future__ import annotations

from calibeval.core.errors import FileProblem
from calibeval.readers.remote.copied import copied
from calibeval.readers.remote.file import RangedFile
from calibeval.readers.remote.pages import PAGE
from calibeval.readers.remote.part import NoRanges
from calibeval.readers.remote.store import Facts, Remote
from calibeval.readers.remote.told import Copied, tell
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile

LARGE = 2**26  # bytes; where fewer are copied, nobody needs to hear of it


def fetched(remote: Remote, limits: Limits, *, whole: bool) -> SteadyFile:
    """The file. whole: whether its format needs all bytes, in their order.

    Raises: as `steady_file`.
    """
    place = remote.url
    first = remote.facts()
    if first.html:
        raise FileProblem(
            f"{place}: the server sends a web page (HTML) instead of the file, perhaps an error or a form to log in"
        )
    if whole:
        file = copied(remote, first, limits)
        if file.size >= LARGE:
            what = f"{place.suffix or 'this format'} is read from beginning to end"
            better = "of .npz, .safetensors and .parquet only what is needed is"
            tell(Copied(file.name, file.size, f"{what}; {better}"))
        return file
    if not first.ranges or first.size is None:
        return _without_ranges(remote, first, limits)
    ranged = RangedFile.at(remote, first, first.size)
    if place.web and first.size > PAGE:
        try:
            ranged.pages.page((first.size - 1) // PAGE)  # formats with an index have it at the end
        except NoRanges:
            return _without_ranges(remote, first, limits)
    return ranged


def _without_ranges(remote: Remote, first: Facts, limits: Limits) -> SteadyFile:
    """A copy of a file that its server sends only as a whole."""
    file = copied(remote, first, limits)
    tell(Copied(file.name, file.size, "the server does not send parts of a file"))
    return file
