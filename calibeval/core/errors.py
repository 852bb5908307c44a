"""Every error that calibeval raises on purpose, how long its text may be, and the hint that several of them carry."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterable

LONGEST = 480  # characters of a message
LONGEST_NAME = 80  # of a name, a key or a value that it quotes
LONGEST_REASON = 200  # of what another library says
MOST_COMPARED = 1000  # names, for a hint
_NO_MEMORY = ("failed to map segment", "cannot allocate memory", "out of memory", "bad_alloc")
_MARK = "..."
_DIGITS = rf"\d{{{LONGEST_NAME + 1},}}"
_QUOTED = rf"(?<!\w)(\"|')([^\"'\n]{{{LONGEST_NAME + 1},}})\1"


class CalibevalError(Exception):
    """Base of all errors that calibeval raises on purpose; its text is meant for people."""

    def __str__(self) -> str:
        """The message, which is cut if it is long; KeyError would put it in quotation marks."""
        return short(str(self.args[0])) if len(self.args) == 1 else short(super().__str__())


class InputError(CalibevalError, ValueError):
    """The data cannot be used as they are: wrong shape, values, labels, keys, or an untrusted file."""


class UsageError(CalibevalError, ValueError):
    """An argument, option or configuration that cannot work, whatever the data."""


class UnknownMetric(UsageError, KeyError):
    """A name that no metric, rule or loss has.

    >>> str(UnknownMetric('metric "eec" is unknown'))
    'metric "eec" is unknown'
    """


class FileProblem(CalibevalError, OSError):
    """A file could not be read or written: missing, no permission, disk full."""


# What an import raises where a package, or a library below it, is not there or does not fit.
BROKEN_IMPORT = (ImportError, OSError, RuntimeError, AttributeError)


def not_importable(error: Exception, needs: str, package: str, extra: str) -> UsageError:
    """That an optional package is missing, or that it is there and what it failed with.

    error: what the import raised. needs: who needs the package. extra: of calibeval, which brings it.

    >>> str(not_importable(ModuleNotFoundError(name="torch"), "finetune", "torch", "torch"))
    "finetune needs torch: pip install 'calibeval[torch]'"
    >>> str(not_importable(OSError("libc10.so: no such file"), "finetune", "torch", "torch"))
    'finetune needs torch, which is installed but cannot be imported (OSError: libc10.so: no such file)'
    """
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == package:
        return UsageError(f"{needs} needs {package}: pip install 'calibeval[{extra}]'")
    what = f"{type(error).__name__}: {first_line(error)}"
    return UsageError(f"{needs} needs {package}, which is installed but cannot be imported ({what})")


def first_line(error: BaseException) -> str:
    r"""The first line of what another library says is wrong, cut; the kind of its error, if it says nothing.

    >>> first_line(ValueError("bad magic\nfile: x")), first_line(EOFError())
    ('bad magic', 'EOFError')
    """
    return next(iter(str(error).splitlines()), "")[:LONGEST_REASON] or type(error).__name__


def lacks_memory(error: BaseException) -> bool:
    """Whether there was no memory for what failed; a library that cannot be loaded says so in its own words.

    >>> lacks_memory(ImportError("libgomp.so.1: failed to map segment from shared object")), lacks_memory(OSError("x"))
    (True, False)
    """
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _NO_MEMORY)


def cut(text: str, most: int = LONGEST_NAME) -> str:
    """A name or value as messages quote it: a long one loses its middle.

    >>> cut("a.npz"), cut("x" * 50 + "y" * 50, 20)
    ('a.npz', 'xxxxxxxxxxxx...yyyyy')
    """
    if len(text) <= most:
        return text
    tail = (most - len(_MARK)) // 3
    return f"{text[: most - len(_MARK) - tail]}{_MARK}{text[len(text) - tail :]}"


def short(message: str) -> str:
    """A message with what it quotes cut, and then itself: its beginning says what is wrong, its end what to do.

    >>> short(f'key "{"k" * 1000}" is unknown').count("k"), len(short("word " * 1000))
    (79, 480)
    """
    if len(message) <= LONGEST_NAME:
        return message
    ends = message if len(message) <= 10 * LONGEST else cut(message, 10 * LONGEST)
    quoted = re.sub(_QUOTED, lambda found: f"{found[1]}{cut(found[2])}{found[1]}", ends)
    return cut(re.sub(_DIGITS, lambda found: cut(found[0]), quoted), LONGEST)


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint ' (did you mean "x"?)' with the closest of the known names, or an empty string.

    >>> nearest("eec", ["ece", "nll"])
    ' (did you mean "ece"?)'
    >>> nearest("zzz", ["ece", "nll"])
    ''
    """
    by_lower = {one.lower(): one for one in itertools.islice(known, MOST_COMPARED) if len(one) <= LONGEST_NAME}
    close = difflib.get_close_matches(str(name)[:LONGEST_NAME].lower(), list(by_lower), n=1, cutoff=0.5)
    return f' (did you mean "{by_lower[close[0]]}"?)' if close else ""
