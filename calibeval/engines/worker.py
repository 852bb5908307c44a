"""What runs in a process of `Processes`: it answers items on its standard input until this ends."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from typing import Any

LENGTH = 8


def main() -> None:
    """Answer until there is nothing more to answer; what the work prints goes to standard error."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the process that asked ends this one
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while len(head := sys.stdin.buffer.read(LENGTH)) == LENGTH:
        work, item = pickle.loads(sys.stdin.buffer.read(int.from_bytes(head, "little")))  # noqa: S301 - of our parent
        answer: tuple[Any, Exception | None]
        try:
            answer = (work(item), None)
        except Exception as error:  # noqa: BLE001 - it is raised by the process that asked
            answer = (None, error)
        message = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
        answers.write(len(message).to_bytes(LENGTH, "little") + message)
        answers.flush()


if __name__ == "__main__":
    main()
