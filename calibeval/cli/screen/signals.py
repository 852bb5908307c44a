"""How a command ends when it is interrupted: at once, with its exit code, and without files that are half written."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

INTERRUPTED, TERMINATED, HUNG_UP = 130, 143, 129
# The kind of the error in JSON, and its message.
ENDED = {
    INTERRUPTED: ("interrupted", "interrupted"),
    TERMINATED: ("terminated", "terminated"),
    HUNG_UP: ("hangup", "hung up"),
}
_SIGNALS = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]
_CLEAR_LINE = "\r\x1b[K"


def end_on_signals() -> None:
    """From now on, a signal ends the process; signals that are ignored, as those of nohup are, stay ignored.

    The process ends where the signal finds it, without an exception: one that is raised in the middle of an import or
    a clean-up could be lost, or turned into another.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def finish() -> None:
    """From now on, signals are ignored: the command is done, and its exit code counts."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def fill_closed_streams() -> None:
    """Open what was closed of the standard streams, so that no file of ours gets its number and foreign text."""
    descriptor = 0
    while descriptor <= 2:
        descriptor = os.open(os.devnull, os.O_RDWR)
    os.close(descriptor)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    finish()
    written = sys.modules.get("calibeval.writers.temporary")
    if written is not None:
        written.remove_pending()
    code = 128 + number
    kind, message = ENDED[code]
    line = message
    if "--json" in sys.argv:
        line = json.dumps({"error": {"kind": kind, "message": message, "exit_code": code}})
    with contextlib.suppress(OSError):  # nobody may read it
        os.write(2, f"{_CLEAR_LINE if os.isatty(2) else ''}{line}\n".encode())
    os._exit(code)
