"""The one place that decides whether paths may be written: no output is an input, or another output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from calibeval.core.errors import CalibevalError, UsageError
from calibeval.readers.stored.place import is_remote, place_of
from calibeval.writers.places import identity, is_stream, resolved, wrong_kind


def check_outputs(outputs: Sequence[Path], inputs: Iterable[str | Path | None]) -> None:
    """Refuse outputs that are inputs, or in a folder that is one, or twice the same, or a folder, a socket or a disk.

    inputs: dumps with or without #split, folders and patterns of shards, any other file that is opened; None: an input
    that was not given.
    Raises: UsageError.
    """
    if not outputs:
        return
    places: set[str] = set()
    inodes: set[tuple[int, int]] = set()
    for path in (path for name in inputs if name is not None for path in _files(str(name))):
        places.add(resolved(path))
        inode = identity(path)
        if inode is not None and not is_stream(path):
            inodes.add(inode)
    written: set[str] = set()
    for output in outputs:
        if is_remote(output):
            raise UsageError(f"{place_of(output)}: outputs are written on this machine: name a path, and copy it there")
        kind = wrong_kind(output)
        if kind is not None:
            raise UsageError(f"{output}: this is {kind}, which cannot be written to; name another output")
        if is_stream(output):
            continue
        place = resolved(output)
        if not places.isdisjoint((place, resolved(output.parent))) or identity(output) in inodes:
            raise UsageError(f"{output}: is also an input and would be overwritten; name another output")
        if place in written:
            raise UsageError(f"{output}: two outputs are to be written to this file; name another for one of them")
        written.add(place)
    for output in outputs:
        above = next((str(folder) for folder in Path(resolved(output)).parents if str(folder) in written), None)
        if above is not None:
            raise UsageError(f"{above}: would be both a file and the folder of {output.name}; name another output")


def _files(name: str) -> list[Path]:
    """The files behind the name of an input, and their folder if it was named."""
    from calibeval.api.base_file import file_of
    from calibeval.readers.open import split_name
    from calibeval.readers.shards import shard_paths

    if name == "-" or is_remote(name):
        return []
    place, _ = split_name(name)
    found: set[Path] = {Path(name), Path(file_of(name)), *([place] if isinstance(place, Path) else [])}
    for path in [*found]:
        try:
            found.update(one for one in shard_paths(path, lambda _: "any") or () if isinstance(one, Path))
        except (CalibevalError, OSError, ValueError):  # the reader says what is wrong with it
            found.update(path.iterdir() if path.is_dir() else ())
    return [*found]
