"""`calibeval apply`: a dump with the scores that a map makes of it."""

from __future__ import annotations

import sys

from calibeval.cli.options import shared as options
from calibeval.cli.options.reading import ReadingFlags, refuse_overwriting, say, with_reading_flags
from calibeval.core.errors import FileProblem, InputError


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
    """Apply a map to a dump; labels, ids and slice columns are kept.

    Logits stay logits; probabilities become log-probabilities, which lose nothing to underflow.
    """
    import json as json_module

    from calibeval.readers.open import open_dump
    from calibeval.recalibrate.fitting.methods import from_json
    from calibeval.writers.dump import write_dump

    refuse_overwriting([dump, map_file, *flags.files], [out])
    reading = flags.options()
    try:
        found = from_json(map_file.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileProblem(f"{map_file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{map_file.name}: a map is JSON in UTF-8") from None
    except InputError as error:
        raise InputError(f"{map_file.name}: {error}") from None
    predictions = open_dump(dump, reading)
    mapped = found(predictions)
    predictions.settled_source()
    write_dump(mapped, out)
    say([f"{predictions.rows:,} rows written to {out}"], quiet=quiet or json)
    if json:
        sys.stdout.write(json_module.dumps({"written": str(out), "rows": predictions.rows, "kind": mapped.kind}) + "\n")
    return 0
