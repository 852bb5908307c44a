"""The result of `calibeval inspect`: a file's arrays, and how each of its splits would be read."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import ClassVar

from calibeval.core.data.documents import json_text
from calibeval.core.data.elsewhere import elsewhere
from calibeval.core.data.notices import Notice
from calibeval.core.data.records import Layout, to_plain

SCHEMA = "calibeval.inspection/1"


@dataclass(frozen=True, slots=True)
class ArrayNote:
    """One array of the file: its key, shape and type, and its role according to its name."""

    key: str
    shape: tuple[int, ...]
    dtype: str
    role: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How one split would be read, or the error from reading it.

    kind: the kind of scores; "features" for a feature cache, which has no scores. features: their number per row.
    classes: class names, if the file has them. columns: slice columns with their number of values (None: more than 50).
    no_labels: what can be done with scores without labels; None where there are labels.
    recognised: what was recognised in the file, in a few words each: which arrays gave what, how rows were paired.
    """

    name: str
    error: str | None = None
    kind: str | None = None
    n: int | None = None
    k: int | None = None
    ignored: int = 0
    has_ids: bool = False
    classes: tuple[str, ...] = ()
    columns: tuple[tuple[str, int | None], ...] = ()
    warnings: tuple[Notice, ...] = ()
    sha256: str | None = None
    features: int | None = None
    recognised: tuple[str, ...] = ()
    no_labels: str | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """A file's arrays, and how each of its splits would be read. shards: how many files these are, if several."""

    LAYOUT: ClassVar = Layout(rare=("shards",))

    path: str
    format: str
    size: int
    arrays: tuple[ArrayNote, ...]
    splits: tuple[str, ...]
    readings: tuple[Reading, ...]
    shards: int | None = None

    def __repr__(self) -> str:
        """One short line: the file, and how it would be read."""
        return f"<Inspection of {self.path}: {', '.join(one.name for one in self.readings) or 'nothing to read'}>"

    def _repr_html_(self) -> str:
        """The text as a notebook shows it."""
        return f"<pre>{escape(str(self))}</pre>"

    def __str__(self) -> str:
        """What `calibeval inspect` prints."""
        shown: str = elsewhere("calibeval.api.show", "inspection_text")(self)
        return shown

    def to_json(self) -> str:
        """The inspection as one JSON object."""
        return json_text({"schema": SCHEMA, **to_plain(self)})
