"""Every Python block and every console session of README and docs is run; a session's output must be what is shown."""

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


def run_session(example) -> str | None:
    """Run the commands after each $ and compare what they print; a line of ... stands for any lines."""
    for command, expected in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", example.parsed, flags=re.MULTILINE):
        words = shlex.split(command)
        assert words[0] == "calibeval", f"only calibeval is run in console blocks, not {words[0]}"
        done = subprocess.run(
            [sys.executable, "-m", "calibeval", *words[1:]],
            capture_output=True,
            check=False,
            encoding="utf-8",
            env={**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"},
        )
        shown = [line.rstrip() for line in (done.stderr + done.stdout).rstrip().split("\n")]
        wanted = [line.rstrip() for line in expected.rstrip().split("\n")]
        pattern = r"\n".join(".*" if line == "..." else re.escape(line) for line in wanted)
        if not re.fullmatch(pattern, "\n".join(shown), flags=re.DOTALL):
            return "\n".join(difflib.unified_diff(wanted, shown, "in the document", "printed", lineterm=""))
    return None


@pytest.mark.slow
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_blocks_of_a_document_run(path, tmp_path, monkeypatch):
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    monkeypatch.chdir(tmp_path)
    parsers = [PythonCodeBlockParser(), CodeBlockParser(language="console", evaluator=run_session)]
    for example in Sybil(parsers=parsers).parse(path).examples():
        example.evaluate()
