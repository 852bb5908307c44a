"""`calibeval gate`: decide by rules whether a model may ship, with an exit code for the shell."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from calibeval.api.image_options import ImageOptions
from calibeval.cli.options import cases
from calibeval.cli.options import gate as gate_options
from calibeval.cli.options import shared as options
from calibeval.cli.options.choices import CELLS, DECIDE, ON_INCONCLUSIVE, PRESETS, check_choices
from calibeval.cli.options.gate_exports import exported, report_of, wanted_exports
from calibeval.cli.options.outputs import JSON, check_folder
from calibeval.cli.options.reading import ReadingFlags, refuse_overwriting, say, threads, with_engine_flags
from calibeval.cli.screen.command import environment
from calibeval.cli.screen.streams import put
from calibeval.core.conventions.table import OWN
from calibeval.core.errors import FileProblem, UsageError
from calibeval.readers.small_files import is_there

if TYPE_CHECKING:
    from calibeval.api.gate_config import Asked
    from calibeval.core.gating.gate import Subject
    from calibeval.core.gating.judged import Explain, Judgeable
    from calibeval.core.gating.verdict import Verdict

SUMMARY, OUTPUTS = "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"


@with_engine_flags
def gate(
    dump: options.Dump,
    baseline: gate_options.Baseline = None,
    config: gate_options.Config = None,
    preset: gate_options.Preset = None,
    max: gate_options.Max = None,
    min: gate_options.Min = None,
    max_increase: gate_options.MaxIncrease = None,
    max_drop: gate_options.MaxDrop = None,
    slice: gate_options.Slice = None,
    over: gate_options.Over = None,
    cells: gate_options.Cells = None,
    where: gate_options.Where = None,
    on_inconclusive: gate_options.OnInconclusive = None,
    decide: gate_options.Decide = None,
    level: gate_options.Level = None,
    min_rows: gate_options.MinRows = None,
    why: gate_options.Why = False,
    plan: gate_options.Plan = False,
    init: gate_options.Init = False,
    json: options.Json = False,
    export: gate_options.Export = None,
    github: gate_options.Github = None,
    out: gate_options.Out = None,
    bins: options.Bins = None,
    convention: options.Convention = OWN,
    group: gate_options.Group = None,
    layout: cases.Layout = None,
    spacing: cases.Spacing = None,
    background: cases.Background = None,
    flags: ReadingFlags = ReadingFlags(),  # noqa: B008 - the decorator makes options of its fields
    jobs: options.Jobs = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Decide whether a model may ship, by limits on its metrics.

    Rules limit metrics or their change from a baseline; intervals decide. DUMP may be a folder of cases, with --labels
    FOLDER, or many dumps, 'preds/{corruption}_{severity}.npz'.
    """
    from calibeval.api.gate_config import OWN_FILE, PROJECT_FILE, combined, find_config
    from calibeval.api.gate_flags import all_flag_rules
    from calibeval.cli.commands.gate_init import first_rules
    from calibeval.cli.inputs.case_pairs import refuse_folder
    from calibeval.cli.inputs.gate_files import opened_sums
    from calibeval.cli.inputs.gate_subject import Measuring, cells_named, measured_for
    from calibeval.cli.inputs.titled import split_title
    from calibeval.core.gating.gate import Subject
    from calibeval.core.gating.judged import judged
    from calibeval.core.sums.resources import Resources

    chosen = {"--preset": (preset, PRESETS), "--on-inconclusive": (on_inconclusive, ON_INCONCLUSIVE)}
    check_choices({**chosen, "--decide": (decide, DECIDE), "--cells": (cells, CELLS)})
    about = {"over": over, "cells": cells, "where": where}
    rules = all_flag_rules(max=max, min=min, max_increase=max_increase, max_drop=max_drop, about=about)
    settings = {
        "on_inconclusive": on_inconclusive,
        "decide": decide,
        "level": level,
        "min_rows": min_rows,
    }
    if init:
        given = [rules, *about.values(), *settings.values(), baseline, preset, why, plan, json, export, github, out]
        if any(one not in (None, [], False) for one in (*given, bins)) or convention != OWN:
            raise UsageError(
                "--init can be combined with --config, --slice, --group and --positive, but with no other option"
            )
        refuse_folder(dump, flags.labels, "--init")
        return first_rules(dump, config, tuple(slice or ()), group, flags, jobs, quiet)
    if plan and any(one not in (None, [], False) for one in (why, export, github, out, decide)):
        raise UsageError("--plan gives no verdict: leave out --why, --export, --github, --out and --decide")
    check_folder(out, {**JSON, ".xml": "--export junit={}", ".md": "--export markdown={}"})
    found = find_config(config)
    summed = opened_sums(dump)
    asked = combined(
        found,
        rules=rules,
        settings=settings,
        baseline=baseline,
        preset=preset,
        slices=slice or (),
        group=group,
        positive=flags.positive,
        planned=plan,
        inside=summed is not None and summed[0].base is not None,
    )
    wanted = wanted_exports(export)
    outputs = [*wanted.values()]
    looked_at = [path for path in (OWN_FILE, PROJECT_FILE) if is_there(Path(path))]
    plan_of_cells = cells_named(dump, asked.reading(flags.options()))
    files = [word and split_title(word).file for word in (dump, asked.baseline)]
    files += [] if plan_of_cells is None else [cell.found.dump for cell in plan_of_cells.cells]
    refuse_overwriting([*files, found.path, *looked_at, *flags.files], [*outputs, *_files(out)])
    reading = asked.reading(flags.options())
    measuring = Measuring(
        bins=bins,
        convention=convention,
        resources=Resources(threads(jobs), reading.limits.max_memory),
        of_cases=ImageOptions(layout, background, spacing),
        of_rows=flags.of_rows(),
        why=why,
        in_full=out is not None,
        planned=plan,
    )
    asked, subject = measured_for(dump, summed or plan_of_cells, asked, reading, measuring)
    named = None if found.path is None else str(found.path)
    if plan and isinstance(subject, Subject):
        return _plan(subject, asked, named, quiet=quiet, json=json)
    explain = _explainer(subject) if why and isinstance(subject, Subject) else None
    verdict = judged(subject, asked.rules, asked.settings, config=named, explain=explain)
    notes, told = [asked.origin] if asked.origin else [], asked.told(subject.n, verdict)
    say([f"note: {note}" for note in (*notes, *_idle(asked, slice or (), out), *told)], quiet=quiet)
    say([f"warning: {warning}" for warning in verdict.warnings], quiet=quiet)
    verdict = replace(verdict, environment=environment(), warnings=(*verdict.warnings, *told))
    _save(verdict, subject, wanted, out)
    say([f"written to {path}" for path in (*outputs, *([out] if out else []))], quiet=quiet)
    put(verdict.to_json() if json else _shown(verdict))
    if _on_github() if github is None else github:
        _tell_github(verdict, sys.stderr if json else sys.stdout)
    return int(verdict.exit_code)


def _save(verdict: Verdict, subject: Judgeable, wanted: Mapping[str, Path], out: Path | None) -> None:
    """Write the files for other tools, and those of the verdict, with a report of the dump."""
    from calibeval.api.save import save_verdict
    from calibeval.writers.atomic import write_file

    for kind, path in wanted.items():
        write_file(path, exported(verdict, subject, kind, path))
    if out is not None:
        save_verdict(replace(verdict, report=report_of(verdict, subject)), out)


def _plan(subject: Subject, asked: Asked, config: str | None, *, quiet: bool, json: bool) -> int:
    """Print what the rows can decide."""
    from calibeval.cli.screen.terminal import screen
    from calibeval.core.gating.planning import plan_of
    from calibeval.render.terminal.plan import render

    made = plan_of(subject, asked.rules, asked.settings, config=config)
    say([f"note: {note}" for note in (*([asked.origin] if asked.origin else []), *asked.left_out)], quiet=quiet)
    say([f"warning: {warning}" for warning in made.warnings], quiet=quiet)
    made = replace(made, environment=environment(), warnings=(*made.warnings, *asked.left_out))
    view = screen()
    put(made.to_json() if json else render(made, width=view.width, ascii_only=view.ascii_only))
    return 0


def _idle(asked: Asked, slices: Sequence[str], out: Path | None) -> list[str]:
    """What was given and decides nothing."""
    rules = [rule for rule in asked.rules if rule.severity != "off"]
    notes = []
    if slices and out is None and all(rule.worst_of is None for rule in rules):
        notes.append(f"--slice {slices[0]} decides nothing: no rule is about the worst slice")
    if asked.baseline is not None and not any(rule.is_change for rule in rules):
        notes.append("the baseline decides nothing: no rule limits a change; --max-increase and --max-drop do")
    return notes


def _explainer(subject: Subject) -> Explain:
    from calibeval.core.gating.explain import explained
    from calibeval.recalibrate.fitting.before_after import by_temperature

    return partial(explained, subject=subject, tempered=by_temperature)


def _shown(verdict: Verdict) -> str:
    """The verdict for standard output: wrapped on a terminal or to COLUMNS, else one line per rule, as in a log."""
    from calibeval.cli.screen.terminal import screen
    from calibeval.render.terminal.verdict import render

    view = screen()
    width = view.width if sys.stdout.isatty() or "COLUMNS" in os.environ else None
    return render(verdict, width=width, color=view.color, ascii_only=view.ascii_only)


def _files(out: Path | None) -> list[Path]:
    return [] if out is None else [out / name for name in ("report.html", "report.json", "verdict.json")]


def _on_github() -> bool:
    """Whether a runner of GitHub Actions, or of a service that is compatible with it, runs this command."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _tell_github(verdict: Verdict, stream: TextIO | None) -> None:
    """Write annotations to a stream that the runner reads, and summary and outputs to the files that it names."""
    from calibeval.render.ci import github as gate_github

    put(gate_github.workflow_commands(verdict), stream, commands=True)
    for variable, text in ((SUMMARY, gate_github.summary(verdict)), (OUTPUTS, gate_github.outputs(verdict))):
        path = os.environ.get(variable)
        if path:
            _append(path, text, variable)


def _append(path: str, text: str, variable: str) -> None:
    try:
        with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise FileProblem(f"{path}: cannot be written ({error.strerror}), but {variable} names it") from None
