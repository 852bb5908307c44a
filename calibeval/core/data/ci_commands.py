"""Text in which CI services find no commands: their logs are read for lines such as `::error::` or `##vso[...]`."""

from __future__ import annotations

import re

# GitHub takes it for a command at the start of a line, also after blanks; text may be wrapped at any blank.
_AT_START = r"(?<!\S):(?=:)"
# Other services take it for one anywhere in a line: ##[error], ##vso[task], ##teamcity[message].
_ANYWHERE = r"#(?=#\w*\[)"


def without_commands(text: str) -> str:
    r"""The text with the first character of each such command as an escape, which JSON and TOML read as that character.

    >>> without_commands("a::b\n ::error::c\n##[error]d\nx##vso[task]e # ##")
    'a::b\n \\u003a:error::c\n\\u0023#[error]d\nx\\u0023#vso[task]e # ##'
    """
    if "::" in text:
        text = re.sub(_AT_START, r"\\u003a", text)
    return re.sub(_ANYWHERE, r"\\u0023", text) if "##" in text else text
