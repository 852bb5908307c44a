"""Where rows came from, as reports record it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import ClassVar

from calibeval.core.data.records import Layout


@dataclass(frozen=True, slots=True)
class Source:
    """Where predictions came from, as reports record it; unknown fields are None.

    path, split, sha256: of the file with the scores. labels_path, labels_sha256: of a separate file with the labels.
    title: how the user calls it; it is the name of the dump, and not written with the source.
    """

    LAYOUT: ClassVar = Layout(read={"title": lambda _: None}, open=True)

    path: str | None = None
    split: str | None = None
    sha256: str | None = None
    format: str | None = None
    labels_path: str | None = None
    labels_sha256: str | None = None
    title: str | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """The dump's name in messages: its title, or the file name, followed by #split if there is one.

        >>> Source("runs/7/dump.npz", "val").name
        'dump.npz#val'
        """
        if self.title is not None:
            return self.title
        path = "standard input" if self.path == "-" else self.path or "predictions"
        return (PurePath(path).name or path) + ("" if self.split is None else f"#{self.split}")
