"""What runs in the process of a worker: an item is unpacked, worked on, and what is wrong with it comes back."""

from __future__ import annotations

import pickle
import socket
from typing import Any, NamedTuple

import numpy as np

from calibeval.core.errors import CalibevalError, FileProblem, UsageError, first_line
from calibeval.core.sums.kernel import kernel_name
from calibeval.core.version import VERSION


class Versions(NamedTuple):
    """What must be the same everywhere, as it decides the last bits of a number."""

    calibeval: str
    numpy: str
    kernel: str

    def __str__(self) -> str:
        """All, as messages show them."""
        return f"calibeval {self.calibeval} with numpy {self.numpy} and the {self.kernel} kernel"


class WorkerFailed(Exception):
    """What the system of a worker refused, such as a full disk; the text has the name of its machine."""


class Answer(NamedTuple):
    """What a worker found: a result, an error of the data, or versions that differ. host: the worker's machine."""

    host: str
    found: Any = None
    error: Exception | None = None
    versions: Versions | None = None


def own_versions() -> Versions:
    """Those of this process. Raises: UsageError if it is told to use a kernel that is not there."""
    return Versions(VERSION, np.__version__, kernel_name())


def answer(expected: tuple[str, ...], packed: bytes) -> Answer:
    """The answer to a packed pair of a function and its argument.

    What another try could mend, such as a file that cannot be read, is raised: the engine then tries again.
    Raises: FileProblem, WorkerFailed, MemoryError.
    """
    host = socket.gethostname()
    try:
        own = own_versions()
    except UsageError as error:
        return Answer(host, error=UsageError(f"worker on {host}: {error}"))
    if own != expected:
        return Answer(host, versions=own)
    work, item = pickle.loads(packed)  # noqa: S301 - the client of this cluster packed it
    try:
        return Answer(host, found=work(item))
    except FileProblem as error:
        raise FileProblem(f"{host}: {error}") from None
    except OSError as error:
        raise WorkerFailed(f"{host}: {_reason(error)}") from None
    except MemoryError:
        raise
    except CalibevalError as error:
        return Answer(host, error=error)
    except Exception as error:  # noqa: BLE001 - it is raised by the process that asked
        return Answer(host, error=error)


def _reason(error: OSError) -> str:
    """What the system says, and of which file."""
    if error.strerror is None:
        return first_line(error)
    return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"


def packed(work: Any, item: Any) -> bytes:
    """A function and its argument for `answer`."""
    return pickle.dumps((work, item), protocol=pickle.HIGHEST_PROTOCOL)
