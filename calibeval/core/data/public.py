"""The door of the package: every public function is called through it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import ParamSpec, TypeVar

from calibeval.core.data.arguments import Check
from calibeval.core.data.spoken import spoken
from calibeval.core.errors import nearest

P = ParamSpec("P")
R = TypeVar("R")


def public(checks: Mapping[str, Check], reading: Collection[str] = ()) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A public function whose arguments are checked, and whose errors name keywords.

    checks: of arguments, by their names; None passes where the annotation has it. reading: the keywords that the
    function takes as **reading; of those None says that they are not given.
    The function raises TypeError for a keyword that it has not, with the nearest that it has, as Python itself does.
    """

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        optional = {name for name, one in signature.parameters.items() if "None" in str(one.annotation)}
        own = [name for name, one in signature.parameters.items() if one.kind in _NAMED]

        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            for name in kwargs:
                if name not in own and name not in reading:
                    hint = nearest(name, [*own, *reading])
                    raise TypeError(f'{function.__name__}() got an unexpected keyword argument "{name}"{hint}')
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{function.__name__}() is called wrongly: {error}") from None
            with spoken():
                for name, value in bound.arguments.items():
                    if name in checks and not (value is None and name in optional):
                        bound.arguments[name] = checks[name](name, value)
                if "reading" in bound.arguments:
                    given = {name: value for name, value in bound.arguments["reading"].items() if value is not None}
                    bound.arguments["reading"] = {
                        name: checks[name](name, value) if name in checks else value for name, value in given.items()
                    }
                return function(*bound.args, **bound.kwargs)

        return run

    return decorated


_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
