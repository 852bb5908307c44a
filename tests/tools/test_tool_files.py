"""What other tools write is read with the command that docs/reference/inputs.md gives, and gives the right numbers."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.cli.invoking import run
from tests.tools.page import PAGE, with_table

HERE = Path(__file__).parent
NOTES = {one["file"]: one for one in json.loads((HERE / "files.json").read_text("utf-8"))}
NOT_YET = {"pandas_excel.csv", "pandas_index.csv", "pandas_records.json", "pandas.feather"}  # still to come

each = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.xfail(name in NOT_YET, reason="cannot be read yet", strict=False))
        for name in NOTES
    ],
)


def options(note):
    """The options of its command, each with its value: {"--kind": "probs"}."""
    words = iter(shlex.split(note["options"]))
    return {word: next(words) for word in words}


def report(capsys, note, chosen):
    beside = {name: HERE / "files" / name for name in (note["file"], *note["also"])}
    words = [beside.get(word, word) for option in chosen.items() for word in option]
    return run(capsys, "report", beside[note["file"]], *words, "--json", "--metrics", "accuracy,ece", "--no-intervals")


def assert_right(note, result):
    (dump,) = result.json["dumps"]
    assert (dump["source"]["n"], dump["source"]["k"]) == (note["rows"], note["classes"])
    for metric in ("accuracy", "ece"):
        assert dump["metrics"][metric]["value"] == pytest.approx(note[metric], abs=10 ** -note["digits"])


@each
def test_its_command_reads_a_file(capsys, name):
    result = report(capsys, NOTES[name], options(NOTES[name]))
    assert result.code == 0, result.err
    assert_right(NOTES[name], result)


@each
def test_messages_lead_to_its_command(capsys, name):
    # Without options, a file is read rightly, or a message names one that its command has; and so on with that one.
    needed, chosen = options(NOTES[name]), {}
    while (result := report(capsys, NOTES[name], chosen)).code:
        assert result.code in {2, 3}
        named = {o: v for o, v in needed.items() if o not in chosen and o in result.err}
        assert named, result.err
        assert all(value in result.err for option, value in named.items() if option == "--score-columns"), result.err
        chosen |= named
    assert_right(NOTES[name], result)


def test_every_file_has_a_note_and_all_are_small():
    found = {path.name for path in (HERE / "files").iterdir()}
    assert found == {name for note in NOTES.values() for name in (note["file"], *note["also"])}
    assert sum(path.stat().st_size for path in (HERE / "files").rglob("*") if path.is_file()) < 400_000


def test_the_table_of_the_page_is_up_to_date():
    page = PAGE.read_text("utf-8")
    assert page == with_table(page, NOTES.values()), "run python -m tests.tools.write_files --page"
