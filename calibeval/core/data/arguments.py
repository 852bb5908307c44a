"""Arguments of public functions: each check returns the value, or says which argument it is, what came, what can be.

Scalars of numpy count as those of Python, and become them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import Any, TypeVar

import numpy as np

from calibeval.core.data.ranges import MOST_BITS, THOUSANDS_OF_DIGITS, check_whole
from calibeval.core.errors import UsageError, nearest

Check = Callable[[str, Any], Any]
T = TypeVar("T")
LONGEST = 60  # characters of a value that is shown


def came(value: object) -> str:
    """A value in a few words.

    >>> came(5.5), came(""), came([]), came({"a": 1}), came(np.float64("nan"))
    ('5.5', "''", 'an empty list', 'a dict', 'nan')
    """
    value = _plain(value)
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        return THOUSANDS_OF_DIGITS
    if value is None or isinstance(value, bool | int | float | str):
        text = repr(value)
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
    empty = "empty " if isinstance(value, list | tuple | dict | set | frozenset) and not value else ""
    noun = empty + type(value).__name__
    return f"{'an' if noun[0].lower() in 'aeiou' or noun == 'ndarray' else 'a'} {noun}"


def refused(name: str, value: object, needed: str) -> UsageError:
    """The error that says so."""
    return UsageError(f"{name} is {came(value)}, but it must be {needed}")


def whole(least: int | None = None, most: int | None = None) -> Check:
    """A whole number, perhaps at least or at most some number; True and False are none.

    >>> whole(1)("jobs", 2)
    2
    """

    def check(name: str, value: Any) -> int:
        return check_whole(name, _plain(value), least, most, came)

    return check


def number(least: float | None = None, *, above: bool = False) -> Check:
    """A finite number, perhaps at least some number, or above it.

    >>> number(0, above=True)("lr", 0.5)
    0.5
    """

    def check(name: str, value: Any) -> float:
        found = _plain(value)
        bound = "" if least is None else f"above {least:g}" if above else f"at least {least:g}"
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise refused(name, value, f"a number {bound}".rstrip())
        if not abs(found) <= sys.float_info.max:
            raise refused(name, value, f"a finite number {bound}".rstrip())
        if least is not None and (found < least or (above and found == least)):
            raise refused(name, value, bound)
        return found

    return check


def truth(name: str, value: Any) -> bool:
    """True or False.

    >>> truth("why", np.True_)
    True
    """
    found = _plain(value)
    if not isinstance(found, bool):
        raise refused(name, value, "True or False")
    return found


def text(name: str, value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise refused(name, value, "a text" if not isinstance(value, str) else "a text that is not empty")
    return value


def choice(name: str, value: Any, known: Iterable[str]) -> str:
    """One of the known texts. Raises: UsageError with the nearest."""
    names = (*known,)
    if not isinstance(value, str):
        raise refused(name, value, f"one of {', '.join(names)}")
    if value not in names:
        raise UsageError(f'{name} "{value}" is unknown{nearest(value, names)}; there are {", ".join(names)}')
    return value


def texts(name: str, value: Any) -> tuple[str, ...]:
    """A text, or several; an order there is need not be.

    >>> texts("slices", "site"), texts("slices", ["site", "hour"])
    (('site',), ('site', 'hour'))
    """
    found = (value,) if isinstance(value, str) else tuple(_several(name, value, "a text or a list of texts"))
    for one in found:
        if not isinstance(one, str) or not one:
            came_here = f"holds {came(one)}" if not isinstance(value, str) else f"is {came(one)}"
            raise UsageError(f"{name} {came_here}, but each must be a text that is not empty")
    return tuple(map(str, found))


def one_class(name: str, value: Any) -> str:
    """A class by its name or number, as a text.

    >>> one_class("positive", "default"), one_class("positive", 1)
    ('default', '1')
    """
    found = _plain(value)
    if isinstance(found, bool) or not isinstance(found, int | str) or found == "":
        raise refused(name, value, "the name or the number of a class")
    return str(found)


def some_classes(name: str, value: Any) -> tuple[str, ...]:
    """Classes by their names or numbers; one may stand alone."""
    if isinstance(_plain(value), str | int):
        return (one_class(name, value),)
    return tuple(one_class(f"a class in {name}", one) for one in _several(name, value, "a class or a list of classes"))


def column_names(name: str, value: Any) -> tuple[str, ...]:
    """Names or other texts in an order, as a list; a text alone would be taken letter by letter."""
    if isinstance(value, str | set | frozenset):
        raise refused(name, value, "a list of texts, in their order")
    return texts(name, value)


def class_names(name: str, value: Any) -> tuple[str, ...]:
    """A name for each class, in the order of the classes; numbers may be names, too.

    Raises: UsageError for what is no list, or holds no names; for a name that two classes have.

    >>> class_names("class_names", ["cat", 7])
    ('cat', '7')
    """
    if isinstance(value, str | set | frozenset):
        raise refused(name, value, "a list with a name for each class, in their order")
    found = []
    for one in _several(name, value, "a list with a name for each class"):
        plain = _plain(one)
        if plain is None or not isinstance(plain, str | int | float):
            raise UsageError(f"{name} holds {came(one)}, but each must be a name")
        found.append(str(plain))
    if not found:
        raise refused(name, value, "a list with a name for each class")
    seen: set[str] = set()
    for one in found:
        if one in seen:
            raise UsageError(f'{name}: two classes are called "{one}"')
        seen.add(one)
    return tuple(found)


def path(name: str, value: Any) -> str | PathLike[str]:
    """The path of a file or folder."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, PathLike) and isinstance(value.__fspath__(), str):
        return value
    raise refused(name, value, "a path")


def by_name(name: str, value: Any) -> Mapping[str, Any]:
    """Values by name, in a dict or a data frame; None for none of them."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) and getattr(value, "ndim", 2) == 2 and hasattr(value, "columns"):
        value = {column: value[column] for column in value.columns}
    if not isinstance(value, Mapping):
        raise refused(name, value, "a dict of values by name")
    for key in value:
        if not isinstance(key, str):
            raise UsageError(f"{name} has the key {came(key)}, but names are texts")
    return value


def of_class(name: str, value: Any, kind: type[T]) -> T:
    """One of a class."""
    if not isinstance(value, kind):
        raise refused(name, value, f"a {kind.__name__}")
    return value


def check_told(
    *,
    warnings: object = (),
    precision: object = None,
    file_rows: object = None,
    settling: object = None,
    keys: object = None,
    labelled: object = True,
    no_labels: object = "",
    recognised: object = (),
    renormalize: object = False,
) -> None:
    """What readers tell of rows. Raises: UsageError."""
    texts("warnings", warnings if isinstance(warnings, list | tuple) else [warnings])
    column_names("recognised", recognised)
    truth("renormalize", renormalize)
    if precision is not None:
        number(0, above=True)("precision", precision)
    if file_rows is not None and of_class("file_rows", file_rows, np.ndarray).ndim != 1:
        raise refused("file_rows", file_rows, "one number a row")
    if settling is not None and not callable(settling):
        raise refused("settling", settling, "a function")
    for role, key in by_name("keys", keys).items():
        text(f"keys: {role}", key)
    truth("labelled", labelled)
    of_class("no_labels", no_labels, str)


def watcher(name: str, value: Any) -> Any:
    """Somebody who hears of progress."""
    if isinstance(value, type) or not all(callable(getattr(value, word, None)) for word in ("start", "advance")):
        raise refused(name, value, "an object with the methods start(name, total) and advance(steps)")
    return value


def _several(name: str, value: Any, needed: str) -> Iterable[Any]:
    """What a list, an array or the like holds."""
    if isinstance(value, str | bytes | bytearray | Mapping) or getattr(value, "ndim", 1) != 1:
        raise refused(name, value, needed)
    if not isinstance(value, Iterable):
        raise refused(name, value, needed)
    found: Iterable[Any] = value
    return found


def _plain(value: object) -> object:
    """A scalar of numpy as one of Python."""
    return value.item() if isinstance(value, np.bool_ | np.integer | np.floating | np.str_) else value
