"""How a record of the core can show, draw or save itself, although the core imports no renderers and no file access."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def elsewhere(module: str, function: str) -> Callable[..., Any]:
    """A function of a module above the core, imported when it is needed."""
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found
