"""Names from files are never a command to a CI service, and never control a terminal, in any medium."""

import os
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import calibeval
from tests.cli.invoking import run

COMMANDS = ["::error::no", "  ::add-mask::x", "##[error]no", "##vso[task.setvariable variable=a]b", "##teamcity[x]"]
BREAKS = ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"]
CONTROLS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u200b\u200c\u200d\u200e\u200f\ufeff\x1b[31m\x00\x7f\x9b"
NAMES = [
    *COMMANDS,
    *(f"a{one}::error::no{one}##[error]no" for one in BREAKS),
    f"a{CONTROLS}b",
    "x" * 70 + " ::error::no",
]
NAMES += ["x" * 93 + "::error::no", "a ::error::no b ##vso[task]c"]


def check(text):
    """See that a text holds no command and no control."""
    for line in re.split("[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]", text):
        assert not line.lstrip().startswith("::"), line
        assert not re.search(r"##\w*\[", line), line
    assert not set(text) & set(CONTROLS.replace("[31m", "")), text


def dump(path, name, suffix="npz"):
    """A dump whose names are all this one."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 90)
    plain = name.replace("\x00", "")
    probs = 0.5 + 0.3 * (labels == 0)
    arrays = {
        "probs": np.stack([probs, 1 - probs], 1),
        "labels": labels,
        "class_names": np.array([plain, f"{plain}2"]),
        f"{plain.replace('/', '')}": np.where(np.arange(90) % 3 == 0, plain, f"{plain}3"),
        "slice": np.where(np.arange(90) % 2 == 0, plain, f"{plain}4"),
    }
    np.savez(path, **arrays)


@pytest.fixture(params=range(len(NAMES)))
def named(request, tmp_path, monkeypatch):
    """A dump with a hostile name, in a folder in which the name stands for itself."""
    monkeypatch.chdir(tmp_path)
    name = NAMES[request.param]
    file = f"{name.replace('/', '').replace(chr(0), '')}.npz"
    dump(tmp_path / "held.npz", name)
    Path("held.npz").rename(file)
    return file, name.replace("\x00", "")


def checked(capsys, *words, code=0):
    """Run a command, and look at all that it says and writes."""
    result = run(capsys, *words)
    assert result.code in (code if isinstance(code, tuple) else (code,)), result.err
    check(result.out)
    check(result.err)
    for path in (*Path().glob("*.*"), *Path("out").glob("*")):
        if path.suffix not in (".npz", ".png"):
            check(path.read_bytes().decode())
    return result


MEDIA = [[], ["--json"], ["--format", "md"], ["--format", "csv"], ["--format", "latex"]]


def test_reports(named, capsys):
    file, name = named
    for words in MEDIA:
        checked(capsys, "report", file, "--slice", "slice", *words)
        checked(capsys, "compare", file, file, "--slice", "slice", *words)
    checked(capsys, "report", file, "--slice", name.replace("/", ""))
    checked(capsys, "report", file, file, "--slice", "slice", "-o", "out", "--cross-fit", 2)
    checked(capsys, "compare", file, file, "--slice", "slice", "-o", "out")
    checked(capsys, "inspect", file)
    checked(capsys, "inspect", file, "--json")
    checked(capsys, "conventions", file)


def test_gates_and_maps(named, capsys):
    file, _ = named
    rules = ["--max", "ece=0.001", "--max", "nll=0.0001"]
    for words in ([], ["--json"], ["-o", "out", "--export", "junit=j.xml", "--export", "markdown=m.md"]):
        checked(capsys, "gate", file, *rules, "--baseline", file, "--max-increase", "nll=0.1", *words, code=1)
    ET.parse("j.xml")  # noqa: S314 - our own
    checked(capsys, "fit", file, "-o", "m.json")
    checked(capsys, "fit", file, "--json")
    checked(capsys, "apply", "m.json", file, "-o", f"new {file}", "--json")
    checked(capsys, "gate", file, "--init", "--slice", "slice")
    table = tomllib.loads(Path("calibeval.toml").read_text(encoding="utf-8"))
    assert table["gate"]["baseline"] == file
    assert run(capsys, "gate", file).code in (0, 1, 5)


def test_errors(named, capsys):
    file, name = named
    column = name.replace("/", "")
    for words in ([], ["--json"]):
        checked(capsys, "report", f"no{file}", *words, code=4)
        checked(capsys, "report", f"{file[:-4]}.nx", *words, code=4)
        checked(capsys, "report", file, "--slice", f"{column}5", *words, code=2)
        checked(capsys, "report", f"{file}#{name}", *words, code=(3, 4))
        checked(capsys, "report", file, "--logits-key", f"{name}6", *words, code=3)
        checked(capsys, "report", file, "--kind", name, *words, code=2)
        checked(capsys, name, *words, code=2)
        checked(capsys, "report", file, f"--{name}", *words, code=2)
        checked(capsys, "gate", file, "--max", f"{name}=1", *words, code=2)
        checked(capsys, "apply", file, file, "-o", "x.npz", *words, code=3)


@pytest.mark.parametrize("name", [b"a\xff.npz", b"\xff\n::error::no.npz", b"\xc3\x28\xe2\x80.npz"])
def test_names_that_are_not_utf_8(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    dump(tmp_path / "held.npz", "a")
    Path("held.npz").rename(os.fsdecode(name))
    file = os.fsdecode(name)
    for words in MEDIA:
        checked(capsys, "report", file, *words)
    checked(capsys, "inspect", file)
    checked(capsys, "report", file, "-o", "out")
    checked(capsys, "gate", file, "--max", "ece=0.001", "--export", "junit=j.xml", "--export", "markdown=m.md", code=1)
    result = checked(capsys, "gate", file, "--init", code=2)
    assert "is not UTF-8" in result.err
    assert not Path("calibeval.toml").exists()


@pytest.mark.parametrize(
    "name", ['a"b', "a'b", "a\\b", "a\nb", "a\u202eb", "a\U000e0001b", "a#[b]", "\ta", "a\x7fb", "é"]
)
def test_a_first_configuration_loads(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    dump(tmp_path / f"{name}.npz", name)
    checked(capsys, "gate", f"{name}.npz", "--init", "--slice", "slice")
    table = tomllib.loads(Path("calibeval.toml").read_text(encoding="utf-8"))
    assert table["gate"]["baseline"] == f"{name}.npz"
    assert calibeval.gate(f"{name}.npz", "calibeval.toml").dump["name"] == f"{name}.npz"
