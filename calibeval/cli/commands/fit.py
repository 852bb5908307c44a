"""`calibeval fit`: fit a recalibration map on a validation dump."""

from __future__ import annotations

import sys

from calibeval.cli.options import shared as options
from calibeval.cli.options.choices import needed
from calibeval.cli.options.fitting import Fitting
from calibeval.cli.options.reading import ReadingFlags, refuse_overwriting, say, threads, with_reading_flags


@with_reading_flags
def fit(
    dump: options.Dump,
    out: options.MapOut = None,
    method: options.Method = None,
    objective: options.Objective = None,
    clip: options.Clip = None,
    group: options.Group = None,
    seed: options.Seed = None,
    json: options.Json = False,
    flags: ReadingFlags = ReadingFlags(),  # noqa: B008 - the decorator makes options of its fields
    jobs: options.Jobs = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Fit a map, by default a temperature, on a validation dump."""
    from calibeval.core.sums.engine import summarise
    from calibeval.core.sums.resources import Resources
    from calibeval.readers.open import open_dump
    from calibeval.recalibrate.fitting.before_after import fitted_map
    from calibeval.render.terminal.map import describe_map
    from calibeval.writers.atomic import write_file

    maps = Fitting(method=method, objective=objective, clip=clip, seed=seed, group=group)
    needed({"--group": group}, f"--method {options.AUTO}", there=method == options.AUTO)
    if out is not None:
        refuse_overwriting([dump, *flags.files], [out])
    reading = flags.options()
    predictions = open_dump(dump, reading)
    found = fitted_map(predictions, maps.plan())
    say(maps.notes(), quiet=quiet)
    if out is not None:
        write_file(out, found.to_json().encode())
        say([f"written to {out}"], quiet=quiet)
    if json:
        sys.stdout.write(found.to_json())
        return 0
    sums = [summarise(p, resources=Resources(threads(jobs))).top for p in (predictions, found(predictions))]
    accuracy = [float(top.y.sum() / top.count.sum()) for top in sums]
    sys.stdout.write(describe_map(found.to_dict(), predictions.source.name, *accuracy))
    return 0
