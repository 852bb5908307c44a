"""Which names are those of files of saved sums."""

from __future__ import annotations

from collections.abc import Sequence

from calibeval.core.errors import UsageError
from calibeval.readers.stored.place import as_shown, place_of

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
