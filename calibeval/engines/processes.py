"""Processes of this machine that work on items, each on one at a time; a script needs no guard to start them."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from calibeval.core.errors import InputError, UsageError
from calibeval.core.sums.threads import in_order
from calibeval.engines.worker import next_message, put_message

Item = TypeVar("Item")
Result = TypeVar("Result")
CHILD = Path(__file__).with_name("worker.py")


class Processes:
    """Processes that are started when they are needed, and end with `close`. count: the most of them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes] | None] = queue.SimpleQueue()
        self._every: list[subprocess.Popen[bytes]] = []
        for _ in range(count):
            self._idle.put(None)

    def in_order(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results of the work on each item, in the order of the items. work: a function of a module.

        Raises: what the work raises; InputError if a process dies; UsageError if none can be started.
        """
        return in_order(lambda item: self._ask(pickle.dumps((work, item), pickle.HIGHEST_PROTOCOL)), items, self.count)

    def close(self) -> None:
        """Let all processes end."""
        for one in self._every:
            for stream in (one.stdin, one.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            one.terminate()
            one.wait()
        self._every.clear()

    def _ask(self, message: bytes) -> Any:
        process = self._idle.get()
        try:
            process = process or self._started()
            answer = _answer(process, message)
        except (OSError, EOFError):
            if process is not None and process in self._every:
                process.kill()
                process.wait()
            process = None
            raise InputError(
                "a process that measured died, perhaps of too little memory: try --jobs 1, or a lower --max-memory"
            ) from None
        finally:
            self._idle.put(process)
        found, error = pickle.loads(answer)  # noqa: S301 - our own process made it
        if error is not None:
            raise error
        return found

    def _started(self) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(one for one in sys.path if one),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONWARNINGS": "ignore",
        }
        try:
            process = subprocess.Popen(  # noqa: S603 - this very Python
                [sys.executable, "-P", str(CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
            )
        except OSError as error:
            raise UsageError(f"processes could not be started ({error.strerror or error}): say --jobs 1") from None
        self._every.append(process)
        return process


@contextmanager
def processes(count: int) -> Iterator[Processes]:
    """Processes that end with the block."""
    running = Processes(count)
    try:
        yield running
    finally:
        running.close()


def _answer(process: subprocess.Popen[bytes], message: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    put_message(process.stdin, message)
    return next_message(process.stdout)
