"""`calibeval gate --init`: a first configuration, with limits that the sample can resolve."""

from __future__ import annotations

import os
from pathlib import Path

from calibeval.cli.options.choices import LEVEL
from calibeval.cli.options.reading import ReadingFlags, say, threads
from calibeval.cli.screen.streams import put
from calibeval.core.conventions.table import OWN
from calibeval.core.errors import UsageError
from calibeval.readers.small_files import is_there
from calibeval.readers.stored.place import as_shown, is_remote


def first_rules(
    dump: str,
    config: Path | None,
    slices: tuple[str, ...],
    group: str | None,
    flags: ReadingFlags,
    jobs: int | None,
    quiet: bool,
) -> int:
    """Write a first configuration, with limits from the dump. Raises: UsageError, and as the readers."""
    from calibeval.api.gate_config import OWN_FILE, PROJECT_FILE
    from calibeval.cli.inputs.titled import split_title
    from calibeval.core.data.search import refuse_search
    from calibeval.core.data.toml import read_toml
    from calibeval.core.evaluation.measurement import Measurement
    from calibeval.core.evaluation.settings import checked
    from calibeval.core.gating.config import config_from_table
    from calibeval.core.gating.measured import Measured
    from calibeval.core.gating.planning import plan_by
    from calibeval.core.gating.rules import GateSettings
    from calibeval.core.sums.resources import Resources
    from calibeval.readers.open import open_dump
    from calibeval.render.ci.toml import render, with_plan
    from calibeval.writers.atomic import write_file

    dump, path = split_title(dump).file, config or Path(OWN_FILE)
    if is_there(path) or path.name == PROJECT_FILE:
        raise UsageError(f"{path}: already exists; name another file with --config, or remove it")
    if dump == "-":
        raise UsageError('a baseline must be a file: standard input, "-", cannot be read again')
    try:
        dump.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"{dump}: this name is not UTF-8, so a configuration cannot hold it; rename the file"
        ) from None
    reading = flags.options()
    settings = checked(bins=None, convention=OWN, level=LEVEL, slices=slices, group=group, positive=flags.positive)
    resources = Resources(threads(jobs), reading.limits.max_memory)
    predictions = open_dump(dump, reading)
    refuse_search(slices, predictions, "a gate")
    if banded := [word for word in slices if word not in predictions.columns and word.startswith("shots:")]:
        raise UsageError(f"--init writes rules on slices by columns; add {banded[0]} to the file by hand")
    measured = Measurement.of(predictions, settings, resources)
    baseline = as_shown(dump) if is_remote(dump) else Path(os.path.relpath(dump, path.parent)).as_posix()
    names = None if reading.class_names is None else predictions.class_names
    text = render(measured.report(LEVEL), baseline, slices, group, flags.positive, names)
    own = config_from_table(read_toml(text.encode("utf-8", "backslashreplace"))["gate"], str(path))
    how = GateSettings(**own.settings)
    made = plan_by(lambda level: Measured(measured.report(level)), settings, own.rules, how)
    text = with_plan(text, made)
    write_file(path, text.encode("utf-8", "backslashreplace"))
    say([f"written to {path}"], quiet=quiet)
    put(text)
    return 0
