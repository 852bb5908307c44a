"""Entry point of `calibeval`: the commands, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import json
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from calibeval.cli.options import first
from calibeval.cli.options.shared import GROUPS
from calibeval.cli.screen import signals
from calibeval.cli.screen.command import WORDS
from calibeval.cli.screen.help import Program, command_class
from calibeval.cli.screen.progress import OpeningLine
from calibeval.cli.screen.streams import drop_output
from calibeval.core.data.ci_commands import without_commands
from calibeval.core.errors import CalibevalError, FileProblem, UsageError, lacks_memory, nearest, short
from calibeval.core.version import VERSION
from calibeval.readers.remote.told import watching
from calibeval.readers.stored.place import without_secrets
from calibeval.runs.room import check_room, room
from calibeval.words.names import visible

DONE, WRONG_USAGE, INVALID_INPUT, FILE_PROBLEM, BUG = 0, 2, 3, 4, 70
INTERRUPTED, TERMINATED, HUNG_UP = signals.INTERRUPTED, signals.TERMINATED, signals.HUNG_UP

NO_MEMORY = "there is not enough memory for this input"
LEAST_ROOM = 256 * 2**20  # of addresses, for Python, numpy and a small dump
HELP = ("--help", "-h", "--help-all")

KINDS = {  # of errors, in JSON
    WRONG_USAGE: "usage",
    INVALID_INPUT: "input",
    FILE_PROBLEM: "file",
    BUG: "bug",
    INTERRUPTED: "interrupted",
    TERMINATED: "terminated",
    HUNG_UP: "hangup",
}

PAIRED = ("--max", "--min", "--max-increase", "--max-drop", "--key", "--export")  # each takes NAME=VALUE

# In the order of the help. Each is a function in the module of its name, and its help is in `first`, in capitals.
COMMANDS = (
    *("report", "inspect", "fit", "apply", "compare", "gate", "survey", "finetune", "predict", "conventions", "sums"),
)


@functools.cache
def program(names: tuple[str, ...] = COMMANDS) -> typer.Typer:
    """The program with these commands; it imports no others."""
    app = typer.Typer(
        name="calibeval",
        cls=Program,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name in names:
        run = getattr(importlib.import_module(f"calibeval.cli.commands.{name}"), name)
        said: first.First = getattr(first, name.upper())
        app.command(cls=command_class(said.options, GROUPS, said.notes), epilog=said.examples)(run)
    app.callback()(_root)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        from calibeval.core.sums.kernel import kernel_words

        try:
            words = kernel_words()
        except CalibevalError:  # of CALIBEVAL_KERNEL: it is told as an error, after the version
            typer.echo(f"calibeval {VERSION}")
            raise
        typer.echo(f"calibeval {VERSION} (kernel: {words})")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and the kernel."),
    ] = False,
) -> None:
    """Measure, repair and gate the calibration of classifiers.

    Reads saved predictions of any model: logits or probabilities with labels.
    `calibeval COMMAND --help` shows the usual options of a command.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; errors become one or two lines on standard error."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    WORDS.set(tuple(words))
    as_json, debug = "--json" in words, "--debug" in words
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is not a bug
    if sys.stdout is None:
        return _fail(FILE_PROBLEM, "standard output is closed", as_json, debug)
    try:
        _check_room(words)
        app = program(tuple(words[:1])) if words and words[0] in COMMANDS else program()
        with OpeningLine(quiet="-q" in words or "--quiet" in words) as line, watching(line.opened):
            code = app(words, standalone_mode=False, prog_name="calibeval")
        if code == INTERRUPTED:  # typer's own answer to Ctrl-C
            raise KeyboardInterrupt
        if sys.stdout is not None:  # given up, as nobody reads it
            sys.stdout.flush()
        return int(code or DONE)
    except typer.TyperException as error:
        if not words:  # the message is the help, whole
            _write_error(error.format_message())
            return WRONG_USAGE
        return _fail(WRONG_USAGE, _usage_message(error, words), as_json, debug)
    except CalibevalError as error:
        return _fail(_code(error), str(error), as_json, debug)
    except (KeyboardInterrupt, typer.Abort):
        return _fail(INTERRUPTED, "interrupted", as_json, debug)
    except (BrokenPipeError, SystemExit):  # typer turns a broken pipe into exit code 1, which means a failed gate
        drop_output()  # nobody reads our output any more; what was read is correct
        return DONE
    except Exception as error:  # noqa: BLE001 - the last resort: a bug must not look like a verdict
        return _fail(*_unforeseen(error), as_json, debug)


def _unforeseen(error: Exception) -> tuple[int, str]:
    """Code and message of an error that nobody raised on purpose."""
    if isinstance(error, OSError):
        drop_output()
    if lacks_memory(error):
        return INVALID_INPUT, NO_MEMORY
    if isinstance(error, OSError):
        place = error.filename or ("standard output" if error.errno is not None else "")
        return FILE_PROBLEM, f"{place}: {error.strerror or error}" if place else str(error)
    return BUG, f"a bug in calibeval, please report it ({type(error).__name__}: {error})"


def _check_room(words: Sequence[str]) -> None:
    """Check that numpy can be loaded if this process's memory has a limit.

    Raises: InputError.
    """
    if room() is None:
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # each thread takes memory of its own, used or not
    if words and not any(word in ("--version", *HELP) for word in words):
        check_room(LEAST_ROOM)


def _code(error: CalibevalError) -> int:
    if isinstance(error, UsageError):
        return WRONG_USAGE
    return FILE_PROBLEM if isinstance(error, FileProblem) else INVALID_INPUT


def error_json(code: int, message: str) -> str:
    """An error as one JSON object."""
    return json.dumps({"error": {"kind": KINDS[code], "message": message, "exit_code": code}})


def _fail(code: int, message: str, as_json: bool, debug: bool) -> int:
    """Say what went wrong on standard error, in fewer than 500 characters."""
    message = short(without_secrets(message))
    if debug and sys.stderr is not None:
        import traceback

        with contextlib.suppress(OSError):
            traceback.print_exc()
    if as_json:
        _write_error(error_json(code, message))
    else:
        _write_error(short("\n".join(visible(line) for line in message.split("\n"))))
    return code


def _usage_message(error: typer.TyperException, words: Sequence[str]) -> str:
    """The message about a wrong command line, with the nearest name for an unknown option."""
    for flag, name, value in zip(words, words[1:], words[2:], strict=False):
        if flag in PAIRED and "=" not in name and f"({value})" in error.format_message():
            return f"{error.format_message()}: write {flag} {name}={value}"
    if "unexpected extra argument" in error.format_message() and len([w for w in words if w.endswith(".sums")]) > 1:
        return f'{error.format_message()}: put the pattern in quotation marks, as "part-*.sums"'
    option, near = getattr(error, "option_name", None), getattr(error, "possibilities", None)
    message = error.format_message().partition(" (")[0] if near else error.format_message()
    return message + nearest(option, near) if option and near else message


def _write_error(text: str) -> None:
    with contextlib.suppress(OSError):  # an error on standard error cannot be reported
        if sys.stderr is not None:  # closed by the parent process
            sys.stderr.write(without_commands(text) + "\n")
            sys.stderr.flush()
