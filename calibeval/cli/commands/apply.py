"""`calibeval apply`: write a dump with recalibrated scores."""

from __future__ import annotations

import sys

from calibeval.cli.options import shared as options
from calibeval.cli.options.reading import ReadingFlags, refuse_overwriting, say, with_reading_flags
from calibeval.cli.screen.written import written_json


@with_reading_flags
def apply(
    map_file: options.MapFile,
    dump: options.Dump,
    out: options.DumpOut,
    json: options.Json = False,
    flags: ReadingFlags = ReadingFlags(),  # noqa: B008 - the decorator makes options of its fields
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Apply a map to a dump; keep labels, ids and slice columns.

    Logits stay logits; probabilities become log-probabilities, which do not
    underflow.
    """
    from calibeval.api.save import read_map
    from calibeval.readers.open import open_dump
    from calibeval.writers.dump import write_dump

    refuse_overwriting([dump, map_file, *flags.files], [out])
    reading = flags.options()
    found = read_map(map_file)
    predictions = open_dump(dump, reading)
    mapped = found(predictions)
    predictions.settled_source()
    write_dump(mapped, out)
    say([f"{predictions.rows:,} rows written to {out}"], quiet=quiet or json)
    if json:
        sys.stdout.write(written_json(out, predictions.rows, mapped.kind, predictions.warnings))
    return 0
