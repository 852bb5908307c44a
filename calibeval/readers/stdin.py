"""Standard input: csv with a header line, JSON lines or a JSON array, recognized by the first character."""

from __future__ import annotations

import hashlib
import os
import tempfile
from typing import IO, NamedTuple

from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.formats.csv import read_table
from calibeval.readers.formats.json import read_json_text
from calibeval.readers.formats.jsonl import read_objects
from calibeval.readers.formats.text import BOM, TextSource
from calibeval.readers.logs.options import LogOptions
from calibeval.readers.logs.recognise import READ, READERS, log_format
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.stored import Contents

NAME = "standard input"
PIECE = 2**20
BEGINS = {b"{": ".jsonl", b"[": ".json"}
BINARY = {b"\x1f\x8b": "gzip", b"PK": "a zip archive", b"PAR1": "parquet", b"\x93NUMPY": "a .npy array"}


class StandardInput(NamedTuple):
    """The content of standard input: arrays, format (such as "stdin-csv"), SHA-256 and number of bytes."""

    contents: Contents
    format: str
    sha256: str
    size: int


def read_stdin(
    stream: IO[bytes] | None,
    limits: Limits,
    read_as: str | None = None,
    decimal: str | None = None,
    logs: LogOptions | None = None,
) -> StandardInput:
    """Read a stream to its end, through a temporary file, since a table may have to be read twice.

    read_as: ".csv", ".tsv", ".json" or ".jsonl"; None: by the first character jsonl ({), json ([) or csv. decimal: of a
    table. logs: how logs are read, which their keys tell; None: as any other text.
    Raises: InputError for content that cannot be used; FileProblem if the stream is closed or the disk is full.
    """
    if stream is None:
        raise FileProblem(f"{NAME}: the stream is closed")
    try:
        with tempfile.TemporaryFile(prefix="calibeval-") as copy:
            sha256, size = _copied(stream, copy, limits)
            source = TextSource(NAME, size, lambda: _from_start(copy))
            form = read_as or (None if logs is None else log_format(source, limits))
            if logs is not None and form is not None and form in READERS:
                logs.check(READ[form][1], READ[form][0], NAME)
                found = READERS[form]([source], logs, limits).contents(NAME, limits)
                return StandardInput(found, f"stdin-{form[1:]}", sha256, size)
            suffix = read_as or BEGINS.get(_first_character(source), ".csv")
            if suffix == ".json":
                contents = read_json_text(source, limits)
            elif suffix == ".jsonl":
                contents = read_objects(source, limits)
            else:
                contents = read_table(source, limits, "\t" if suffix == ".tsv" else ",", decimal)
            return StandardInput(contents, f"stdin-{suffix[1:]}", sha256, size)
    except FileProblem:
        raise
    except OSError as error:
        raise FileProblem(f"{NAME}: cannot be read or kept in a temporary file ({error.strerror or error})") from None


def _copied(stream: IO[bytes], copy: IO[bytes], limits: Limits) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while piece := stream.read(PIECE):
        if not size:
            _refuse_binary(piece)
        size += len(piece)
        limits.check_expansion(NAME, size, size=size)
        digest.update(piece)
        copy.write(piece)
    copy.flush()
    return digest.hexdigest(), size


def _refuse_binary(first: bytes) -> None:
    for mark, what in BINARY.items():
        if first.startswith(mark):
            raise InputError(
                f"{NAME}: this is {what}, but csv, json or jsonl text is needed; save it to a file and name the file"
            )


def _first_character(source: TextSource) -> bytes:
    with source.open() as stream:
        return stream.read(PIECE).removeprefix(BOM).lstrip()[:1]


def _from_start(copy: IO[bytes]) -> IO[bytes]:
    """A separate stream of the temporary file, from its beginning."""
    again = os.fdopen(os.dup(copy.fileno()), "rb")
    again.seek(0)
    return again
