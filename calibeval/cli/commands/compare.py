"""`calibeval compare`: differences between candidates and a base on the same rows, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from calibeval.api.image_options import ImageOptions
from calibeval.cli.options import cases
from calibeval.cli.options import compare as compare_options
from calibeval.cli.options import shared as options
from calibeval.cli.options.by_products import check_drawing
from calibeval.cli.options.choices import LEVEL, RISK, exclude, table_format
from calibeval.cli.options.outputs import JSON, check_folder, exports
from calibeval.cli.options.outputs import TABLES as FILE_TABLES
from calibeval.cli.options.reading import ReadingFlags, refuse_overwriting, say, threads, with_engine_flags
from calibeval.cli.screen.progress import Progress
from calibeval.cli.screen.streams import put
from calibeval.core.errors import UsageError

if TYPE_CHECKING:
    from calibeval.core.comparison.comparison import Comparison

OUTPUTS = ("compare.html", "compare.json", "compare.md")
TABLES = {"md": "markdown", "csv": "csv_table", "latex": "latex"}
EXPORTS = {"markdown": "md", "csv": "csv", "latex": "latex"}


@with_engine_flags
def compare(
    base: compare_options.Base,
    candidates: compare_options.Candidates = None,
    json: options.Json = False,
    out: compare_options.CompareOut = None,
    full: options.Full = False,
    table: options.Format = None,
    export: options.Export = None,
    metrics: options.Metrics = None,
    bins: compare_options.Bins = None,
    level: options.Level = None,
    slices: compare_options.Slices = None,
    min_rows: compare_options.MinRows = None,
    group: compare_options.Group = None,
    layout: cases.Layout = None,
    spacing: cases.Spacing = None,
    background: cases.Background = None,
    flags: ReadingFlags = ReadingFlags(),  # noqa: B008 - the decorator makes options of its fields
    jobs: options.Jobs = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Compare models on the same rows: differences with intervals.

    BASE is a dump or a saved report.json; report.json#NAME selects one of its dumps. Both may be folders of cases.
    """
    table = table_format(table, TABLES)
    exclude({"--json": json or None, "--format": table, "--full": full or None})
    from calibeval.api.chosen import chosen_metrics

    only = chosen_metrics(metrics)
    check_folder(out, {**JSON, **FILE_TABLES})
    outputs = [] if out is None else [out / name for name in OUTPUTS]
    from calibeval.api.base_file import file_of
    from calibeval.api.case_pairs import Measuring
    from calibeval.cli.inputs.case_pairs import compared_cases
    from calibeval.cli.inputs.saved_sums import compared_sums
    from calibeval.cli.inputs.titled import open_named, open_named_base, split_title

    wanted = exports(export, (*EXPORTS, RISK))
    check_drawing(wanted.get(RISK))
    outputs += wanted.values()
    others = candidates or []
    files = [split_title(word).file for word in (base, *others)]
    refuse_overwriting([file_of(files[0]), *files[1:], *flags.files], outputs)
    if files.count("-") > 1:
        raise UsageError('standard input, "-", can be read only once')
    from calibeval.core.comparison.chosen import with_chosen
    from calibeval.core.comparison.compare import compare as compare_dumps
    from calibeval.core.sums.resources import Resources
    from calibeval.words.comparison import warnings
    from calibeval.writers.atomic import write_file

    result = compared_sums(
        [base, *others],
        LEVEL if level is None else level,
        only,
        bins,
        {"--slice": slices, "--min-rows": min_rows, "--group": group, "--positive": flags.positive} | flags.of_rows(),
    )
    if result is None and not others:
        raise UsageError(f"{base} is compared with nothing: name candidates behind it, or sums that hold a base")
    reading = flags.options()
    with Progress(quiet=quiet) as progress:
        result = result or compared_cases(
            base,
            others,
            reading,
            ImageOptions(layout, background, spacing),
            Measuring(bins, LEVEL if level is None else level, group, tuple(slices or ()), min_rows),
            Resources(threads(jobs), reading.limits.max_memory, progress),
            only,
            {"--positive": flags.positive},
        )
        result = result or compare_dumps(
            open_named_base(base, reading),
            [open_named(word, reading) for word in others],
            bins=bins,
            level=LEVEL if level is None else level,
            slices=slices or (),
            min_rows=min_rows,
            group=group,
            positive=flags.positive,
            background=background,
            jobs=threads(jobs),
            max_memory=reading.limits.max_memory,
            progress=progress,
            only=only,
        )
    result = with_chosen(result, only).with_distinct_names()
    say([f"warning: {warning}" for warning in warnings(result)], quiet=quiet)
    if out is not None:
        from calibeval.api.save import save_comparison

        save_comparison(result, out)
        say([f"written to {out}"], quiet=quiet)
    for kind, path in wanted.items():
        write_file(path, _exported(result, kind, path))
    say([f"written to {path}" for path in wanted.values()], quiet=quiet)
    put(_shown(result, json, table, full=full))
    return 0


def _exported(result: Comparison, kind: str, path: Path) -> bytes:
    """The comparison as a file of that kind. path: whose suffix is the format of a figure."""
    if kind == RISK:
        from calibeval.api.show import curves_of, drawn

        return drawn(curves_of(result), path.suffix, of=RISK)
    return _table(result, EXPORTS[kind]).encode("utf-8", "backslashreplace")


def _table(result: Comparison, kind: str) -> str:
    """The comparison as a table for documents."""
    from calibeval.render.tables import comparison as comparison_tables

    renderer: Callable[[Comparison], str] = getattr(comparison_tables, TABLES[kind])
    return renderer(result)


def _shown(result: Comparison, json: bool, table: str | None, *, full: bool) -> str:
    """The comparison in the format for standard output."""
    if json:
        return result.to_json()
    if table is not None:
        return _table(result, table)
    from calibeval.cli.screen.terminal import screen
    from calibeval.render.terminal.comparison import render

    view = screen()
    return render(result, width=view.width, color=view.color, ascii_only=view.ascii_only, full=full)
