"""How a record of the core shows, draws or saves itself, although the core knows no renderer and no file."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def elsewhere(module: str, function: str) -> Callable[..., Any]:
    """A function of a module above the core, found when it is asked for."""
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found
