"""A process for the HDF5 library: started for the first file, used for all, and replaced if it dies."""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib.util
import json
import os
import signal
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import Any

from calibeval.core.errors import InputError, UsageError, not_importable
from calibeval.readers.stored.steady import SteadyFile

CHILD = Path(__file__).with_name("h5_child.py")
NEEDS = "reading .h5"


class _Died(Exception):
    """The process has ended before it answered. status: of its end. late: whether it took too long."""

    def __init__(self, status: int) -> None:
        self.late = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU


class H5Process:
    """Asks the process, one question at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._channel: socket.socket | None = None
        self._process, self._owner = 0, 0
        self._seen: set[SteadyFile] = set()  # the files that it has opened

    def ask(self, file: SteadyFile, request: dict[str, Any]) -> tuple[dict[str, Any], bytearray]:
        """The answer about a file. Where the process dies, it is asked once more, if another file could be the reason.

        Raises: InputError if the process dies, or the library refuses the file; UsageError without h5py.
        """
        with self._lock:
            try:
                try:
                    answer, data = self._asked(file, request)
                except _Died as death:
                    if self._seen <= {file} or death.late:
                        raise
                    answer, data = self._asked(file, request)
            except _Died as death:
                what = "keeps the HDF5 library busy" if death.late else "makes the HDF5 library crash"
                raise InputError(f"{file.name}: {what}, so it is damaged, or made to do harm") from None
        if "error" in answer:
            raise InputError(f"{file.name}: not an HDF5 file, or damaged ({answer['error']})")
        return answer, data

    def close(self) -> None:
        """Let the process end."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
            self._status()

    def _asked(self, file: SteadyFile, request: dict[str, Any]) -> tuple[dict[str, Any], bytearray]:
        if self._channel is None or self._owner != os.getpid():
            self._start()
        channel = self._channel
        if channel is None:
            raise _Died(0)
        self._seen.add(file)
        text = json.dumps(request).encode()
        with file.open() as stream:
            try:
                socket.send_fds(channel, [struct.pack("<I", len(text))], [stream.fileno()])
                channel.sendall(text)
                return _answer(channel)
            except (ConnectionError, EOFError):
                raise _Died(self._ended()) from None
            except BaseException:  # what it still says would be taken for another answer
                self._ended()
                raise

    def _ended(self) -> int:
        """End the process, which is dead or of no more use, and return its status."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process, signal.SIGTERM)
        return self._status()

    def _status(self) -> int:
        if self._owner != os.getpid():
            return 0
        with contextlib.suppress(ChildProcessError):
            return os.waitpid(self._process, 0)[1]
        return 0

    def _start(self) -> None:
        """Start the process, and wait until it has imported h5py."""
        if importlib.util.find_spec("h5py") is None:
            raise not_importable(ModuleNotFoundError(name="h5py"), NEEDS, "h5py", "hdf5")
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.set_inheritable(True)
            self._process = os.posix_spawn(
                sys.executable,
                [sys.executable, "-P", "-S", str(CHILD), str(theirs.fileno())],
                {
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(one for one in sys.path if one),
                    "HDF5_PLUGIN_PRELOAD": "::",  # no code but the library's own
                    "HDF5_USE_FILE_LOCKING": "FALSE",
                    "OPENBLAS_NUM_THREADS": "1",
                    "OMP_NUM_THREADS": "1",
                    "PYTHONWARNINGS": "ignore",
                },
                file_actions=[(os.POSIX_SPAWN_OPEN, i, os.devnull, os.O_RDWR, 0) for i in range(3)],
            )
        self._channel, self._owner, self._seen = ours, os.getpid(), set()
        try:
            answer, _ = _answer(ours)
        except (ConnectionError, EOFError):
            self._ended()
            raise UsageError(f"{NEEDS} needs another process, which could not be started") from None
        if answer["broken"]:
            self._ended()
            raise UsageError(f"{NEEDS} needs h5py, which is installed but cannot be imported ({answer['broken']})")


@functools.cache
def h5_process() -> H5Process:
    """The one process."""
    process = H5Process()
    atexit.register(process.close)
    return process


def _answer(channel: socket.socket) -> tuple[dict[str, Any], bytearray]:
    (length,) = struct.unpack("<I", _received(channel, 4))
    answer = json.loads(_received(channel, length))
    return answer, _received(channel, answer["bytes"])


def _received(channel: socket.socket, length: int) -> bytearray:
    data = bytearray(length)
    view, filled = memoryview(data), 0
    while filled < length:
        more = channel.recv_into(view[filled:])
        if not more:
            raise EOFError
        filled += more
    return data
