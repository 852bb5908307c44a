"""Running the command line: in this process, and as a program of its own."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
from typing import NamedTuple
from unittest.mock import patch

import typer.main

from calibeval.cli.main import main
from tests.conftest import ROOT

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}

# The commands are built from their functions once, and not at every call.
built = functools.cache(typer.main.get_command)


class Result(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


KINDS = {2: "usage", 3: "input", 4: "file", 70: "bug", 130: "interrupted", 143: "terminated", 129: "hangup"}


def failure(code, message):
    """The one object that --json leaves on standard error."""
    return {"error": {"kind": KINDS[code], "message": message, "exit_code": code}}


def run(capsys, *arguments):
    """The command in this process."""
    before, stdout = signal.getsignal(signal.SIGTERM), sys.stdout
    try:
        with patch.object(typer.main, "get_command", built):
            code = main([str(a) for a in arguments])
    finally:
        signal.signal(signal.SIGTERM, before)
        sys.stdout = stdout  # main gives up a stream that cannot be written
    out, err = capsys.readouterr()
    return Result(code, out, err)


def program(*arguments, **options):
    """The command as a program."""
    command = [sys.executable, "-m", "calibeval", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, **{"env": ENVIRONMENT, **options}
    )
    return Result(done.returncode, done.stdout, done.stderr)


def python(code, *arguments):
    """A piece of Python in a fresh interpreter; its standard output."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env=ENVIRONMENT)
    return done.stdout
