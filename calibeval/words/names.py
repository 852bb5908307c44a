"""Names from files as harmless text, and our own text in ASCII where nothing else can be shown."""

from __future__ import annotations

import unicodedata

from calibeval.core.data.ci_commands import without_commands

# More marks than these on one letter would reach into the lines above.
_MOST_MARKS = 3
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
_ASCII = str.maketrans({"–": "-", "−": "-", "≤": "<=", "·": ",", "…": "...", "→": "->"})


def visible(name: str) -> str:
    r"""A name of any origin as one harmless line: characters that control, hide or reorder text become escapes.

    These are escape codes, line breaks, tabs, zero-width and bidirectional controls, and marks piled on one letter;
    also the first characters of what CI services take for a command. What `isolated` puts around a name stays: a pair
    of isolates reorders nothing outside it.

    >>> visible("cat\x1b[31m\n"), visible("a\u202eb"), visible("::error::no")
    ('cat\\x1b[31m\\n', 'a\\u202eb', '\\u003a:error::no')
    """
    shown, marks, pairs = [], 0, _pairs(name)
    for i, char in enumerate(name):
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        hostile = (category[0] == "C" and i not in pairs) or category in ("Zl", "Zp") or marks > _MOST_MARKS
        shown.append(char.encode("unicode_escape").decode("ascii") if hostile else char)
    return without_commands("".join(shown))


def _pairs(text: str) -> set[int]:
    """The places of isolates that are closed again, and of what closes them."""
    pairs: set[int] = set()
    open_: list[int] = []
    for i, char in enumerate(text):
        if char == _FIRST_STRONG_ISOLATE:
            open_.append(i)
        elif char == _POP_ISOLATE and open_:
            pairs |= {open_.pop(), i}
    return pairs


def about(name: str, text: str) -> str:
    """A warning with the name of the file that it is about, unless it begins with that name.

    >>> about("a.npz", "no bias"), about("a.npz#val", "a.npz holds the splits val and test")
    ('a.npz: no bias', 'a.npz holds the splits val and test')
    """
    return text if text.startswith(name.partition("#")[0]) else f"{name}: {text}"


def isolated(name: str) -> str:
    """The name, isolated if it has right-to-left letters, which would otherwise reorder the numbers next to it."""
    if any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in name):
        return f"{_FIRST_STRONG_ISOLATE}{name}{_POP_ISOLATE}"
    return name


def ascii_text(text: str) -> str:
    r"""The text in ASCII: our own signs in plain form, foreign letters as escapes.

    >>> ascii_text("−1.0 – 2.0 (≤ 3) né")
    '-1.0 to 2.0 (<= 3) n\\xe9'
    """
    plain = text.replace(" – ", " to ").replace(" · ", ", ").translate(_ASCII)
    return plain.encode("ascii", "backslashreplace").decode("ascii")
