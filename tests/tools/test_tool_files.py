"""What other tools write is read with the command that docs/reference/inputs.md gives, and gives the right numbers."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.invoking import run
from tests.tools.page import PAGE, with_table
from tests.tools.write_files import WRITERS, described

HERE = Path(__file__).parent
NOTES = {one["file"]: one for one in json.loads((HERE / "files.json").read_text("utf-8"))}
COMMAND = "calibeval report "

each = pytest.mark.parametrize("name", NOTES)


@pytest.fixture(autouse=True)
def beside_the_files(tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(HERE / "files", tmp_path / "f"))


def report(capsys, words):
    return run(capsys, "report", *words, "--json", "--metrics", "accuracy,ece", "--no-intervals")


def assert_right(note, result):
    assert result.code == 0, result.err
    (dump,) = result.json["dumps"]
    assert (dump["source"]["n"], dump["source"]["k"]) == (note["rows"], note["classes"])
    for metric in ("accuracy", "ece"):
        assert dump["metrics"][metric]["value"] == pytest.approx(note[metric], abs=1e-6)


@each
def test_its_command_reads_a_file(capsys, name):
    note = NOTES[name]
    assert_right(note, report(capsys, [name, *shlex.split(note["options"])]))


@each
def test_messages_lead_to_its_command(capsys, name):
    # Without options, a file is read rightly, or a message proposes a command, or options that its command has; and so
    # on with those.
    note, chosen = NOTES[name], []
    while (result := report(capsys, [name, *(word for pair in chosen for word in pair)])).code:
        assert result.code in {2, 3}
        message = json.loads(result.err)["error"]["message"]
        _, _, command = message.partition(COMMAND)
        proposed = [pair for pair in pairs(command) if pair[1] not in {"NAME", "FILE"}]  # any name
        known = {option for option, _ in (*chosen, *proposed)} - {"--key"}
        proposed += [pair for pair in pairs(note["options"]) if pair[0] in message and pair[0] not in known]
        more = [pair for pair in proposed if pair not in chosen]
        assert more, message
        chosen += more
    assert_right(note, result)


def pairs(command):
    """The options of a command, each with its value: ("--kind", "probs")."""
    words = shlex.split(command)
    return [(word, words[i + 1]) for i, word in enumerate(words) if word.startswith("--")]


def test_every_file_has_a_note_and_all_are_small():
    found = {path.name for path in (HERE / "files").iterdir()}
    assert found == {name for note in NOTES.values() for name in (note["file"], *note["also"])}
    assert sum(path.stat().st_size for path in (HERE / "files").rglob("*") if path.is_file()) < 300_000


def test_the_notes_are_those_of_the_writers():
    assert [NOTES[w.file] | described(w) for w in WRITERS] == [*NOTES.values()]


def test_the_table_of_the_page_is_up_to_date():
    page = PAGE.read_text("utf-8")
    assert page == with_table(page, NOTES.values()), "run python -m tests.tools.write_files --page"
