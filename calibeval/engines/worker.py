"""What runs in a process of `Processes`: it answers items on its standard input until this ends."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import threading
from typing import IO, Any

LENGTH = 8  # bytes before a message, which say how long it is


def put_message(stream: IO[bytes], message: bytes) -> None:
    """Write a message. Raises: OSError."""
    stream.write(len(message).to_bytes(LENGTH, "little") + message)
    stream.flush()


def next_message(stream: IO[bytes]) -> bytes:
    """The next message. Raises: EOFError if there is none, or not all of it; OSError."""
    return _exactly(stream, int.from_bytes(_exactly(stream, LENGTH), "little"))


def _exactly(stream: IO[bytes], size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise EOFError
    return found


def take(stream: IO[bytes], messages: queue.SimpleQueue[bytes]) -> None:
    """Pass messages on; end this process, whatever it is at, when there can be no more: whoever asked has ended."""
    try:
        while True:
            messages.put(next_message(stream))
    finally:
        os._exit(0)


def main() -> None:
    """Answer until there is nothing more to answer; what the work prints goes to standard error."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the process that asked ends this one
    messages = queue.SimpleQueue[bytes]()
    threading.Thread(target=take, args=(os.fdopen(os.dup(0), "rb"), messages), daemon=True).start()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        work, item = pickle.loads(messages.get())  # noqa: S301 - of our parent
        answer: tuple[Any, Exception | None]
        try:
            answer = (work(item), None)
        except Exception as error:  # noqa: BLE001 - it is raised by the process that asked
            answer = (None, error)
        message = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
        try:
            put_message(answers, message)
        except BrokenPipeError:  # nobody waits for it
            os._exit(0)


if __name__ == "__main__":
    main()
