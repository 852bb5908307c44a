"""`calibeval fit`: fit a recalibration map on a validation dump."""

from __future__ import annotations

from calibeval.cli.options import cases
from calibeval.cli.options import shared as options
from calibeval.cli.options.choices import needed
from calibeval.cli.options.fitting import Fitting
from calibeval.cli.options.prior import Prior, shares
from calibeval.cli.options.reading import ReadingFlags, refuse_overwriting, say, threads, with_engine_flags
from calibeval.cli.screen.streams import put


@with_engine_flags
def fit(
    dump: options.Dump,
    out: options.MapOut = None,
    method: options.Method = None,
    objective: options.Objective = None,
    clip: options.Clip = None,
    group: options.Group = None,
    prior: Prior = None,
    seed: options.Seed = None,
    layout: cases.Layout = None,
    json: options.Json = False,
    flags: ReadingFlags = ReadingFlags(),  # noqa: B008 - the decorator makes options of its fields
    jobs: options.Jobs = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Fit a map, by default a temperature, on a validation dump.

    DUMP may be a folder of cases, with --labels FOLDER.
    """
    from calibeval.api.case_maps import pixels_of_cases
    from calibeval.core.data.distinct_names import name_of
    from calibeval.core.dense.sampled import CASE
    from calibeval.core.evaluation.doubts import doubts_of
    from calibeval.core.metrics.table import METRICS
    from calibeval.core.sums.engine import summarise
    from calibeval.core.sums.resources import Resources
    from calibeval.readers.open import open_dump
    from calibeval.recalibrate.fitting.before_after import fitted_map
    from calibeval.recalibrate.fitting.fit import with_prior
    from calibeval.render.terminal.map import describe_map
    from calibeval.words.names import about
    from calibeval.writers.atomic import write_file

    needed({"--group": group}, f"--method {options.AUTO}", there=method == options.AUTO)
    if out is not None:
        refuse_overwriting([dump, *flags.files], [out])
    reading = flags.options()
    of_cases = pixels_of_cases(dump, reading, layout)
    predictions = open_dump(dump, reading) if of_cases is None else of_cases
    doubts = (*doubts_of(predictions), *predictions.warnings)
    say([f"warning: {about(name_of(predictions), one)}" for one in doubts], quiet=quiet)
    folds = CASE if of_cases is not None and method == options.AUTO and group is None else group
    maps = Fitting(method=method, objective=objective, clip=clip, seed=seed, group=folds)
    fitted = fitted_map(predictions, maps.plan())
    found = with_prior(fitted, shares(prior), predictions)
    say(maps.notes(), quiet=quiet)
    if out is not None:
        write_file(out, found.to_json().encode())
        say([f"written to {out}"], quiet=quiet)
    if json:
        put(found.to_json())
        return 0
    resources = Resources(threads(jobs))
    before, after = (summarise(p, resources=resources, fitted=False) for p in (predictions, fitted(predictions)))
    shown = {name: METRICS[name] for name in ("accuracy", *(["ece"] if objective == "ece" else []))}
    numbers = {name: (metric.value(before), metric.value(after)) for name, metric in shown.items()}
    put(describe_map(found.to_dict(), predictions.source.name, numbers))
    return 0
