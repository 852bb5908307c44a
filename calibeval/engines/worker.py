"""What runs in a process of `Processes`: it answers items on its standard input until this ends."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from typing import Any

LENGTH = 8


PATIENCE_S = 0.2


def end_with(parent: int) -> None:
    """End this process, whatever it is at, when its parent has ended, which signals do at once."""
    while os.getppid() == parent:
        time.sleep(PATIENCE_S)
    os._exit(0)


def main() -> None:
    """Answer until there is nothing more to answer; what the work prints goes to standard error."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the process that asked ends this one
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
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
        try:
            answers.write(len(message).to_bytes(LENGTH, "little") + message)
            answers.flush()
        except BrokenPipeError:  # nobody waits for it
            os._exit(0)


if __name__ == "__main__":
    main()
