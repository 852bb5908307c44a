"""The program as a whole: exit codes, streams, signals, what importing it costs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from calibeval.cli import main as main_module
from calibeval.core.sums.kernel import kernel_words
from calibeval.core.version import VERSION
from tests.cli.invoking import ENVIRONMENT, failure, program, python, run

COMMANDS = ["report", "inspect"]
PROGRAM = [sys.executable, "-m", "calibeval"]


@pytest.fixture
def digits(sample_data):
    return sample_data / "digits_test.npz"


def test_version(capsys):
    result = run(capsys, "--version")
    assert result == (0, f"calibeval {VERSION} (kernel: {kernel_words()})\n", "")


def test_a_report_records_what_added_up_the_rows(capsys, digits, monkeypatch):
    monkeypatch.setenv("CALIBEVAL_KERNEL", "numpy")
    assert run(capsys, "--version").out == f"calibeval {VERSION} (kernel: numpy)\n"
    assert json.loads(run(capsys, "report", str(digits), "--json").out)["environment"]["kernel"] == "numpy"
    monkeypatch.setenv("CALIBEVAL_KERNEL", "cobol")
    refused = run(capsys, "report", str(digits), "--json")
    assert (refused.code, refused.out) == (2, "")
    assert "CALIBEVAL_KERNEL is 'cobol', but it must be 'numpy' or 'native'" in refused.err
    version = run(capsys, "--version")
    assert (version.code, version.out) == (2, f"calibeval {VERSION}\n")
    assert "CALIBEVAL_KERNEL is 'cobol'" in version.err


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_the_commands(flag, capsys):
    result = run(capsys, flag)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Usage: calibeval [OPTIONS] COMMAND [ARGS]...")
    assert all(f"\n  {command} " in result.out for command in COMMANDS)


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_commands(command, flag, capsys):
    result = run(capsys, command, flag)
    assert (result.code, result.err) == (0, "")
    assert f"Usage: calibeval {command} " in result.out
    everything = run(capsys, command, "--help-all").out
    for option in ("--json", "--kind", "--labels-key", "--ignore-index", "--class-names", "--max-bytes", "--debug"):
        assert option in everything


USAGE = [
    ([], "Usage: calibeval"),
    (["reprot", "x"], "No such command 'reprot'. Did you mean 'report'?"),
    (["report"], "Missing argument 'DUMP...'."),
    (["report", "x.npz", "--jsn"], "No such option: --jsn"),
    (["report", "x.npz", "--bins"], "Option '--bins' requires an argument."),
    (["report", "x.npz", "--bins", "ten"], "Invalid value for '--bins'"),
    (["report", "x.npz", "--jobs", "0"], "Invalid value for '--jobs'"),
    (["report", "x.npz", "--max-bytes", "0"], "Invalid value for '--max-bytes'"),
    (["--colour"], "No such option: --colour"),
]


@pytest.mark.parametrize(("arguments", "message"), USAGE)
def test_wrong_usage(arguments, message, capsys):
    result = run(capsys, *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(("arguments", "message"), [case for case in USAGE if case[0][:1] == ["report"]])
def test_wrong_usage_as_json(arguments, message, capsys):
    result = run(capsys, "report", "--json", *arguments[1:])
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    error = json.loads(result.err)["error"]
    assert (error["kind"], error["exit_code"]) == ("usage", 2)
    assert message in error["message"]


def test_every_error_has_its_code():
    errors = main_module
    assert (errors.DONE, errors.WRONG_USAGE, errors.INVALID_INPUT, errors.FILE_PROBLEM) == (0, 2, 3, 4)
    assert (errors.BUG, errors.INTERRUPTED, errors.TERMINATED, errors.HUNG_UP) == (70, 130, 143, 129)


class Broken(Exception):
    """A bug."""


BUGS = [
    (Broken("what"), 70, "a bug in calibeval, please report it (Broken: what)\n"),
    (AssertionError(), 70, "a bug in calibeval, please report it (AssertionError: )\n"),
    (RecursionError("deep"), 70, "a bug in calibeval, please report it (RecursionError: deep)\n"),
    (KeyboardInterrupt(), 130, "interrupted\n"),
    (MemoryError(), 3, "there is not enough memory for this input\n"),
    (OSError(28, "No space left on device"), 4, "standard output: No space left on device\n"),
    (PermissionError(13, "Permission denied", "/x/y"), 4, "/x/y: Permission denied\n"),
]


@pytest.mark.parametrize(("error", "code", "message"), BUGS, ids=[type(bug[0]).__name__ for bug in BUGS])
def test_what_nobody_expected(error, code, message, digits, capsys, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("calibeval.core.evaluation.evaluate.evaluate_dump", fail)
    assert run(capsys, "report", digits) == (code, "", message)
    as_json = run(capsys, "report", digits, "--json")
    assert json.loads(as_json.err) == failure(code, message.rstrip("\n"))
    debug = run(capsys, "report", digits, "--debug")
    assert debug.code == code
    assert message in debug.err
    assert debug.err.startswith("Traceback (most recent call last):")


def test_names_from_files_cannot_steer_the_terminal(tmp_path, capsys):
    np.savez(tmp_path / "d.npz", **{"\x1b[31mred\x07": np.zeros((2, 2)), "labels": np.zeros(2, int)})
    result = run(capsys, "report", tmp_path / "d.npz")
    assert result.code == 3
    assert "\\x1b[31mred\\x07" in result.err
    assert "\x1b" not in result.err


def test_the_program_s_exit_codes(digits, tmp_path):
    (tmp_path / "empty.npz").touch()
    assert program("report", digits, "--json").code == 0
    assert program("report", digits, "--jsn").code == 2
    assert program("report", tmp_path / "empty.npz") == (3, "", "empty.npz: the file is empty\n")
    assert program("report", "no.npz") == (4, "", "no.npz: there is no such file\n")


def test_the_installed_command_is_the_module():
    command = Path(sys.executable).parent / "calibeval"
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert done.stdout.startswith(f"calibeval {VERSION} (kernel: ")


@pytest.mark.parametrize("arguments", [["--json"], [], ["--format", "md"]])
def test_a_reader_that_goes_away(arguments, digits):
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            [*PROGRAM, "report", str(digits), "-q", *arguments],
            stdout=write_end,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=ENVIRONMENT,
        )
    finally:
        os.close(write_end)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [["report", "--json"], ["inspect"]])
def test_a_full_disk(arguments, digits):
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [*PROGRAM, arguments[0], str(digits), *arguments[1:]],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=ENVIRONMENT,
        )
    assert done.returncode == 4
    assert "standard output: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("redirection", "code"), [(">&-", 4), ("2>&-", 0), ("2>&- --bins 0", 2), (">&- 2>&-", 4)])
def test_closed_streams(redirection, code, digits):
    command = f'"{sys.executable}" -m calibeval report "{digits}" --json {redirection}'
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "hung up")],
)
def test_signals(number, code, word):
    # The program waits for more rows; more than a pipe holds is written only when it has begun to read.
    with subprocess.Popen(
        [*PROGRAM, "report", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as process:
        process.stdin.write("prob_0,prob_1,label\n" + "0.5,0.5,1\n" * 50_000)
        process.stdin.flush()
        time.sleep(1)  # until it has read all of it
        process.send_signal(number)
        process.wait(timeout=60)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (code, "", f"{word}\n")


HEAVY = ("numpy", "torch", "matplotlib", "pandas", "scipy", "rich", "fsspec", "aiohttp")


def loaded(output):
    return [name for name in HEAVY if name in output.split()]


def test_importing_the_command_line_imports_nothing_heavy():
    assert loaded(python("import sys, calibeval.cli.main; print(*sys.modules)")) == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["report", "--help"]])
def test_help_imports_nothing_heavy(arguments):
    code = "import sys; from calibeval.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    assert loaded(python(code, *arguments)) == []


def test_a_json_report_imports_numpy_only(digits):
    code = "import sys; from calibeval.cli.main import main; assert main(sys.argv[1:]) == 0; print(*sys.modules)"
    assert loaded(python(code, "report", digits, "--json")) == ["numpy"]


def test_a_command_imports_no_other_command_and_what_was_not_asked_for(digits):
    code = "import sys; from calibeval.cli.main import main; assert main(sys.argv[1:]) == 0; print(*sys.modules)"
    found = python(code, "report", digits, "--json").split()
    assert [name for name in found if name.startswith("calibeval.cli.commands.")] == ["calibeval.cli.commands.report"]
    waiting = (
        *("core.metrics.requested", "core.evaluation.slices", "core.evaluation.groups", "core.conventions.metrics"),
        *("core.uncertainty.paired_paths", "core.uncertainty.paired_means", "core.uncertainty.few_errors"),
        *("readers.cases.folder", "readers.formats.cells", "readers.meaning.labels_file", "readers.stored.spool"),
        *("readers.meaning.paired_labels", "writers.atomic", "core.dense.case"),
    )
    python_s = ("numpy.ma", "logging", "concurrent.futures", "tempfile")
    assert [name for name in (*(f"calibeval.{one}" for one in waiting), *python_s) if name in found] == []


def test_the_public_names_come_on_first_use():
    assert loaded(python("import sys, calibeval; print(*sys.modules)")) == []
