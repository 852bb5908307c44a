"""The action for GitHub: its steps are run as a runner runs them, with inputs that try to be code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap

import pytest

from tests.conftest import ROOT

TEXT = (ROOT / "action.yml").read_text(encoding="utf-8")
SCRIPTS = [textwrap.dedent(block) for block in re.findall(r"^ +run: \|\n((?: {8}.*\n|\n)+)", TEXT, flags=re.MULTILINE)]
INPUTS = re.findall(r"^  ([a-z-]+):\n    description", TEXT.split("outputs:")[0], flags=re.MULTILINE)


@pytest.fixture
def runner(tmp_path):
    """A runner's folders, with calibeval where the first step would have put it."""
    programs = tmp_path / "temp/calibeval/bin"
    programs.mkdir(parents=True)
    program = programs / "calibeval"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m calibeval "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / "work").mkdir()
    (tmp_path / "work/sample_data").symlink_to(ROOT / "sample_data")
    return tmp_path


def judge(runner, **inputs):
    names = {
        f"CALIBEVAL_{name.upper()}": inputs.get(name, "") for name in ("dump", "baseline", "config", "args", "comment")
    }
    variables = {
        "RUNNER_TEMP": runner / "temp",
        "GITHUB_STEP_SUMMARY": runner / "summary",
        "GITHUB_OUTPUT": runner / "output",
        "PYTHONPATH": ROOT,
    }
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", SCRIPTS[1]],  # noqa: S607 - as a runner does
        env={**os.environ, **names, **{key: str(value) for key, value in variables.items()}},
        cwd=runner / "work",
        capture_output=True,
        text=True,
        check=False,
    )


def test_inputs_reach_the_shell_as_variables_only():
    assert len(SCRIPTS) == 3
    assert not any("${{" in script for script in SCRIPTS)
    assert sorted(INPUTS) == sorted(
        re.findall(r"^        CALIBEVAL_\w+: \$\{\{ inputs\.([a-z]+) \}\}$", TEXT, re.MULTILINE)
    )


def test_a_verdict_and_its_outputs(runner):
    arguments = "--max\nece=0.01\n--export\njunit=result of the gate.xml"
    done = judge(runner, dump="sample_data/digits_test.npz", args=arguments)
    assert done.returncode == 1, done.stderr
    assert "::error title=calibeval gate failed::ECE ≤ 1.00 %25: 5.82" in done.stdout
    assert (runner / "output").read_text(encoding="utf-8").startswith("verdict=fail\nexit-code=1\n")
    assert (runner / "work/result of the gate.xml").exists()


def test_configuration_and_baseline(runner):
    rules = "[[gate.rule]]\nmetric='nll'\nmax_increase=0.1\n"
    (runner / "work/my rules.toml").write_text(rules, encoding="utf-8")
    dump = "sample_data/digits_test.npz"
    done = judge(runner, dump=dump, baseline=dump, config="my rules.toml")
    assert done.returncode == 0, done.stderr
    assert "PASSED: 1 rule" in done.stdout


def test_a_pattern_with_axes_stays_one_word(runner):
    done = judge(runner, dump="sample_data/digits_{split}.npz", args="--min\naccuracy=0.85")
    assert done.returncode == 0, done.stderr
    assert "worst cell over split" in done.stdout


@pytest.mark.parametrize("name", ["$(touch pwned)", "`touch pwned`", "; touch pwned", "--init", "-o pwned", "a\nb"])
@pytest.mark.parametrize("place", ["dump", "baseline", "config"])
def test_inputs_are_names_and_never_code(runner, name, place):
    done = judge(runner, **{"dump": "sample_data/digits_test.npz", "args": "--max\nece=0.5", place: name})
    assert done.returncode in (3, 4), done.stderr
    assert sorted(path.name for path in (runner / "work").iterdir()) == ["sample_data"]


@pytest.mark.parametrize(("extras", "expected"), [("", "/the/action"), ("parquet,torch", "/the/action[parquet,torch]")])
def test_what_is_installed(runner, extras, expected):
    fake = runner / "fake"
    fake.mkdir()
    python = fake / "python3"
    pip = '#!/bin/sh\nfor word; do last=$word; done; echo "$last"\n'
    make = f'#!/bin/sh\nmkdir -p "$3/bin"\ncat > "$3/bin/python" <<\'END\'\n{pip}END\nchmod +x "$3/bin/python"\n'
    python.write_text(make, encoding="utf-8")
    python.chmod(0o755)
    variables = {
        "PATH": f"{fake}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(runner / "temp"),
        "GITHUB_ACTION_PATH": "/the/action",
        "CALIBEVAL_EXTRAS": extras,
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", SCRIPTS[0]],  # noqa: S607 - as a runner does
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == expected


GH = """#!/bin/sh
echo "$*" >> "$RECORD"
case "$1 $2" in
"api --paginate") [ "$READABLE" = no ] && exit 1; printf "$FOUND" ;;
*) [ "$WRITABLE" = no ] && exit 1; exit 0 ;;
esac
"""


def comment(runner, body="<!-- calibeval:a.npz -->\n### calibeval gate: PASSED\n", **variables):
    """What the last step prints, and how it calls `gh`."""
    fake, record = runner / "fake", runner / "record"
    fake.mkdir(exist_ok=True)
    (fake / "gh").write_text(GH, encoding="utf-8")
    (fake / "gh").chmod(0o755)
    record.write_text("", encoding="utf-8")
    if body is not None:
        (runner / "temp/calibeval-comment.md").write_text(body, encoding="utf-8")
    known = {"RECORD": record, "RUNNER_TEMP": runner / "temp", "CALIBEVAL_PULL": 7, "GITHUB_REPOSITORY": "who/what"}
    known |= {"PATH": f"{fake}:{os.environ['PATH']}", "FOUND": "", **variables}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", SCRIPTS[2]],  # noqa: S607 - as a runner does
        env={**os.environ, **{key: str(value) for key, value in known.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, record.read_text(encoding="utf-8").splitlines()


def test_a_pull_request_gets_one_comment_and_later_pushes_update_it(runner):
    field = f"--field body=@{runner}/temp/calibeval-comment.md"
    said, calls = comment(runner)
    assert said == ""
    search = "--jq .[] | select(.body | startswith(env.CALIBEVAL_MARK)) | .id"
    assert calls[0] == f"api --paginate repos/who/what/issues/7/comments?per_page=100 {search}"
    assert calls[1] == f"api --silent --method POST repos/who/what/issues/7/comments {field}"
    said, calls = comment(runner, FOUND="123\\n456\\n")
    assert said == ""
    assert calls[1] == f"api --silent --method PATCH repos/who/what/issues/comments/123 {field}"


@pytest.mark.parametrize("right", ["READABLE", "WRITABLE"])
def test_without_the_right_to_comment_the_summary_is_named(runner, right):
    said, _ = comment(runner, **{right: "no"})
    assert said.startswith("::notice title=calibeval gate::no comment could be written: the job needs pull-requests: ")
    assert "which a pull request from a fork does not get; the summary of this job has the verdict" in said
    assert comment(runner, body="", **{right: "no"}) == ("", [])


@pytest.mark.parametrize("args", ["", "--export\nmarkdown=mine.md", "--why\n--export\nmd=mine.md"])
def test_the_comment_is_the_verdict(runner, args):
    done = judge(runner, dump="sample_data/digits_test.npz", args=f"--max\nece=0.01\n{args}", comment="true")
    assert done.returncode == 1, done.stderr
    text = (runner / "temp/calibeval-comment.md").read_text(encoding="utf-8")
    assert text.startswith("<!-- calibeval:digits_test.npz -->\n### calibeval gate: FAILED: 1 of 1 rule\n")
    assert not args or (runner / "work/mine.md").read_text(encoding="utf-8") == text


def test_no_comment_about_a_dump_that_could_not_be_read(runner):
    (runner / "temp/calibeval-comment.md").write_text("of the last run", encoding="utf-8")
    assert judge(runner, dump="missing.npz", args="--max\nece=0.01", comment="true").returncode == 4
    assert not (runner / "temp/calibeval-comment.md").exists()
