"""What becomes of a verdict whose reader has gone, or whose streams are closed or full."""

import json
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.cli.invoking import ENVIRONMENT

BASH = shutil.which("bash") or ""
PROGRAM = f"{shlex.quote(sys.executable)} -m calibeval"

pytestmark = pytest.mark.skipif(not BASH, reason="needs bash")


def shell(command, folder, **more):
    """Standard output, standard error, and the exit code of the program in the pipe."""
    done = subprocess.run(
        [BASH, "-c", f"{command}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
        env={**ENVIRONMENT, **more},
        cwd=folder,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    return done


RULES = {"fails": ("--max ece=0.001", 1), "passes": ("--max ece=1", 0)}
ENDS = ["| true", "| head -1", "--json | true", "--json | head -1", "--github | true", "-o out | true"]
ENDS += ["2>&1 | true", "2>&-", "2>/dev/full", "--json --github 2>&- | cat", "--json --github 2>/dev/full | cat"]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("rules", ["fails", "passes"])
def test_the_exit_code_is_that_of_the_verdict(rules, end, sample_data, tmp_path):
    limit, code = RULES[rules]
    dump = shlex.quote(str(sample_data / "digits_test.npz"))
    # The reader is gone before the verdict comes.
    assert shell(f"{PROGRAM} gate {dump} {limit} {end}", tmp_path).returncode == code
    if "-o" in end:
        assert json.loads((tmp_path / "out" / "verdict.json").read_text())["verdict"] == ("fail" if code else "pass")


def test_what_github_is_told_does_not_depend_on_a_reader(sample_data, tmp_path):
    dump = shlex.quote(str(sample_data / "digits_test.npz"))
    (tmp_path / "output").touch()
    done = shell(f"{PROGRAM} gate {dump} --max ece=0.001 --github | true", tmp_path, GITHUB_OUTPUT="output")
    assert done.returncode == 1
    assert "verdict=fail" in (tmp_path / "output").read_text()


@pytest.mark.parametrize("end", [">&-", ">/dev/full", ">&- 2>&-", "--json >/dev/full"])
def test_a_verdict_that_can_not_be_shown_is_no_pass(end, sample_data, tmp_path):
    dump = shlex.quote(str(sample_data / "digits_test.npz"))
    assert shell(f"{PROGRAM} gate {dump} --max ece=1 {end}", tmp_path).returncode == 4


@pytest.mark.parametrize("closed", ["2>&-", "<&-", "<&- 2>&-"])
def test_no_file_takes_the_number_of_a_closed_stream(closed, sample_data, tmp_path):
    dump = shlex.quote(str(sample_data / "digits_test.npz"))
    assert shell(f"{PROGRAM} fit {dump} -o m.json --json {closed} > out.json", tmp_path).returncode == 0
    assert (tmp_path / "m.json").read_bytes() == (tmp_path / "out.json").read_bytes()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["m.json", "out.json"]


@pytest.mark.parametrize("command", ["--help", "report --help", "--version"])
def test_help_that_nobody_reads(command, tmp_path):
    assert shell(f"{PROGRAM} {command} | true", tmp_path).returncode == 0


def test_a_full_standard_error_under_debug(tmp_path):
    assert shell(f"{PROGRAM} report nothing.npz --debug 2>/dev/full", tmp_path).returncode == 4
