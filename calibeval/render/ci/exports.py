"""The kinds of files to which a verdict can be exported, one line per kind."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calibeval.core.gating.verdict import Verdict

EXPORTS = {"junit": "calibeval.render.ci.junit", "markdown": "calibeval.render.ci.markdown"}


def exported(verdict: Verdict, kind: str) -> bytes:
    """The verdict as a file of that kind, one of EXPORTS."""
    render: Callable[[Verdict], str] = importlib.import_module(EXPORTS[kind]).render
    return render(verdict).encode("utf-8", "backslashreplace")
