"""The commands that a report proposes as the next step: what was typed, with what they need instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from calibeval.cli.options.reading import ReadingFlags
from calibeval.words.names import visible
from calibeval.words.next_step import Ways, quoted

CONFIGURATION = "calibeval.toml"


def ways(
    dumps: Sequence[str],
    flags: ReadingFlags,
    *,
    group: str | None = None,
    validation: str | None = None,
) -> Ways:
    """The commands for these dumps, read in the same way. validation: the split on which a map is fitted, if known.

    None can be proposed for standard input, or for names that a terminal cannot show as they are.

    >>> found = ways(["a b.npz#test"], ReadingFlags(kind="probs"), validation="a b.npz#val")
    >>> found.repair
    "calibeval report 'a b.npz#test' --kind probs --fit-on 'a b.npz#val'"
    >>> found.look, ways(["-"], ReadingFlags()).repair
    ("calibeval inspect 'a b.npz#test' --kind probs", None)
    """
    if "-" in dumps:
        return Ways()
    reading = [*dumps, *words_of(flags)]
    together = ["--group", group] if group is not None else []
    fitted = ["--cross-fit", "5", *together] if validation is None else ["--fit-on", validation, *together]
    init = [] if Path(CONFIGURATION).exists() else ["--init"]
    return Ways(
        repair=_command("report", *reading, *fitted),
        other=_command("report", *reading, *fitted, "--method", "auto"),
        classes=_command("report", *reading, *fitted, "--method", "vector"),
        limit=_command("gate", *reading, *together, *init),
        decide=_command("gate", *reading, *together, "--max", "ece=0.03", "--plan"),
        look=_command("inspect", *reading),
        compare=_command("compare", *reading, *together),
        platt=_command("report", *reading, *fitted, "--method", "platt"),
        decide_positive=_command("gate", *reading, *together, "--max", "ece_positive=0.03", "--plan"),
    )


def words_of(flags: ReadingFlags) -> list[str]:
    """The reading options as they are typed.

    >>> words_of(ReadingFlags(key=["labels=y"], renormalize=True, ignore_index=-1))
    ['--key', 'labels=y', '--ignore-index', '-1', '--renormalize']
    """
    words: list[str] = []
    for one in fields(flags):
        given, name = getattr(flags, one.name), f"--{one.name.replace('_', '-')}"
        if given is True:
            words.append(name)
        elif isinstance(given, list | tuple):
            words += [word for value in given for word in (name, str(value))]
        elif given is not None and given is not False:
            words += [name, str(given)]
    return words


def _command(*words: str) -> str | None:
    """The command as it can be pasted; None if showing it would change it."""
    command = " ".join(["calibeval", *map(quoted, words)])
    return command if visible(command) == command else None
