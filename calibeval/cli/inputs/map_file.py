"""A map's file, as `calibeval fit` wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from calibeval.core.errors import FileProblem, InputError

if TYPE_CHECKING:
    from calibeval.recalibrate.base.mapping import Map


def read_map(path: Path) -> Map:
    """The map in a file.

    Raises: FileProblem if it cannot be read; InputError if it holds no map.
    """
    from calibeval.recalibrate.fitting.methods import from_json

    try:
        return from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        problem = "there is no such file" if missing else f"cannot be read ({error.strerror})"
        raise FileProblem(f"{path}: {problem}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: a map is JSON in UTF-8") from None
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from None
