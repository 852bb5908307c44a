"""Help fits a screen: 50 lines of 80 columns at first, every option on one line, and all of them under --help-all."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer
from typer.core import TyperOption

from calibeval.cli.main import program
from calibeval.cli.options.shared import GROUPS
from tests.cli.invoking import run

LINES, COLUMNS = 50, 80
PROGRAM: Any = typer.main.get_command(program())
COMMANDS = tuple(PROGRAM.commands)


def options(name):
    """Every option of a command: its long name and its help."""
    context = PROGRAM.commands[name].context_class(PROGRAM.commands[name], info_name=name)
    return {
        option.opts[0] if option.opts[0].startswith("--") else option.opts[-1]: option
        for option in PROGRAM.commands[name].get_params(context)
        if isinstance(option, TyperOption)
    }


def rows(text):
    """The lines of a help that show an option, by its long name."""
    found = re.findall(r"^  (?:-\w, )?(--(?:\[no-\])?[\w-]+)[^\n]*$", text, re.MULTILINE)
    lines = [line for line in text.splitlines() if re.match(r"  (?:-\w, )?--", line)]
    return dict(zip(found, lines, strict=True))


@pytest.fixture(autouse=True)
def screen(monkeypatch):
    monkeypatch.setenv("COLUMNS", str(COLUMNS))


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)], ids=["calibeval", *COMMANDS])
def test_the_first_help_fits_a_screen(words, capsys):
    lines = run(capsys, *words, "--help").out.splitlines()
    assert len(lines) <= LINES
    assert [line for line in lines[1:] if len(line) > COLUMNS or line.endswith("...")] == []


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flag", ["--help", "--help-all"])
def test_every_option_stands_on_one_line_with_all_of_its_help(flag, name, capsys):
    text = run(capsys, name, flag).out
    assert [line for line in text.splitlines() if len(line) > COLUMNS] == []
    for option, line in rows(text).items():
        known = options(name)[option.replace("[no-]", "")]
        assert known.help
        assert known.help in line


@pytest.mark.parametrize("name", COMMANDS)
def test_help_all_shows_every_option_once_in_named_groups(name, capsys):
    text = run(capsys, name, "--help-all").out
    assert sorted(option.replace("[no-]", "") for option in rows(text)) == sorted(options(name))
    headings = [group for group in GROUPS if f"\n{group}:\n" in text]
    assert {o.rich_help_panel or GROUPS[-1] for o in options(name).values()} == set(headings)
    assert "\nOptions:\n" not in text


@pytest.mark.parametrize("name", COMMANDS)
def test_the_first_help_shows_some_options_and_points_to_the_others(name, capsys):
    shown = rows(run(capsys, name, "--help").out)
    assert set(shown) < set(options(name))
    assert {"--help", "--help-all", "--json"} <= set(shown)
    assert {option for option, known in options(name).items() if known.required} <= set(shown)


def test_help_all_of_the_program_is_that_of_every_command(capsys):
    whole = run(capsys, "--help-all").out
    for name in COMMANDS:
        assert run(capsys, name, "--help-all").out.rstrip("\n") in whole


def test_without_arguments_the_program_prints_its_help(capsys):
    result = run(capsys)
    assert (result.code, result.out) == (2, "")
    assert result.err == run(capsys, "--help").out


@pytest.mark.parametrize("columns", ["40", "60"])
def test_a_narrow_screen_wraps_what_it_cannot_show(columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    text = run(capsys, "report", "--help").out.partition("Examples")[0]
    assert max(map(len, text.splitlines())) <= max(int(columns), 50)
    assert "Write report.html, report.json, bins.csv, diagrams." in re.sub(r"\s+", " ", text)
