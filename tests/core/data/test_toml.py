"""TOML that would take minutes, or gigabytes, or break Python's parser, is refused within a moment."""

from __future__ import annotations

import time

import pytest

from calibeval.core.data.toml import MOST_BYTES, MOST_PARTS, read_toml
from calibeval.core.errors import InputError

LONG = "a." * 10**5 + "b"
HOSTILE = {
    f"{LONG} = 1": "line 1: a key has more than 100 parts",
    f"x = 1\n[{LONG}]": "line 2: a key has more than 100 parts",
    f"[[{LONG}]]": "line 1: a key has more than 100 parts",
    f"x = {{ {LONG} = 1 }}": "line 1: a key has more than 100 parts",
    '"a" . ' * 10**5 + "b = 1": "line 1: a key has more than 100 parts",
    "'a'\t.\t" * 10**5 + "b = 1": "line 1: a key has more than 100 parts",
    "x = " + "9" * 5000: "is not valid TOML: a whole number has thousands of digits",
    "x = -" + "1_" * 5000 + "1": "is not valid TOML: a whole number has thousands of digits",
    "x = " + "[" * 10**5: "is not valid TOML: it is nested too deeply",
    "x = " + "{a=" * 10**5: "is not valid TOML: it is nested too deeply",
    "x" * MOST_BYTES + "=": "has more than 1 MiB, which no configuration needs",
    "x" * (MOST_BYTES - 1): "is not valid TOML: Expected '=' after a key in a key/value pair (at end of document)",
    '"' * (MOST_BYTES - 1): "is not valid TOML: ",
    "a." * (MOST_BYTES // 2 - 1): "line 1: a key has more than 100 parts",
    "x = 1979-99-99": "is not valid TOML: ",
    "\x00": "is not valid TOML: ",
    "k = 1\n" * 2: "is not valid TOML: Cannot overwrite a value (at line 2, column 6)",
}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts(text):
    start = time.perf_counter()
    with pytest.raises(InputError) as error:
        read_toml(text.encode())
    assert time.perf_counter() - start < 1
    assert str(error.value).startswith(HOSTILE[text])
    assert len(str(error.value)) < 250


def test_what_is_no_text():
    with pytest.raises(InputError, match="is not UTF-8 text, but TOML must be"):
        read_toml(b"x = '\xff'")


def test_usual_texts():
    parts = ".".join("a" * MOST_PARTS)
    assert "a" in read_toml(f"{parts} = 1".encode())
    assert read_toml(f'x = "{"a word. " * 1000}"'.encode())["x"] == "a word. " * 1000
    many = "\n".join(f"[table{i}]\nkey{i} = {i}" for i in range(20_000))
    assert len(read_toml(many.encode())) == 20_000
