"""`read`: from a path, perhaps with #split, to predictions; the one place where loaders' arrays get a meaning."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from calibeval.core.errors import FileProblem, InputError, nearest
from calibeval.core.predictions import Predictions, Source
from calibeval.core.row_source import as_kind
from calibeval.readers.assemble import ReadOptions, assemble, external_labels
from calibeval.readers.digest import Digest
from calibeval.readers.limits import Limits
from calibeval.readers.roles import Keys
from calibeval.readers.stored import Contents

FORMATS: dict[str, tuple[str, str]] = {
    ".npz": ("npz", "read_npz"),
    ".npy": ("npz", "read_npy"),
    ".pt": ("pt", "read_pt"),
    ".pth": ("pt", "read_pt"),
    ".csv": ("csv", "read_csv"),
}


def read(
    path: str | Path,
    *,
    kind: str | None = None,
    logits_key: str | None = None,
    probs_key: str | None = None,
    labels_key: str | None = None,
    ids_key: str | None = None,
    labels: str | Path | None = None,
    score_columns: Sequence[str] = (),
    class_names: Sequence[str] | None = None,
    ignore_index: int | None = None,
    max_bytes: int | None = None,
) -> Predictions:
    """Predictions from a file of any supported format; `file.npz#val` names a split.

    kind: "logits", "probs" or "log_probs", where the key's name does not say it or says it wrongly.
    logits_key, probs_key, labels_key, ids_key: names of arrays or columns other than the usual.
    labels: another file with the labels. score_columns: columns of a table that are the scores.
    class_names: in the order of the classes. ignore_index: rows with this label are left out and counted.
    max_bytes: the most bytes that the file may expand to.
    Raises: InputError if the content cannot be used, FileProblem if the file cannot be read, UsageError for options
    that cannot work.
    """
    options = ReadOptions(
        kind=None if kind is None else as_kind(kind),
        keys=Keys(logits=logits_key, probs=probs_key, labels=labels_key, ids=ids_key),
        labels=None if labels is None else Path(labels),
        score_columns=tuple(score_columns),
        class_names=None if class_names is None else tuple(class_names),
        ignore_index=ignore_index,
        limits=Limits(max_bytes),
    )
    return open_dump(str(path), options)


def open_dump(name: str, options: ReadOptions) -> Predictions:
    """Predictions from `path` or `path#split`.

    Raises: as `read`.
    """
    path, split = split_name(name)
    contents = load(path, options.limits)
    labels = None if options.labels is None else external_labels(load(options.labels, options.limits), options.labels)
    source = Source(path=path.as_posix(), split=split, format=path.suffix.lower().lstrip("."))
    digest = Digest(path, contents.extents)
    return assemble(contents.arrays, source, options, labels, lambda: replace(source, sha256=digest.result()))


def split_name(name: str) -> tuple[Path, str | None]:
    """A dump's name as its path and its split; a file whose own name holds # is found as it is.

    >>> split_name("a.npz#val")[1]
    'val'
    """
    if "#" not in name or Path(name).exists():
        return Path(name), None
    path, _, split = name.rpartition("#")
    return Path(path), split


def load(path: Path, limits: Limits) -> Contents:
    """The arrays of a file, by its suffix.

    Raises: InputError for a suffix that no reader knows or content that cannot be used; FileProblem if the file is
    missing or cannot be read.
    """
    suffix = path.suffix.lower()
    if not path.exists():
        raise FileProblem(f"{path}: there is no such file")
    if path.is_dir():
        raise FileProblem(f"{path}: a folder, not a file")
    if not path.is_file():
        raise InputError(f"{path}: neither a regular file nor a folder")
    if suffix not in FORMATS:
        known = ", ".join(FORMATS)
        raise InputError(
            f'{path.name}: suffix "{suffix}" belongs to no known format{nearest(suffix, FORMATS)}; known are {known}'
        )
    if path.stat().st_size == 0:
        raise InputError(f"{path.name}: the file is empty")
    module, function = FORMATS[suffix]
    reader: Callable[[Path, Limits], Contents] = getattr(
        importlib.import_module(f"calibeval.readers.{module}"), function
    )
    try:
        return reader(path, limits)
    except OSError as error:
        raise FileProblem(f"{path}: cannot be read ({error.strerror or error})") from None
