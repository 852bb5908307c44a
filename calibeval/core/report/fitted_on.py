"""Where the numbers after a map come from: a map that was fitted on another dump, or one for each fold of the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calibeval.core.data.predictions import Source
from calibeval.core.data.records import Layout
from calibeval.core.data.source import RemoteFacts


@dataclass(frozen=True, slots=True)
class FittedOn:
    """The dump on which a map was fitted, with its n rows.

    leak: the rows that it shares with the dump that is measured, in words, where a person allowed them. remote: what is
    known of a remote file, of which sha256 is None if only parts were read.
    """

    LAYOUT: ClassVar = Layout(rare=("remote",))

    path: str | None
    split: str | None
    sha256: str | None
    n: int
    leak: str | None = None
    remote: RemoteFacts | None = None

    @classmethod
    def of(cls, source: Source, n: int, leak: str | None = None) -> FittedOn:
        """The n rows of a source.

        >>> FittedOn.of(Source("runs/val.npz", "val"), 100).words()
        'fitted on val.npz#val'
        """
        return cls(source.path, source.split, source.sha256, n, leak, source.remote)

    def words(self) -> str:
        """How the map was fitted, as a part of a sentence; a saved map knows the hash of its file, but not the name.

        >>> FittedOn(None, "val", "ab12", 1200).words()
        'fitted on 1,200 rows of split val'
        """
        if self.path is None and self.sha256 is not None:
            return f"fitted on {self.n:,} rows" + (f" of split {self.split}" if self.split else "")
        return f"fitted on {Source(self.path, self.split).name}"


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """The folds of a dump of n rows, each mapped by a map that was fitted on the other folds.

    seed: of the assignment of rows to folds.
    """

    folds: int
    seed: int
    n: int

    def words(self) -> str:
        """How the maps were fitted, as a part of a sentence."""
        return "fitted out of fold"
