# ruff: noqa: INP001 - a script
"""Write docs/reference/cli.md from the help of the program: python docs/make_cli_page.py [--check]."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from calibeval.cli.main import program
from calibeval.cli.screen.help import full_help

PAGE = Path(__file__).parent / "reference/cli.md"
WIDTH = 80
BEGINNING = """\
# Command line

`docs/make_cli_page.py` writes this page from the output of `--help-all`; a test keeps it up to date. `--help` shows
only the usual options.

Results go to standard output, progress and warnings to standard error. [json.md](json.md) describes the exit codes and
the output of `--json`, [inputs.md](inputs.md) how files, keys and splits are read, and [python.md](python.md) how to do
the same from Python.
"""


def helps(command: Any, parent: Any, name: str) -> Iterator[tuple[str, str]]:
    """The full name and the help of a command, and of every command below it."""
    settings = {"terminal_width": WIDTH, "color": False, **command.context_settings}
    context = command.context_class(command, parent=parent, info_name=name, **settings)
    is_program = hasattr(command, "commands")  # whose --help-all is all that follows
    yield context.command_path, command.get_help(context) if is_program else full_help(context)
    for below, part in getattr(command, "commands", {}).items():
        yield from helps(part, context, below)


def page() -> str:
    """The page as it should be."""
    found = helps(typer.main.get_command(program()), None, "calibeval")
    sections = [f"## {name}\n\n```text\n{_tidy(text)}\n```\n" for name, text in found]
    return "\n".join([BEGINNING, *sections])


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or with --check compare it: 0 if it is up to date, else 1 with the differences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the page is out of date")
    new = page()
    if not parser.parse_args(arguments).check:
        PAGE.write_text(new, encoding="utf-8")
        return 0
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), PAGE.name, "the program's help", lineterm="")
    differences = "\n".join(lines)
    sys.stdout.write(f"{differences}\nrun python docs/make_cli_page.py\n" if differences else "")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
