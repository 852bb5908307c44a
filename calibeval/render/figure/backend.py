"""matplotlib, imported before any other file here imports it: no backend is needed, whatever MPLBACKEND says."""

from __future__ import annotations

import contextlib
import os
import sys


def import_matplotlib() -> None:
    """Import matplotlib, which would fail for a backend that it does not know; one that it knows stays set."""
    wanted = None if "matplotlib" in sys.modules else os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib as mpl  # noqa: PLC0415 - with the environment as it is only here
    finally:
        if wanted is not None:
            os.environ["MPLBACKEND"] = wanted
    if wanted:
        with contextlib.suppress(ValueError):
            mpl.rcParams["backend"] = wanted
