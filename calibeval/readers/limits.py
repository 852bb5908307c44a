"""How much memory a file may ask for."""

from __future__ import annotations

from dataclasses import dataclass

from calibeval.core.errors import InputError

ALWAYS_ALLOWED = 2**30
USUAL_EXPANSION = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """max_bytes: the most bytes a file may expand to; None: 200 times its size, and 1 GiB in any case.

    >>> Limits(max_bytes=10).check("a.npz", 11)
    Traceback (most recent call last):
    calibeval.core.errors.InputError: a.npz: expands to 11 bytes, over the limit of 10. If it is to be trusted, raise \
--max-bytes.
    """

    max_bytes: int | None = None

    def check(self, name: str, expanded: int, size: int | None = None) -> None:
        """Refuse a file that says it expands to more than the limit; size is what it has on disk.

        Raises: InputError.
        """
        usual = max(ALWAYS_ALLOWED, USUAL_EXPANSION * (expanded if size is None else size))
        limit = usual if self.max_bytes is None else self.max_bytes
        if expanded > limit:
            raise InputError(
                f"{name}: expands to {expanded} bytes, over the limit of {limit}. "
                "If it is to be trusted, raise --max-bytes."
            )
