"""The door of the package: every public function is called through it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import ParamSpec, TypeVar

from calibeval.core.data.arguments import Check
from calibeval.core.data.spoken import spoken
from calibeval.core.errors import nearest

ARRAYS = ("logits", "probs", "log_probs", "confidence", "labels", "correct")
ARRAYS_BY_NAME = "arrays are given by name: {}(logits=..., labels=...)"
PREDICTIONS_OF_ARRAYS = "put arrays into calibeval.Predictions(logits=..., labels=...)"
# What others call these arguments.
ALIASES = {
    "labels": ("y", "y_true", "target", "targets", "truth", "true", "ground_truth", "gt"),
    "probs": ("p", "proba", "probabilities", "y_prob", "y_proba", "prob"),
    "class_names": ("classes", "names", "label_names", "target_names"),
    "slices": ("slice", "slice_by", "by"),
    "bins": ("n_bins", "num_bins", "nbins"),
}

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
        needed = sum(one.default is inspect.Parameter.empty for one in signature.parameters.values())
        free = not checks and not reading  # nothing to check but names, where all that has no default comes first

        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            for name in kwargs:
                if name not in own and name not in reading:
                    hint = _instead(name, function.__name__, [*own, *reading])
                    raise TypeError(f'{function.__name__}() got an unexpected keyword argument "{name}"{hint}')
            if free and len(args) == needed and kwargs:
                with spoken():
                    return function(*args, **kwargs)
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError as error:
                hint = _arrays(function.__name__, own) if any(_is_array(one) for one in args) else ""
                raise TypeError(f"{function.__name__}() is called wrongly: {error}{hint}") from None
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


def _instead(name: str, function: str, known: Collection[str]) -> str:
    """What to say in place of an unknown keyword."""
    if name in ARRAYS and name not in known and "logits_key" in known:
        return f"; {PREDICTIONS_OF_ARRAYS}" + ("" if "path" in known else f", and give these to {function}()")
    meant = next((word for word, others in ALIASES.items() if word in known and name.lower() in others), None)
    return nearest(name, known) if meant is None else f' (did you mean "{meant}"?)'


def _arrays(function: str, own: Collection[str]) -> str:
    """How a function of dumps is given arrays."""
    if "logits" in own:
        return f"; {ARRAYS_BY_NAME.format(function)}"
    return f"; {PREDICTIONS_OF_ARRAYS}" if "predictions" in own or "candidate" in own else ""


def _is_array(value: object) -> bool:
    """Whether it is an array, a tensor, a column or a list."""
    return isinstance(value, list) or hasattr(value, "shape")


_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
