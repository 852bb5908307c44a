"""The end of a first view: the next step with its command, and what the view leaves out."""

from __future__ import annotations

import shlex
import textwrap

from calibeval.words.names import ascii_text
from calibeval.words.next_step import Step, quoted

_LEAD = "Next: "


def render(step: Step | None, left_out: str, *, width: int, ascii_only: bool) -> str:
    r"""The step on lines of its own, then what is left out; the command can be pasted as it stands, also on two lines.

    >>> print(render(Step("set limits", "calibeval gate a.npz --init"), "", width=24, ascii_only=False), end="")
    <BLANKLINE>
    Next: set limits
          calibeval gate \
            a.npz --init
    """
    indent = " " * len(_LEAD)
    lines: list[str] = []
    if step is not None:
        words = ascii_text(step.sentence) if ascii_only else step.sentence
        lines += ["", *textwrap.wrap(f"{_LEAD}{words}", width, subsequent_indent=indent)]
        lines += [] if step.command is None else _pasteable(step.command, indent, width)
    shown = ascii_text(left_out) if ascii_only else left_out
    lines += ["", *textwrap.wrap(shown, width)] if left_out else []
    return "".join(f"{line}\n" for line in lines)


def _pasteable(command: str, indent: str, width: int) -> list[str]:
    """The command, continued with a backslash where it does not fit."""
    if not command.startswith("calibeval ") or len(indent) + len(command) <= width:
        return [indent + command]
    lines, room = [indent], width - 2
    for word in map(quoted, shlex.split(command)):
        if lines[-1].strip() and len(lines[-1]) + 1 + len(word) > room:
            lines[-1] += " \\"
            lines.append(f"{indent}  {word}")
        else:
            lines[-1] += word if not lines[-1].strip() else f" {word}"
    return lines
