"""Where long names may be broken over lines: after their separators, and only where there is none, anywhere.

A break is an element, not a character, so that a copied name is the name.
"""

from __future__ import annotations

import re
from html import unescape

from markupsafe import escape

# Words of up to SHORT characters stay whole; parts of more than LONG without a separator may break anywhere.
SHORT, LONG = 14, 24
_NAMES = re.compile(r"(<(bdi|h1)>)([^<]+)(</\2>)")
_WORD = re.compile(r"[^\s\N{NO-BREAK SPACE}]+")
# After a sign that joins words, but before no other such sign, and not inside a number.
_BREAK = re.compile(
    r"(?<=[/\\_#=|@:])(?=[^/\\_#=|@:.,-])|(?<=[-+.,])(?<!\d[-+.,])(?<!\de[-+])(?=\w)|(?<=\d[-+.,])(?=[^\W\d])"
)
# Browsers break after the sign between two numbers.
_RANGE = re.compile(r"\d-\d")


def breakable(html: str) -> str:
    """The page with places for breaks in names, which are in `bdi`, and in its first heading.

    >>> breakable("<bdi>runs/resnet_20-final.npz#test</bdi>")
    '<bdi>runs/<wbr>resnet_<wbr>20-<wbr>final.<wbr>npz#<wbr>test</bdi>'
    >>> breakable("<bdi>margin=0.1,alpha=1e-05</bdi>"), breakable("<bdi>a.npz</bdi>")
    ('<bdi>margin=<wbr>0.1,<wbr>alpha=<wbr>1e-05</bdi>', '<bdi>a.npz</bdi>')
    """
    return _NAMES.sub(lambda found: found[1] + _WORD.sub(_word, unescape(found[3])) + found[4], html)


def _word(found: re.Match[str]) -> str:
    return "<wbr>".join(map(_part, _BREAK.split(found[0]) if len(found[0]) > SHORT else [found[0]]))


def _part(part: str) -> str:
    text = str(escape(part))
    if len(part) > LONG:
        return f'<span class="long">{text}</span>'
    return f'<span class="whole">{text}</span>' if _RANGE.search(part) else text
