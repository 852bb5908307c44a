"""The examples in the help of every command can be run as they stand, in a folder that holds sample_data."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from calibeval.cli.main import app

ROOT = Path(__file__).parents[2]
EXAMPLE = re.compile(r"^ +(?:\$ )?calibeval (?P<words>.+?)(?: +# .*)?$", re.MULTILINE)


def commands(command, parent, name):
    """The full name and the help of every command that does something."""
    context = command.context_class(command, parent=parent, info_name=name, terminal_width=80)
    below = getattr(command, "commands", {})
    if not below:
        yield context.command_path.removeprefix("calibeval "), command.get_help(context)
    for part, inner in below.items():
        yield from commands(inner, context, part)


HELPS = dict(commands(typer.main.get_command(app), None, "calibeval"))


@pytest.mark.parametrize("name", HELPS)
def test_examples_of_a_command_run(name, tmp_path):
    examples = [match["words"] for match in EXAMPLE.finditer(HELPS[name])]
    assert examples, f"the help of {name} has no examples"
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    for example in examples:
        assert example.startswith(name)
        done = subprocess.run(
            [sys.executable, "-m", "calibeval", *shlex.split(example)],
            capture_output=True,
            check=False,
            cwd=tmp_path,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        )
        assert done.returncode == 0, f"calibeval {example}: {done.stderr}"
        assert done.stdout, f"calibeval {example}: printed nothing"
