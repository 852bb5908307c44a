"""Every Python, console and bash block of README and docs is run; a console session must print what is shown."""

import difflib
import functools
import re
import shlex
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from tests.cli import invoking
from tests.readers.remote.serving_s3 import s3_server

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "sample_data/README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture
def run(capsys, monkeypatch):
    """Runs a command in this process, as on a terminal of 100 columns without colours: a process for each takes longer
    than what it does, and how the program starts and ends is tested elsewhere.
    """

    def running(command: str) -> invoking.Result:
        name, *words = shlex.split(command)
        assert name == "calibeval", f"only calibeval is run in console and bash blocks, not {name}"
        capsys.readouterr()  # what Python blocks printed
        with monkeypatch.context() as patch:
            patch.setenv("COLUMNS", "100")
            patch.setenv("NO_COLOR", "1")
            return invoking.run(capsys, *words)

    return running


@pytest.fixture
def bucket():
    """A server of S3 on this machine, with the dumps that the documents name."""
    with s3_server("my-bucket") as made:
        for i, name in enumerate(("val", "test")):
            content = (ROOT / "sample_data" / f"digits_{name}.npz").read_bytes()
            made.put(f"run-7/digits_{name}.npz", content)
            made.put(f"shards/part-{i + 1}-of-2.npz", content)
        made.put("run-7/digits_test_new.npz", content)
        yield made


def run_session(run, example) -> str | None:
    """Run the commands after each $ and compare what they print; a line of ... stands for any lines."""
    for command, expected in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", example.parsed, flags=re.MULTILINE):
        done = run(command)
        shown = [line.rstrip() for line in (done.err + done.out).rstrip().split("\n")]
        wanted = [line.rstrip() for line in expected.rstrip().split("\n")]
        pattern = r"\n".join(".*" if line == "..." else re.escape(line) for line in wanted)
        if not re.fullmatch(pattern, "\n".join(shown), flags=re.DOTALL):
            return "\n".join(difflib.unified_diff(wanted, shown, "in the document", "printed", lineterm=""))
    return None


def run_commands(run, example) -> str | None:
    """Run each line, without its comment; every command must succeed, whatever it prints."""
    for line in example.parsed.replace("\\\n", " ").splitlines():
        done = run(re.sub(r"\s+# .*", "", line))
        if done.code:
            return f"exit {done.code}: {line}\n{done.err}"
    return None


@pytest.mark.slow
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_blocks_of_a_document_run(path, run, tmp_path, monkeypatch, request):
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    monkeypatch.chdir(tmp_path)
    if "s3://my-bucket/" in path.read_text(encoding="utf-8"):
        request.getfixturevalue("bucket")
    parsers = [
        PythonCodeBlockParser(),
        CodeBlockParser(language="console", evaluator=functools.partial(run_session, run)),
        CodeBlockParser(language="bash", evaluator=functools.partial(run_commands, run)),
    ]
    document = Sybil(parsers=parsers).parse(path)
    document.namespace["__name__"] = "__main__"  # blocks are scripts
    for example in document.examples():
        example.evaluate()
