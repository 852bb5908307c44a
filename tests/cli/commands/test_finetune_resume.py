"""`calibeval finetune --resume`: what it goes on from, and what it refuses to."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

from calibeval.runs import checkpoint
from calibeval.training.sweep import Sweep
from tests.cli import feature_files as files
from tests.cli.invoking import ENVIRONMENT, failure, run

LOSS = ["--loss", "ce,cals(margin=2)"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CALIBEVAL_CHECKPOINT_SECONDS", "0")
    return files.splits(tmp_path)


def interrupted(capsys, folder, monkeypatch, *words, after=2, loss=LOSS):
    """A run that stops after so many epochs."""
    step, left = Sweep.step, [after]

    def some(sweep):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return step(sweep)

    with monkeypatch.context() as patch:
        patch.setattr(Sweep, "step", some)
        result = run(capsys, *files.words(folder, *loss, *words, "-q"))
    assert (result.code, result.err) == (130, "interrupted\n")


@pytest.mark.parametrize("after", range(5))
@pytest.mark.parametrize("words", [["--seeds", 2], ["--tune", "--trials", 2, "--head", "mlp", "--hidden", 4]])
def test_an_interrupted_run_ends_with_the_same_bytes(capsys, folder, monkeypatch, words, after):
    assert run(capsys, *files.words(folder, *LOSS, *words, "-q", out="through")).code == 0
    interrupted(capsys, folder, monkeypatch, *words, after=after)
    assert set(files.contents(folder / "run")) == {"checkpoint.safetensors", "history.jsonl"}
    with (folder / "run" / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"stage": 7, "ep')  # a line that was being written
    assert run(capsys, *files.words(folder, *LOSS, *words, "-q", "--resume")).code == 0
    assert files.contents(folder / "run") == files.contents(folder / "through")


@pytest.mark.parametrize("after", [2, 4])
def test_multipliers_of_both_rules_go_on(capsys, folder, monkeypatch, after):
    loss, words = ["--loss", "cals(margin=1),ce,cals_hr(margin=0.5),cals_hr(margin=1,gamma=2)"], ["--seeds", 2, "-q"]
    assert run(capsys, *files.words(folder, *loss, *words, out="through")).code == 0
    interrupted(capsys, folder, monkeypatch, *words[:2], after=after, loss=loss)
    assert run(capsys, *files.words(folder, *loss, *words, "--resume")).code == 0
    assert files.contents(folder / "run") == files.contents(folder / "through")
    heads = (folder / "run" / "losses").glob("cals*/head.json")
    multipliers = [value for head in heads for value in files.load(head)["multipliers"]["lambd"]]
    assert len({*multipliers} - {0.1}) > 3  # they have moved


def test_a_run_interrupted_twice(capsys, folder, monkeypatch):
    assert run(capsys, *files.words(folder, *LOSS, "-q", out="through")).code == 0
    interrupted(capsys, folder, monkeypatch, after=1)
    interrupted(capsys, folder, monkeypatch, "--resume", after=1)
    assert run(capsys, *files.words(folder, *LOSS, "-q", "--resume")).code == 0
    assert files.contents(folder / "run") == files.contents(folder / "through")


def test_without_resume_it_starts_again(capsys, folder, monkeypatch):
    assert run(capsys, *files.words(folder, *LOSS, "-q", out="through")).code == 0
    interrupted(capsys, folder, monkeypatch)
    assert run(capsys, *files.words(folder, *LOSS, "-q")).code == 0
    assert files.contents(folder / "run") == files.contents(folder / "through")


def test_a_finished_run_is_shown_and_not_touched(capsys, folder, monkeypatch):
    words = files.words(folder, *LOSS, "--resume")
    first = run(capsys, *words)
    assert first.err.startswith(f"{folder / 'run'} has no checkpoint; training starts from the beginning\n")
    before = files.contents(folder / "run")
    monkeypatch.setattr(Sweep, "step", None)
    again = run(capsys, *words)
    assert (again.code, again.out, again.err) == (0, first.out, f"{folder / 'run'} is already finished\n")
    assert files.contents(folder / "run") == before


def test_results_of_an_earlier_run_are_not_taken_for_this_one(capsys, folder, monkeypatch):
    """Killed at its start, a second run of the same command leaves the results of the first, but is not finished."""
    assert run(capsys, *files.words(folder, *LOSS, "-q")).code == 0
    before = files.contents(folder / "run")
    interrupted(capsys, folder, monkeypatch, "--overwrite", after=0)
    assert (folder / "run" / "history.jsonl").read_bytes() == b""
    assert run(capsys, *files.words(folder, *LOSS, "-q", "--resume")).code == 0
    assert files.contents(folder / "run") == before


@pytest.mark.parametrize(
    ("words", "difference"),
    [
        (["--lr", 0.5], "rate: None there, 0.5 here"),
        (["--epochs", 4], "epochs: 3 there, 4 here"),
        (["--loss", "ce"], "losses: ['ce', 'cals(margin=2)'] there, ['ce'] here"),
        (["--seeds", 2], "seeds: [0] there, [0, 1] here"),
        (["--head", "mlp"], "head: linear there, mlp here; hidden: None there, 512 here"),
        (["--no-standardize"], "standardize: True there, False here"),
        (["--ignore-index", 2], "ignore_index: None there, 2 here"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_another_command_is_refused(capsys, folder, monkeypatch, words, difference, finished):
    if finished:
        assert run(capsys, *files.words(folder, *LOSS, "-q")).code == 0
    else:
        interrupted(capsys, folder, monkeypatch)
    before = files.contents(folder / "run")
    if "--ignore-index" in words:
        difference = f"classes: 3 there, 2 here; {difference}"
    result = run(capsys, *files.words(folder, *LOSS, *words, "-q", "--resume"))
    place = folder / "run" / ("finetune.json" if finished else "checkpoint.safetensors")
    assert result.code == 2
    assert result.err == f"{place}: belongs to a different command ({difference}); start again without --resume\n"
    assert files.contents(folder / "run") == before


def test_other_data_are_refused(capsys, folder, monkeypatch):
    interrupted(capsys, folder, monkeypatch)
    files.write(folder / "val.npz", *files.rows(80, seed=9))
    result = run(capsys, *files.words(folder, *LOSS, "-q", "--resume"))
    assert (result.code, "belongs to a different command (sha256: " in result.err) == (2, True)


def test_another_head_is_refused(capsys, folder, monkeypatch):
    for out in ("one", "two"):
        assert (
            run(capsys, *files.words(folder, "--loss", "ce", "--seed", len(out) + (out == "two"), "-q", out=out)).code
            == 0
        )
    interrupted(capsys, folder, monkeypatch, "--head", folder / "one")
    result = run(capsys, *files.words(folder, *LOSS, "--head", folder / "two", "-q", "--resume"))
    assert (result.code, "belongs to a different command (start: " in result.err) == (2, True)


def test_another_version_is_refused(capsys, folder, monkeypatch):
    interrupted(capsys, folder, monkeypatch)
    monkeypatch.setattr("calibeval.runs.checkpoint.VERSION", "99.0")
    result = run(capsys, *files.words(folder, *LOSS, "-q", "--resume"))
    assert (result.code, "(version: 0.1.0 there, 99.0 here)" in result.err) == (2, True)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:0],
        lambda content: content[:60],
        lambda content: content[:-4],
        lambda content: content[:-40] + bytes(8) + content[-32:],
        lambda content: content.replace(b"calibeval.checkpoint/1", b"calibeval.checkpoint/2"),
        lambda content: content.replace(b'"sha256": "', b'"sha257": "'),
    ],
)
def test_a_damaged_checkpoint(capsys, folder, monkeypatch, damage):
    interrupted(capsys, folder, monkeypatch)
    path = folder / "run" / "checkpoint.safetensors"
    content = path.read_bytes()
    assert damage(content) != content
    path.write_bytes(damage(content))
    result = run(capsys, *files.words(folder, *LOSS, "-q", "--resume"))
    assert result.code == 3
    assert result.err.startswith(f"{path}: not a checkpoint, or damaged (")
    assert result.err.endswith("); start again without --resume\n")


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff", b'{"schema": "calibeval.finetune/2"}', b'["a"]', b"[" * 100_000]
)
def test_a_damaged_table(capsys, folder, content):
    assert run(capsys, *files.words(folder, *LOSS, "-q")).code == 0
    (folder / "run" / "finetune.json").write_bytes(content)
    result = run(capsys, *files.words(folder, *LOSS, "-q", "--resume"))
    assert result.code == 3
    assert result.err.startswith(f"{folder / 'run' / 'finetune.json'}: ")
    assert result.err.endswith("; start again without --resume\n")


@pytest.mark.parametrize("content", [b"", b"{}\n"])
def test_a_history_that_is_too_short(capsys, folder, monkeypatch, content):
    interrupted(capsys, folder, monkeypatch)
    path = folder / "run" / "history.jsonl"
    whole = len(path.read_bytes())
    path.write_bytes(content)
    result = run(capsys, *files.words(folder, *LOSS, "-q", "--resume"))
    assert result.code == 3
    assert result.err == (
        f"{path}: has {len(content)} bytes, but had {whole} when the checkpoint was written; "
        "start again without --resume\n"
    )
    assert path.read_bytes() == content


def test_checkpoints_are_written_from_time_to_time(capsys, folder, monkeypatch):
    monkeypatch.setenv("CALIBEVAL_CHECKPOINT_SECONDS", "1000")
    written = []
    save = checkpoint.save
    monkeypatch.setattr(checkpoint, "save", lambda *given: (written.append(given[3]), save(*given)))
    assert run(capsys, *files.words(folder, *LOSS, "-q")).code == 0
    assert len(written) == 2  # at the beginning, and at the end
    assert written == [0, (folder / "run" / "history.jsonl").stat().st_size]


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "hung up")],
)
def test_signals_leave_a_run_that_goes_on(capsys, folder, number, code, word):
    epochs = ["--epochs", 100_000, "--patience", 0]
    command = [sys.executable, "-m", "calibeval", *map(str, files.words(folder, *LOSS, *epochs)), "--json", "-q"]
    environment = {**ENVIRONMENT, "CALIBEVAL_CHECKPOINT_SECONDS": "0"}
    history = folder / "run" / "history.jsonl"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        while process.poll() is None and not (history.exists() and history.stat().st_size > 3000):
            time.sleep(0.02)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, b"")
    assert json.loads(err) == failure(code, word)
    assert not list((folder / "run").glob(".*.tmp"))
    seen = len(history.read_text(encoding="utf-8").splitlines())
    step, left = Sweep.step, [3]

    def some(sweep):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return step(sweep)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sweep, "step", some)
        assert run(capsys, *files.words(folder, *LOSS, *epochs, "-q", "--resume")).code == 130
    lines = [json.loads(line)["epoch"] for line in history.read_text(encoding="utf-8").splitlines()]
    assert lines == list(range(1, len(lines) + 1))
    assert len(lines) >= seen
