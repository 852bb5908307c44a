"""Every error that calibeval raises on purpose, and the nearest-match hint that several of them carry."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

LONGEST_MESSAGE = 499
LONG_NAME = re.compile(r'"([^"]{80})[^"]+"')


class CalibevalError(Exception):
    """Base of all errors that calibeval raises on purpose; its text is meant for people."""

    def __str__(self) -> str:
        """The message, which is cut if it quotes something endless; KeyError would put it in quotation marks."""
        return brief(str(self.args[0])) if len(self.args) == 1 else super().__str__()


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
    what = (str(error).splitlines() or [""])[0]
    return UsageError(
        f"{needs} needs {package}, which is installed but cannot be imported ({type(error).__name__}: {what})"
    )


def brief(message: str) -> str:
    """A message of fewer than 500 characters: names from a file may have millions of letters.

    >>> long = "x" * 1000
    >>> brief(f'a.csv: two columns are called "{long}"') == f'a.csv: two columns are called "{long[:80]}..."'
    True
    """
    if len(message) <= LONGEST_MESSAGE:
        return message
    message = LONG_NAME.sub(r'"\1..."', message)
    return message if len(message) <= LONGEST_MESSAGE else f"{message[:340]} ... {message[-150:]}"


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint ' (did you mean "x"?)' with the closest of the known names, or an empty string.

    >>> nearest("eec", ["ece", "nll"])
    ' (did you mean "ece"?)'
    >>> nearest("zzz", ["ece", "nll"])
    ''
    """
    by_lower = {one.lower(): one for one in known}
    close = difflib.get_close_matches(str(name).lower(), list(by_lower), n=1, cutoff=0.5)
    return f' (did you mean "{by_lower[close[0]]}"?)' if close else ""
