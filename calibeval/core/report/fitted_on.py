"""How the map behind recalibrated numbers was fitted: on another dump, or once for each fold of the same dump."""

from __future__ import annotations

from dataclasses import dataclass

from calibeval.core.data.predictions import Source


@dataclass(frozen=True, slots=True)
class FittedOn:
    """The dump on which a map was fitted.

    path, split, sha256: as in `Source`. n: number of its rows. leak: a sentence about the rows that it shares with the
    measured dump, if the user allowed shared rows; otherwise None.
    """

    path: str | None
    split: str | None
    sha256: str | None
    n: int
    leak: str | None = None

    @classmethod
    def of(cls, source: Source, n: int, leak: str | None = None) -> FittedOn:
        """The record for a source of n rows.

        >>> FittedOn.of(Source("val.npz", "val"), 100).words()
        'fitted on val.npz#val'
        """
        return cls(source.path, source.split, source.sha256, n, leak)

    def words(self) -> str:
        """How the map was fitted, as part of a sentence. A saved map knows the hash of that file, but not its name.

        >>> FittedOn(None, "val", "ab12", 1200).words()
        'fitted on 1,200 rows of split val'
        """
        if self.path is None and self.sha256 is not None:
            return f"fitted on {self.n:,} rows" + (f" of split {self.split}" if self.split else "")
        return f"fitted on {self.path or 'predictions'}" + (f"#{self.split}" if self.split else "")


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Cross-fitting: each fold of a dump of n rows was mapped by a map that was fitted on the other folds.

    folds: number of folds. seed: seed of the random assignment of rows to folds. n: number of rows.
    """

    folds: int
    seed: int
    n: int

    def words(self) -> str:
        """How the maps were fitted, as part of a sentence."""
        return "out of fold"
