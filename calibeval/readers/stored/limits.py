"""How many bytes a file may expand to, and from which size on it is read block by block."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from calibeval.core.data.far_rows import Engine
from calibeval.core.errors import InputError

ALWAYS_ALLOWED = 2**30
USUAL_EXPANSION = 200


def quarter_of_memory() -> int:
    """A quarter of this machine's memory, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that the user sets, and who reads.

    max_bytes: the most bytes a compressed file may expand to; None: 200 times its size, and 1 GiB in any case.
    max_memory: arrays of more bytes are not held in memory, but read block by block.
    checksums: whether a .pt file's checksums are verified.
    engine: whose workers read the files; None: this process does.

    >>> Limits(max_bytes=10).check_expansion("a.npz", 11, size=5)
    Traceback (most recent call last):
    calibeval.core.errors.InputError: a.npz: expands to 11 bytes, over the limit of 10. If you trust the file, raise \
--max-bytes.
    """

    max_bytes: int | None = None
    max_memory: int = field(default_factory=quarter_of_memory)
    checksums: bool = True
    engine: Engine | None = None

    @property
    def in_files(self) -> bool:
        """Whether scores stay in their files, since workers read them there."""
        return self.engine is not None

    def check_expansion(self, name: str, expanded: int, *, size: int, doubt: str = "") -> None:
        """Refuse a file that expands to more bytes than the limit.

        expanded: bytes that it says, or has shown, to expand to. size: its bytes on disk. doubt: added to the message.
        Raises: InputError.
        """
        usual = max(ALWAYS_ALLOWED, USUAL_EXPANSION * size)
        limit = usual if self.max_bytes is None else self.max_bytes
        if expanded > limit:
            raise InputError(
                f"{name}: expands to {expanded} bytes{doubt}, over the limit of {limit}. "
                "If you trust the file, raise --max-bytes."
            )
