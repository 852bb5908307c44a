"""Reading saved sums: checked against their SHA-256, without pickle, and never larger than they say."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
import zlib
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from calibeval.core.data.documents import Wrong
from calibeval.core.data.source import SourceFile
from calibeval.core.errors import FileProblem, InputError
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.core.evaluation.loaded import from_saved
from calibeval.core.evaluation.saved import SCHEMA
from calibeval.readers.formats.sums_members import beyond
from calibeval.readers.remote.find import descriptor_of
from calibeval.readers.stored.place import Place

HEADER, DIGEST = "header.json", "sha256"
MOST_MEMBERS, MOST_BYTES, MOST_HEADER = 10_000, 2**34, 2**28


def read_sums(path: Place) -> Accumulation:
    """The accumulated rows in a file that `Accumulator.save` wrote.

    Raises: InputError if it holds something else or is damaged; FileProblem if it cannot be read.
    """
    with descriptor_of(path) as descriptor:
        try:
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                members = _members(path, file)
        except OSError as error:
            raise FileProblem(f"{path}: cannot be read ({error.strerror or error})") from None
    try:
        header = json.loads(members.pop(HEADER))
        schema = header["schema"]
    except (KeyError, ValueError, TypeError, RecursionError):
        _refuse(path, "the header is missing or no JSON")
    if schema != SCHEMA:
        _refuse(path, f'the schema is "{schema!s:.60}", but this version reads {SCHEMA}')
    try:
        digest = members.pop(DIGEST).decode()
        arrays = {name.removesuffix(".npy"): _array(content) for name, content in members.items()}
        rows = from_saved(header, arrays)
    except (InputError, Wrong) as error:
        _refuse(path, str(error))
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
        _refuse(path, f"the content is incomplete or does not fit together ({str(error) or type(error).__name__:.60})")
    rows.files, rows.from_files = {digest: path.name}, (SourceFile(path.as_posix(), sha256),)
    return rows


def _members(path: Place, file: Any) -> dict[str, bytes]:
    """The members, whose SHA-256 is right, and that."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_MEMBERS or sum(entry.file_size for entry in entries) > MOST_BYTES:
                _refuse(path, "it says to hold more than any saved sums")
            sizes = {entry.filename: entry.file_size for entry in entries}
            if not 0 < sizes.get(HEADER, 0) <= MOST_HEADER:
                _refuse(path, "the header is missing or no JSON")
            wrong = beyond(archive.read(HEADER), sizes)
            if wrong is not None:
                _refuse(path, wrong)
            members = {entry.filename: archive.read(entry) for entry in entries}
    except InputError:
        raise
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        _refuse(path, f"not an archive as Accumulator.save writes it, or damaged ({error!s:.80})")
    wanted, digest = members.get(DIGEST, b""), hashlib.sha256()
    for name, content in members.items():
        if name == DIGEST:
            continue
        digest.update(name.encode() + b"\0" + len(content).to_bytes(8, "little") + content)
    if digest.hexdigest().encode() != wanted:
        _refuse(path, "the content does not have its SHA-256: the file was changed or damaged")
    return members


def _array(content: bytes) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    return found


def _refuse(path: Place, why: str) -> NoReturn:
    raise InputError(f"{path.name}: these are no saved sums that can be read: {why}")
