"""Every Python, console and bash block of README and docs is run; a console session must print what is shown."""

import difflib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "sample_data/README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def run(command: str) -> subprocess.CompletedProcess[str]:
    words = shlex.split(command)
    assert words[0] == "calibeval", f"only calibeval is run in console and bash blocks, not {words[0]}"
    return subprocess.run(
        [sys.executable, "-m", "calibeval", *words[1:]],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"},
    )


def run_session(example) -> str | None:
    """Run the commands after each $ and compare what they print; a line of ... stands for any lines."""
    for command, expected in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", example.parsed, flags=re.MULTILINE):
        done = run(command)
        shown = [line.rstrip() for line in (done.stderr + done.stdout).rstrip().split("\n")]
        wanted = [line.rstrip() for line in expected.rstrip().split("\n")]
        pattern = r"\n".join(".*" if line == "..." else re.escape(line) for line in wanted)
        if not re.fullmatch(pattern, "\n".join(shown), flags=re.DOTALL):
            return "\n".join(difflib.unified_diff(wanted, shown, "in the document", "printed", lineterm=""))
    return None


def run_commands(example) -> str | None:
    """Run each line, without its comment; every command must succeed, whatever it prints."""
    for line in example.parsed.replace("\\\n", " ").splitlines():
        done = run(re.sub(r"\s+# .*", "", line))
        if done.returncode:
            return f"exit {done.returncode}: {line}\n{done.stderr}"
    return None


@pytest.mark.slow
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_blocks_of_a_document_run(path, tmp_path, monkeypatch):
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    monkeypatch.chdir(tmp_path)
    parsers = [
        PythonCodeBlockParser(),
        CodeBlockParser(language="console", evaluator=run_session),
        CodeBlockParser(language="bash", evaluator=run_commands),
    ]
    for example in Sybil(parsers=parsers).parse(path).examples():
        example.evaluate()
