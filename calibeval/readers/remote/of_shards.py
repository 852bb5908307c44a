"""What is known of the files of several shards together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from calibeval.core.data.far_rows import Engine
from calibeval.core.data.source import RemoteFacts
from calibeval.core.errors import InputError
from calibeval.core.sums.threads import in_order
from calibeval.readers.remote.find import remote_facts, sha256_of
from calibeval.readers.stored.digest import Background, Extent
from calibeval.readers.stored.place import Place, Url
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents

AT_ONCE = 8  # requests for different shards


def at_once(shards: Sequence[Place]) -> int:
    """How many shards are asked for at the same time: one, unless they are remote."""
    return AT_ONCE if any(isinstance(shard, Url) for shard in shards) else 1


def shards_sha256(files: Sequence[SteadyFile], shards: Sequence[Contents], engine: Engine | None = None) -> str | None:
    """One hash for all shards: the SHA-256 over a line "name NUL sha256" for each, in the given order.

    The name is that of the file without its folder. None if remote shards were read in part. engine: whose workers hash
    files that they see.
    Raises: InputError if a checksum inside a shard differs; FileProblem if a shard cannot be read.
    """
    pairs = [(file, shard.extents) for file, shard in zip(files, shards, strict=True)]
    if engine is not None and all(remote_facts(file) is None for file in files):
        found = list(engine.in_order(_sha256_of, pairs))
    else:
        found = list(in_order(_sha256_of, pairs, at_once([file.path for file in files])))
    _check_twice(files, found)
    return _of_lines(files, found)


def shards_settling(
    files: Sequence[SteadyFile], shards: Sequence[Contents], engine: Engine | None = None
) -> Callable[[], str | None]:
    """Starts the hashing in the background; what it returns waits for the hash.

    Of files that are read in ranges it is known only once their rows have been read, so nothing is started.
    """
    if all(file.near for file in files):
        return Background(lambda: shards_sha256(files, shards, engine)).result
    return lambda: shards_sha256(files, shards, engine)


def _sha256_of(pair: tuple[SteadyFile, Sequence[Extent]]) -> str | None:
    return sha256_of(*pair)


def shards_facts(files: Sequence[SteadyFile]) -> RemoteFacts | None:
    """What is known of remote shards together; the ETag is the SHA-256 over a line "name NUL etag" for each."""
    found = [one for file in files if (one := remote_facts(file))]
    if len(found) < len(files):
        return None
    whole = all(one.read == "whole" for one in found)
    etag = _of_lines(files, [one.etag for one in found])
    return RemoteFacts(sum(one.size for one in found), etag, "whole" if whole else "ranges")


def _check_twice(files: Sequence[SteadyFile], marks: Sequence[str | None]) -> None:
    """Refuse the same shard under two names. marks: the SHA-256 of each; None: unknown."""
    seen: dict[str, str] = {}
    for file, mark in zip(files, marks, strict=True):
        if mark is not None and mark in seen:
            raise InputError(f"{seen[mark]} and {file.name} are the same shard twice: its rows would count twice")
        if mark is not None:
            seen[mark] = file.name


def _of_lines(files: Sequence[SteadyFile], marks: Sequence[str | None]) -> str | None:
    """The SHA-256 over a line "name NUL mark" for each; None if any is unknown."""
    digest = hashlib.sha256()
    for file, mark in zip(files, marks, strict=True):
        if mark is None:
            return None
        digest.update(f"{file.name}\0{mark}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
