"""What cells say, once for all of them."""

from __future__ import annotations

from collections.abc import Iterable

from calibeval.core.data.notices import Notice


def told_once(every: Iterable[Iterable[Notice]], count: int) -> tuple[Notice, ...]:
    """The notices of cells, once for each kind, with how many cells say it. count: of all cells.

    >>> told_once([[Notice("row 1 of a is odd", "odd")], [], [Notice("row 7 of c is odd", "odd")]], 3)[0]
    '2 of 3 cells: row 1 of a is odd'
    """
    by_code: dict[str, list[Notice]] = {}
    for own in every:
        for code, notice in {str(one.code or one): one for one in own}.items():
            by_code.setdefault(code, []).append(notice)
    return tuple(
        some[0] if count == 1 else some[0].reworded(f"{len(some)} of {count} cells: {some[0]}")
        for some in by_code.values()
    )
