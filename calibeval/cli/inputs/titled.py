"""Dumps under a name that the user gives them: `name=file`."""

from __future__ import annotations

import glob
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from calibeval.core.data.amended import titled
from calibeval.core.data.predictions import Predictions
from calibeval.core.report.report import Report
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.stored.place import is_remote


class Named(NamedTuple):
    """A dump on the command line: its title, if it has one, and its file."""

    title: str | None
    file: str


def split_title(word: str) -> Named:
    """The title and the file of `name=file`; a path that exists wins, and a title holds no slash.

    >>> split_title("old=runs/7.npz#test"), split_title("runs/lr=3/test.npz")
    (Named(title='old', file='runs/7.npz#test'), Named(title=None, file='runs/lr=3/test.npz'))
    """
    if is_remote(word):
        return Named(None, word)
    title, equals, file = word.partition("=")
    path = word.partition("#")[0]
    if not (title.strip() and equals and file) or any(sign in title for sign in "/\\#"):
        return Named(None, word)
    if any(Path(one).exists() for one in (word, path)) or (glob.has_magic(path) and glob.glob(path)):  # noqa: PTH207 - it may be absolute
        return Named(None, word)
    return Named(title.strip(), file)


def open_named(word: str, reading: ReadOptions) -> Predictions:
    """The dump, under its title. Raises: as the readers."""
    from calibeval.readers.open import open_dump

    found = split_title(word)
    predictions = open_dump(found.file, reading)
    return predictions if found.title is None else titled(predictions, found.title)


def open_named_base(word: str, reading: ReadOptions) -> Predictions | Report:
    """The base of a comparison, a dump or a saved report, under its title. Raises: as the readers."""
    from calibeval.api.base_file import open_base

    found = split_title(word)
    base = open_base(found.file, reading)
    if found.title is None:
        return base
    if isinstance(base, Predictions):
        return titled(base, found.title)
    return replace(base, dumps=tuple(replace(dump, name=found.title) for dump in base.dumps))
