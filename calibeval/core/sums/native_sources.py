"""Whether the compiled kernel is that of these sources: one built from others would be called wrongly, or be outdated.

`setup.py` runs this file by its path, before there is a package, so it imports nothing of calibeval.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import ModuleType

# Of the functions that Python calls: a change of their arguments, or of what they mean, raises it.
INTERFACE = 5
ROOT = Path(__file__).parents[3]
AGAIN = "`pip install` of calibeval builds it again"


def digest(root: Path) -> str:
    """A hash of what the kernel is built from. root: the folder of setup.py."""
    whole = hashlib.sha256()
    native = root / "native"
    sources = (native / name for name in ("kernel.cpp", "module.cpp", "table.cpp"))
    for path in (root / "setup.py", *sources, *sorted(native.glob("*.h"))):
        content = path.read_bytes()
        whole.update(f"{path.name} {len(content)}\0".encode() + content)
    return whole.hexdigest()[:16]


def why_not(module: ModuleType, root: Path = ROOT) -> str | None:
    """Why this kernel is not to be used; None: it can be.

    An installed package has no sources beside it, and was built in one go. In a clone, where an old kernel outlives
    every change of the sources, they must be those it was built from.
    """
    if getattr(module, "INTERFACE", None) != INTERFACE:
        return f"the compiled kernel belongs to another version of calibeval; {AGAIN}"
    if not (root / "native" / "module.cpp").is_file():
        return None
    try:
        same = digest(root) == module.SOURCES
    except OSError:  # some of them are missing or cannot be read: they are not those
        same = False
    return None if same else f"the compiled kernel was built from other sources than {root / 'native'}; {AGAIN}"
