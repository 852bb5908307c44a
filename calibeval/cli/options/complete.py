"""What a shell offers after an option: names from the tables, or from `choices` if a table needs numpy."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Complete = Callable[[str], list[str]]


def one_of(names: Iterable[str]) -> Complete:
    """The names that begin with the typed text.

    >>> one_of(["ece", "aece", "nll"])("a")
    ['aece']
    """
    known = tuple(name for name in names if " " not in name)  # shells take what is offered for words

    def complete(incomplete: str) -> list[str]:
        return [name for name in known if name.startswith(incomplete)]

    return complete


def list_of(names: Iterable[str]) -> Complete:
    """The last name of a list with commas; names that are already in the list are not offered again.

    >>> list_of(["ece", "aece", "nll"])("ece,")
    ['ece,aece', 'ece,nll']
    """
    known = tuple(names)

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [before + comma + n for n in known if n.startswith(last) and n not in before.split(",")]

    return complete


def key_of(names: Iterable[str]) -> Complete:
    """The name before the = of NAME=VALUE.

    >>> key_of(["ece", "nll"])("e")
    ['ece=']
    """
    known = tuple(f"{name}=" for name in names)

    def complete(incomplete: str) -> list[str]:
        return [name for name in known if name.startswith(incomplete)]

    return complete
