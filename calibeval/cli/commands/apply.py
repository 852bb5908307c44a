"""`calibeval apply`: write a dump with recalibrated scores."""

from __future__ import annotations

from pathlib import Path

from calibeval.cli.options import cases
from calibeval.cli.options import shared as options
from calibeval.cli.options.prior import Prior, shares
from calibeval.cli.options.reading import ReadingFlags, refuse_overwriting, say, with_reading_flags
from calibeval.cli.screen.dump_json import written_json
from calibeval.cli.screen.streams import put
from calibeval.core.errors import FileProblem, InputError, UsageError
from calibeval.readers.stored.place import as_shown


@with_reading_flags
def apply(
    map_file: options.MapFile,
    dump: options.Dump,
    out: options.DumpOut,
    prior: Prior = None,
    layout: cases.Layout = None,
    json: options.Json = False,
    flags: ReadingFlags = ReadingFlags(),  # noqa: B008 - the decorator makes options of its fields
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Apply a map to a dump; keep labels, ids and slice columns.

    Logits stay logits; probabilities become log-probabilities, which do not
    underflow. Labels are optional.

    Of a folder of cases, OUT is a folder: every case is written as it was.
    """
    from dataclasses import replace

    from calibeval.api.case_names import Named
    from calibeval.api.cases import as_layout
    from calibeval.api.save import read_map
    from calibeval.readers.cases.stems import is_folder
    from calibeval.readers.open import open_dump
    from calibeval.runs.cases import map_cases, notices_of
    from calibeval.runs.read_back import write_checked
    from calibeval.writers.dump import check_format

    place = Named.of(None, dump)
    of_cases = is_folder(place.path) and (layout is not None or not out.suffix)
    if not (of_cases and out.is_dir()):  # which may be empty
        refuse_overwriting([dump, map_file, *flags.files], [out])
    if not of_cases:
        check_format(out)
    reading = flags.options()
    try:
        found = read_map(map_file)
    except (InputError, FileProblem):
        if Path(dump).suffix == ".json" and map_file.suffix != ".json":
            raise UsageError(f"{map_file}: is no map; the map comes first, as in apply {dump} {map_file}") from None
        raise
    shifted = shares(prior)
    found = found if shifted is None else found.with_prior(shifted)
    if of_cases:
        written = map_cases(found, place.path, out, reading, as_layout(layout), place.region)
        kept = notices_of(written)
        say([f"warning: {text}" for text in kept], quiet=quiet)
        say([f"{written.cases:,} cases, {written.pixels:,} pixels, written to {out}"], quiet=quiet or json)
        if json:
            put(written_json(out, written.pixels, reading.kind or "probs", kept))
        return 0
    predictions = open_dump(dump, replace(reading, need_labels=False, k=found.k))
    mapped = found(predictions)
    predictions.settled_source()
    dropped = write_checked(mapped, out, reading.limits.max_memory)
    told = [*(f"{as_shown(dump)}: {warning}" for warning in mapped.warnings), *dropped]
    say([f"warning: {text}" for text in told], quiet=quiet)
    say([f"{predictions.rows:,} rows written to {out}"], quiet=quiet or json)
    if json:
        put(written_json(out, predictions.rows, mapped.kind, (*mapped.warnings, *dropped)))
    return 0
