"""The engine of a call: opened when the call begins, and closed when it ends."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from calibeval.engines.choice import opened_engine, read_here

P = ParamSpec("P")
R = TypeVar("R")
EngineName = Any  # "local", "dask", "dask=ADDRESS", or a client of `distributed`


def with_engine(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose argument `engine` is running, whatever named it; it warns of dumps that workers cannot read."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        named = kwargs.get("engine")
        if named is None:
            return function(*args, **kwargs)
        with opened_engine(named, cast("int | None", kwargs.get("jobs"))) as engine:
            kwargs["engine"] = engine
            found = function(*args, **kwargs)
        for note in read_here(engine):
            warnings.warn(note, stacklevel=5)
        return found

    return run
