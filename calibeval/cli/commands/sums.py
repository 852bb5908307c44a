"""`calibeval sums`: add up dumps, and write a file of sums that `report` and Python read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from calibeval.cli.options import positive as class_options
from calibeval.cli.options import shared as options
from calibeval.cli.options import sums as own_options
from calibeval.cli.options.choices import LEVEL, exclude
from calibeval.cli.options.reading import ReadingFlags, refuse_overwriting, say, threads, with_reading_flags
from calibeval.cli.screen.dump_json import written_json
from calibeval.cli.screen.streams import put
from calibeval.core.errors import UsageError
from calibeval.readers.stored.place import as_shown
from calibeval.readers.stored.shard_names import NUMBERED

if TYPE_CHECKING:
    from calibeval.core.data.source import Source
    from calibeval.core.evaluation.running import Running


@with_reading_flags
def sums(
    dumps: options.Dumps,
    out: own_options.Out,
    base: own_options.Base = None,
    exact: own_options.Exact = False,
    min_cell: own_options.MinCell = None,
    bins: options.Bins = None,
    metrics: options.Metrics = None,
    classes: class_options.Classes = None,
    group: options.Group = None,
    json: options.Json = False,
    jobs: options.Jobs = None,
    flags: ReadingFlags = ReadingFlags(),  # noqa: B008 - the decorator makes options of its fields
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Add up dumps; write sums that `report` merges with others.

    A numbered name, such as a-00001-of-00004.npz, is that file alone, and "a-*.npz" is all of them.
    `calibeval report part*.sums` shows the report of all rows of several files, `calibeval compare part*.sums` the
    comparison with their bases.
    """
    from calibeval.api.chosen import chosen_metrics
    from calibeval.cli.inputs.titled import open_named, split_title
    from calibeval.core.comparison.of_sums import take_pair
    from calibeval.core.evaluation.accumulation import Accumulation
    from calibeval.core.evaluation.of_dump import take_dump
    from calibeval.core.evaluation.saved import to_saved
    from calibeval.core.evaluation.settings import checked
    from calibeval.readers.formats.sums_names import SUFFIX
    from calibeval.words.cells import plural
    from calibeval.writers.atomic import write_file
    from calibeval.writers.sums import sums_file

    if out.suffix != SUFFIX:
        raise UsageError(f"{out}: sums are written to a file whose name ends in {SUFFIX}")
    refuse_overwriting([*(split_title(word).file for word in (*dumps, *(base or ()))), *flags.files], [out])
    exclude({"--exact": exact or None, "--min-cell": min_cell})
    if base is not None and len(base) != len(dumps):
        given = f"{plural(len(base), 'time')} for {plural(len(dumps), 'dump')}"
        raise UsageError(f"--base was given {given}: give one for each dump, in their order")
    settings = checked(bins=bins, level=LEVEL, positive=flags.positive, classes=classes or ())
    chosen, reading = chosen_metrics(metrics), replace(flags.options(), alone=True)
    told = {
        "class_names": reading.class_names,
        "labels_are": reading.labels_are,
        "ignore_index": reading.ignore_index,
        "renormalize": reading.renormalize,
    }
    whole, warnings = Accumulation(None, chosen, settings, told, exact=exact), []
    sources: list[Source] = []
    for word, beside in zip(dumps, base or [""] * len(dumps), strict=True):
        part, predictions = Accumulation(None, chosen, settings, told, exact=exact), open_named(word, reading)
        read, sources = [predictions], [*sources, predictions.source]
        if not beside:
            take_dump(part, predictions, group, threads(jobs))
        else:
            read.append(open_named(beside, reading))
            take_pair(part, read[1], predictions, group, threads(jobs))
        for one in read:
            warnings += [*one.warnings]
            say([f"warning: {one.source.name}: {warning}" for warning in one.warnings], quiet=quiet)
        try:
            whole.merge(part)
        except UsageError as error:
            raise UsageError(f"{as_shown(dumps[0])} and {as_shown(word)}: {error}") from None
    content = sums_file(*to_saved(whole, exact=exact, least=min_cell))
    write_file(out, content)
    running = whole.whole()
    if running is None:
        raise AssertionError("there are rows")
    if json:
        put(written_json(out, running.counts.n, running.facts.kinds.kind, warnings))
    else:
        beside = "" if base is None else ", beside a base"
        put(f"{out}: {_told(running)}{_shards(sources)}{beside}{_joined(min_cell)}, {len(content):,} bytes\n")
    return 0


def _told(running: Running) -> str:
    """What the sums are of."""
    kinds = running.facts.kinds
    classes = "top label only" if kinds.k is None else f"{kinds.k:,} classes, {kinds.kind}"
    groups = "" if running.groups is None else f", {len(running.groups.names):,} groups"
    return f"sums of {running.counts.n:,} rows, {classes}{groups}"


def _shards(sources: Sequence[Source]) -> str:
    """Of how many shards the sums are, and of how many there are more; nothing if these are no shards."""
    from calibeval.words.cells import plural

    found = [NUMBERED.match(PurePath(one.path or "").name) if one.shards is None else None for one in sources]
    several = sum(one.shards or 0 for one in sources)
    numbered = [one for one in found if one is not None]
    count = several + len(numbered)
    if not count:
        return ""
    whole = {(one["stem"], one["rest"], int(one["count"])) for one in numbered}
    if several or len(whole) != 1 or count == min(whole)[2]:
        return f", of {plural(count, 'shard')}"
    return f", of {count} of {min(whole)[2]} shards"


def _joined(min_cell: int | None) -> str:
    return "" if min_cell is None else f", none of fewer than {min_cell} rows"
