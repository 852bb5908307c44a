"""Whether the compiled kernel is whole, and that of these sources: another would be called wrongly, or be outdated.

`setup.py` runs this file by its path, before there is a package, so it imports nothing of calibeval.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from types import ModuleType

# Of the functions that Python calls: a change of their arguments, or of what they mean, raises it.
INTERFACE = 6
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


def cut_short(path: Path) -> str | None:
    """Why this file must not be loaded: it ends before what the system maps of it, and would end the process.

    Such a file is left by a full disk, or by a copy that was interrupted. Only ELF, of Linux, is looked into.
    Source: System V ABI, chapter 5: headers of segments.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
            if len(start) < 64 or start[:6] != b"\x7fELF\x02\x01":  # of 64 bits, little-endian
                return None
            (place,), (size, count) = struct.unpack_from("<Q", start, 32), struct.unpack_from("<HH", start, 54)
            file.seek(place)
            table, whole = file.read(size * count), path.stat().st_size
    except OSError:  # Python says why, as it loads it
        return None
    ends = [place + size * count]
    for at in range(0, len(table) - 39, max(size, 1)):
        offset, _, _, held = struct.unpack_from("<QQQQ", table, at + 8)
        ends.append(offset + held)
    if max(ends) <= whole:
        return None
    return f"the compiled kernel is cut short: {path} has {whole:,} bytes of at least {max(ends):,}; {AGAIN}"
