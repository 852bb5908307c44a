"""No output is an input, a shard of one or another output, and pipes and devices are written to."""

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import calibeval
from calibeval import UsageError
from tests.cli.invoking import ENVIRONMENT, run

OVERWRITTEN = "is also an input and would be overwritten; name another output"
BASH = shutil.which("bash") or ""
ROWS = "prob_a,prob_b,label\n" + "0.8,0.2,a\n0.6,0.4,b\n0.3,0.7,b\n" * 10


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with dumps of several forms, as the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    for name in ("d/a.csv", "d/bins.csv", "one.csv", "val.csv", "s-00001-of-00002.csv", "s-00002-of-00002.csv"):
        twice = "0.9,0.1,a\n" if name in ("d/bins.csv", "s-00002-of-00002.csv") else ""  # no shard equals another
        (tmp_path / name).write_text(ROWS + twice)
    np.save(tmp_path / "y-00001-of-00002.npy", np.zeros(15, int))
    np.save(tmp_path / "y-00002-of-00002.npy", np.ones(15, int))
    np.savez(tmp_path / "dump.npz", probs=np.full((30, 2), 0.5))
    (tmp_path / "names.txt").write_text("a\nb\n")
    (tmp_path / "gate.toml").write_text('[gate]\nbaseline = "val.csv"\n[[gate.rule]]\nmetric = "ece"\nmax = 1\n')
    mapping = calibeval.fit("val.csv")
    mapping.save("map.json")
    os.link("one.csv", "hard.csv")
    Path("soft.csv").symlink_to("one.csv")
    Path("linked").symlink_to("d")
    return tmp_path


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


INPUTS = [
    ["report", "d/*.csv", "-o", "d"],
    ["report", "d", "-o", "d"],
    ["report", "d/*.csv", "-o", "linked"],
    ["report", "d/[ab]*.csv", "--figure", "d/a.csv"],
    ["report", "one.csv", "--figure", "one.csv"],
    ["report", "one.csv", "--figure", "./d/../one.csv"],
    ["report", "one.csv", "--figure", "hard.csv"],
    ["report", "one.csv", "--figure", "soft.csv"],
    ["report", "soft.csv", "--figure", "one.csv"],
    ["report", "one.csv", "val.csv", "--figure", "val.csv"],
    ["report", "one.csv", "--fit-on", "val.csv", "--figure", "val.csv"],
    ["report", "one.csv", "--fit-on", "d/*.csv", "-o", "d"],
    ["report", "one.csv", "--map", "map.json", "--figure", "map.json"],
    ["report", "s-00001-of-00002.csv", "--figure", "s-00002-of-00002.csv"],
    ["report", "dump.npz", "--labels", "y-*.npy", "--figure", "y-00002-of-00002.npy"],
    ["report", "dump.npz", "--labels", "y-00001-of-00002.npy", "--figure", "y-00002-of-00002.npy"],
    ["report", "one.csv", "--class-names", "names.txt", "--figure", "names.txt"],
    ["compare", "one.csv", "d/*.csv", "-o", "d"],
    ["fit", "d/*.csv", "-o", "d/a.csv"],
    ["fit", "s-00002-of-00002.csv", "-o", "s-00001-of-00002.csv"],
    ["apply", "map.json", "one.csv", "-o", "map.json"],
    ["apply", "map.json", "d/*.csv", "-o", "d/bins.csv"],
    ["apply", "map.json", "s-*-of-00002.csv#0", "-o", "s-00001-of-00002.csv"],
    ["gate", "one.csv", "--config", "gate.toml", "--export", "junit=gate.toml"],
    ["gate", "one.csv", "--config", "gate.toml", "--export", "junit=val.csv"],
    ["gate", "one.csv", "--max", "ece=1", "--baseline", "d/*.csv", "--export", "markdown=d/a.csv"],
]


@pytest.mark.parametrize("words", INPUTS, ids=" ".join)
def test_an_output_that_is_an_input(words, folder, capsys):
    if words[:2] == ["compare", "one.csv"]:
        Path("d/bins.csv").rename("d/compare.md")
        words = ["compare", "one.csv", "d/*.md", "--read-as", "csv", "-o", "d"]
    before = contents(folder)
    result = run(capsys, *words)
    assert (result.code, result.out) == (2, "")
    assert OVERWRITTEN in result.err
    assert contents(folder) == before


TWICE = [
    ["report", "one.csv", "-o", "out", "--figure", "out/reliability.svg"],
    ["report", "one.csv", "-o", "out", "--png", "--figure", "./out/../out/reliability.png"],
    ["gate", "one.csv", "--max", "ece=1", "--export", "junit=x", "--export", "markdown=./x"],
    ["gate", "one.csv", "--max", "ece=1", "-o", "out", "--export", "junit=out/report.html"],
    ["gate", "one.csv", "--max", "ece=1", "-o", "out", "--export", "junit=out"],
]


@pytest.mark.parametrize("words", TWICE, ids=" ".join)
def test_two_outputs_with_one_name(words, folder, capsys):
    before = contents(folder)
    result = run(capsys, *words)
    assert (result.code, result.out) == (2, "")
    assert "two outputs are to be written to this file" in result.err or "both a file and the folder" in result.err
    assert contents(folder) == before


def test_neighbours_that_may_be_written(capsys):
    assert run(capsys, "report", "one.csv", "-o", "out", "--figure", "out/other.svg", "-q").code == 0
    assert run(capsys, "report", "d/*.csv", "-o", "d/out", "-q").code == 0
    assert run(capsys, "fit", "one.csv", "-o", "map.json", "-q").code == 0


KINDS = {"folder": "a folder", "socket": "a socket", "to_folder": "a folder"}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    "words", [["fit", "one.csv", "-o"], ["report", "one.csv", "--figure"], ["apply", "map.json", "one.csv", "-o"]]
)
def test_what_can_not_be_written_to(name, words, folder, capsys):
    (folder / "folder").mkdir()
    Path("to_folder").symlink_to("folder")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
        result = run(capsys, *words, name)
    assert (result.code, result.out) == (2, "")
    assert result.err == f"{name}: this is {KINDS[name]}, which cannot be written to; name another output\n"
    assert not (folder / name).is_file()


def read_from(pipe, found):
    found.append(pipe.read_bytes())


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".jsonl", ".parquet"])
def test_a_pipe_is_written_to(suffix, folder, capsys):
    pipe, found = folder / f"pipe{suffix}", []
    os.mkfifo(pipe)
    Path(f"link{suffix}").symlink_to(pipe.name)
    for path in (pipe, folder / f"link{suffix}"):
        reader = threading.Thread(target=read_from, args=(pipe, found))
        reader.start()
        assert run(capsys, "apply", "map.json", "one.csv", "-o", path).code == 0
        reader.join()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert run(capsys, "apply", "map.json", "one.csv", "-o", f"file{suffix}").code == 0
    assert found == [(folder / f"file{suffix}").read_bytes()] * 2


def shell(command):
    """A command line of bash, in which calibeval is the program."""
    text = command.replace("calibeval", f"{sys.executable} -m calibeval")
    return subprocess.run([BASH, "-c", text], capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=60)


@pytest.mark.skipif(not BASH, reason="needs bash")
class TestInAShell:
    """What only a shell can name."""

    def test_a_process_that_reads(self, folder):
        done = shell("calibeval fit one.csv -q -o >(cat > read.json); sleep 0.5")
        assert (done.returncode, done.stderr) == (0, "")
        assert (folder / "read.json").read_bytes() == calibeval.fit("one.csv").to_json().encode()

    @pytest.mark.parametrize("redirection", ["", "| cat", "> out.txt; cat out.txt"])
    def test_standard_output(self, redirection):
        done = shell(f"calibeval fit one.csv -q -o /dev/stdout {redirection}")
        document, _, rest = done.stdout.partition("\n}\n")
        assert json.loads(document + "}")["method"] == "temperature"
        assert rest.startswith("Temperature") or "fitted on" in rest
        assert stat.S_ISLNK(Path("/dev/stdout").lstat().st_mode)

    def test_a_full_device(self):
        done = shell("calibeval fit one.csv -q -o /dev/full")
        assert (done.returncode, done.stdout) == (4, "")
        assert done.stderr == "/dev/full: cannot be written (No space left on device)\n"
        assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)

    def test_a_reader_that_has_gone(self):
        done = shell("calibeval fit one.csv -q -o >(true); echo $?")
        assert "Traceback" not in done.stderr


def test_python_refuses_the_same(folder):
    report = calibeval.evaluate("d/*.csv")
    before = contents(folder)
    with pytest.raises(UsageError, match=OVERWRITTEN):
        report.save("d")
    with pytest.raises(UsageError, match=OVERWRITTEN):
        calibeval.read("s-00001-of-00002.csv").save("s-00002-of-00002.csv")
    with pytest.raises(UsageError, match=OVERWRITTEN):
        calibeval.read("one.csv").save("hard.csv")
    with pytest.raises(UsageError, match="this is a folder"):
        calibeval.fit("one.csv").save("d")
    Path("one.csv").rename("compare.md")
    compared = calibeval.compare("compare.md", "val.csv", read_as="csv")
    with pytest.raises(UsageError, match=OVERWRITTEN):
        compared.save(".")
    Path("compare.md").rename("verdict.json")
    judged = calibeval.gate("verdict.json", {"metric": "ece", "max": 1}, read_as="csv")
    with pytest.raises(UsageError, match=OVERWRITTEN):
        judged.save(".")
    Path("verdict.json").rename("one.csv")
    assert contents(folder) == before
    report.save("elsewhere")
    assert (folder / "elsewhere" / "report.json").exists()
