"""TOML from strangers: what would take Python's parser minutes, or break it, is refused before it is parsed."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from calibeval.core.errors import InputError, cut

MOST_BYTES = 2**20
MOST_PARTS = 100  # of a dotted key: the parser takes time, and memory, with the square of their number
_PART = r"""(?>[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_LONG_KEY = re.compile(rf"(?<![\w-]){_PART}(?>[ \t]*\.[ \t]*{_PART}){{{MOST_PARTS}}}")


def read_toml(content: bytes) -> dict[str, Any]:
    r"""The table of a TOML document.

    Raises: InputError for what is no TOML, or more than any configuration holds.

    >>> read_toml(b"[gate]\nlevel = 0.9")
    {'gate': {'level': 0.9}}
    """
    if len(content) > MOST_BYTES:
        raise InputError(f"has more than {MOST_BYTES // 2**20} MiB, which no configuration needs")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError("is not UTF-8 text, but TOML must be") from None
    long = _LONG_KEY.search(text)
    if long is not None:
        line = text.count("\n", 0, long.start()) + 1
        raise InputError(f"line {line}: a key has more than {MOST_PARTS} parts")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"is not valid TOML: {cut(str(error), 200)}") from None
    except RecursionError:
        raise InputError("is not valid TOML: it is nested too deeply") from None
    except ValueError:  # Python's limit on the digits of a whole number
        raise InputError("is not valid TOML: a whole number has thousands of digits") from None
