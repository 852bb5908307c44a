"""`calibeval inspect` as text for a person."""

from __future__ import annotations

import textwrap

from rich.cells import cell_len

from calibeval.core.data.inspection import ArrayNote, Inspection, Reading
from calibeval.words.cells import plural
from calibeval.words.names import ascii_text, visible

MANY_CLASSES = 8


def render(inspection: Inspection, *, width: int, ascii_only: bool = False) -> str:
    """The arrays of the file, then one paragraph for each way to read it.

    width: display cells of a line below a heading; longer ones continue on the next. ascii_only: foreign letters as
    escapes.
    """
    path = "standard input" if inspection.path == "-" else inspection.path
    shards = [] if inspection.shards is None else [plural(inspection.shards, "shard")]
    lines = [" · ".join([path, *shards, inspection.format, f"{inspection.size:,} bytes"])]
    lines += [""] if inspection.arrays else []
    widest = max((len(array.key) for array in inspection.arrays), default=0)
    lines += [f"  {_array(array, widest)}" for array in inspection.arrays]
    for reading in inspection.readings:
        lines += ["", *_reading(reading)]
    text = "\n".join(part for line in lines for part in _wrapped(visible(line), width)) + "\n"
    return ascii_text(text) if ascii_only else text


def _wrapped(line: str, width: int) -> list[str]:
    """The line, or several, which begin two cells further to the right; a heading with the file's path stays whole."""
    if cell_len(line) <= width or not line.startswith(" "):
        return [line]
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(
        line, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False, drop_whitespace=True
    )


def _array(array: ArrayNote, width: int) -> str:
    shape = f"({', '.join(str(size) for size in array.shape)})"
    return f"{array.key or '(the array)':<{width}}  {shape:<18} {array.dtype:<10} {array.role}"


def _width(reading: Reading) -> str:
    """The size of a row: its features, and its classes if they are known."""
    classes = "" if reading.k is None else f"{reading.k} classes"
    if reading.features is None:
        return classes or "top label only"
    return f"{reading.features} features per row, {classes or 'no labels'}"


def _named(reading: Reading) -> str:
    return "standard input" if reading.name == "-" else reading.name


def _reading(reading: Reading) -> list[str]:
    if reading.error is not None:
        return [f"{_named(reading)}: cannot be read as a dump", f"  {reading.error}"]
    ignored = f", {reading.ignored:,} more ignored" if reading.ignored else ""
    lines = [f"{_named(reading)}: {reading.kind}, {reading.n:,} rows{ignored}, {_width(reading)}"]
    lines += [f"  read as: {' · '.join(reading.recognised)}"] if reading.recognised else []
    lines += [f"  no labels: {reading.no_labels}"] if reading.no_labels is not None else []
    if reading.classes:
        few = ", ".join(reading.classes[:MANY_CLASSES]) + (", ..." if len(reading.classes) > MANY_CLASSES else "")
        lines.append(f"  classes: {few}")
    if reading.columns:
        slices = ", ".join(f"{name} ({'many' if count is None else count} values)" for name, count in reading.columns)
        lines.append(f"  columns: {slices}")
    lines += ["  rows have ids"] if reading.has_ids else []
    lines += [f"  warning: {warning}" for warning in reading.warnings]
    return [*lines, f"  sha256: {reading.sha256}"]
