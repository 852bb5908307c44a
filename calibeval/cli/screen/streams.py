"""Writing to standard output: a reader that has gone does not change what a command decides."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from calibeval.core.data.ci_commands import without_commands


def put(text: str, *streams: TextIO | None, commands: bool = False) -> None:
    """Write text to standard output, or to another stream of this process; what nobody reads any more is dropped.

    commands: whether lines may be commands to a CI service.
    Raises: OSError if the disk is full; but what is written to standard error may get lost.
    """
    for stream in streams or (sys.stdout,):
        if stream is None:
            continue
        try:
            stream.write(text if commands else without_commands(text))
            stream.flush()
        except BrokenPipeError:
            drop_output(stream)
        except OSError:
            if stream is not sys.stderr:
                raise


def drop_output(stream: TextIO | None = None) -> None:
    """Redirect a stream to nowhere, because Python would try again to write what is still buffered."""
    stream = sys.stdout if stream is None else stream
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (AttributeError, OSError, ValueError):
        if stream is sys.stdout:
            sys.stdout = None  # a replacement stream without a file descriptor
