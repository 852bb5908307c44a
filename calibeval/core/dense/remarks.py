"""What is noted while cases are added up: remarks on some of them, and whether their distances have one unit."""

from __future__ import annotations

from calibeval.core.dense.case import Case
from calibeval.core.errors import InputError

LISTED = 3


class Remarks:
    """Remarks on cases, in their order, and the unit of their distances.

    spaced: whether distances are in the unit of the files' spacing; None before the first case.
    """

    def __init__(self) -> None:
        self.spaced: bool | None = None
        self._first, self._count = "", 0
        self._told: dict[str, list[str]] = {}

    def add(self, case: Case) -> None:
        """The next case. Raises: InputError if its distances have another unit than those of the first one."""
        spaced = case.spacing is not None
        if self.spaced is None:
            self.spaced, self._first = spaced, case.name
        elif self.spaced != spaced:
            raise InputError(
                f"{case.name}: its files have {'a' if spaced else 'no'} spacing, and those of {self._first} have "
                f"{'none' if spaced else 'one'}, so that distances have no common unit: give the size of a voxel, "
                "--spacing Z,Y,X, or --spacing 1,1,1 for distances in voxels"
            )
        self._count += 1
        for text in case.told:
            self._told.setdefault(text, []).append(case.name)

    def texts(self) -> list[str]:
        """Every remark once, with the cases that it is about if these are not all.

        >>> import numpy as np
        >>> remarks = Remarks()
        >>> for name, told in (("a", ("masks",)), ("b", ("masks", "odd"))):
        ...     remarks.add(Case(name, np.zeros((2, 1, 1)), np.zeros((1, 1), int), None, told))
        >>> remarks.texts()
        ['masks', 'odd (1 of 2 cases: b)']
        """
        return [self._of_some(text, names) for text, names in self._told.items()]

    def _of_some(self, text: str, names: list[str]) -> str:
        if len(names) == self._count:
            return text
        some = ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")
        return f"{text} ({len(names):,} of {self._count:,} cases: {some})"
