"""The examples in the help of every command can be run as they stand, in a folder that holds sample_data."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from calibeval.cli.main import program
from tests.cli.invoking import run

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


HELPS = dict(commands(typer.main.get_command(program()), None, "calibeval"))


def examples(name):
    joined = re.sub(r"\\\n *", "", HELPS[name])
    found = [match["words"] for match in EXAMPLE.finditer(joined)]
    assert all(words.split()[0] == name.split()[0] for words in found)
    return found


@pytest.mark.parametrize("name", HELPS)
def test_a_command_has_examples(name):
    assert examples(name), f"the help of {name} has no examples"


@pytest.mark.slow
def test_examples_run_in_the_order_of_the_commands(capsys, tmp_path, monkeypatch):
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    monkeypatch.chdir(tmp_path)
    for words in (words for name in HELPS for words in examples(name)):  # one may read what an earlier one wrote
        done = run(capsys, *shlex.split(words))
        assert done.code == 0, f"calibeval {words}: {done.err}"
        assert done.out or done.err, f"calibeval {words}: printed nothing"
