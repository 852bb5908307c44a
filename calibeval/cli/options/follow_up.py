"""The commands that a report proposes as the next step: what was typed, with what they need instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

from calibeval.cli.options.reading import ReadingFlags
from calibeval.core.conventions.table import OWN
from calibeval.core.data.notices import Notice
from calibeval.core.report.report import Report
from calibeval.readers.stored.place import as_shown, place_of
from calibeval.words.names import visible
from calibeval.words.next_step import Ways, quoted

CONFIGURATION = "calibeval.toml"
CLIP = ("--clip", "1e-12")
PRINTED = re.compile(r"rounded to (?P<decimals>[0-9]) decimal")


class Applied(NamedTuple):
    """A map that was applied: fitted on another dump, read from a file, or, without both, fitted out of fold.

    file: the dump it was applied to, without a title.
    """

    method: str
    file: str
    fit_on: str | None = None
    saved_map: str | Path | None = None


def ways(
    dumps: Sequence[str],
    flags: ReadingFlags,
    *,
    group: str | None = None,
    validation: str | None = None,
    applied: Applied | None = None,
    measured: Sequence[str] = (),
) -> Ways:
    """The commands for these dumps, read in the same way. validation: the split on which a map is fitted, if known.

    applied: the map that was tried. measured: options of another report with a map, from `measured_as`.

    None can be proposed for standard input, or for names that a terminal cannot show as they are.

    >>> found = ways(["a b.npz#test"], ReadingFlags(kind="probs"), validation="a b.npz#val")
    >>> found.repair
    "calibeval report 'a b.npz#test' --kind probs --fit-on 'a b.npz#val'"
    >>> found.look, ways(["-"], ReadingFlags()).repair
    ("calibeval inspect 'a b.npz#test' --kind probs", None)
    """
    if "-" in dumps:
        return Ways()
    reading = [*map(as_shown, dumps), *words_of(flags)]
    together = ["--group", group] if group is not None else []
    fitted = ["--cross-fit", "5", *together] if validation is None else ["--fit-on", as_shown(validation), *together]
    fitted += measured
    init = [] if Path(CONFIGURATION).exists() else ["--init"]
    return Ways(
        repair=_command("report", *reading, *fitted),
        classes=_command("report", *reading, *fitted, "--method", "vector"),
        limit=_command("gate", *reading, *together, *init),
        decide=_command("gate", *reading, *together, "--max", "ece=0.03", "--plan"),
        look=_command("inspect", *reading),
        compare=_command("compare", *reading, *together),
        platt=_command("report", *reading, *fitted, "--method", "platt"),
        decide_positive=_command("gate", *reading, *together, "--max", "ece_positive=0.03", "--plan"),
        beta=_command("report", *reading, *fitted, "--method", "beta"),
        isotonic=_command("report", *reading, *fitted, "--method", "isotonic"),
        top_platt=_command("report", *reading, *fitted, "--method", "top-platt"),
        top_isotonic=_command("report", *reading, *fitted, "--method", "top-isotonic"),
        keep=_keeping(dumps, words_of(flags), CLIP if CLIP[0] in measured else (), applied),
    )


def _keeping(dumps: Sequence[str], reading: list[str], clip: Sequence[str], applied: Applied | None) -> str | None:
    """The command that fits the map to a file; for one that is in a file, the command that applies it."""
    if len(dumps) != 1 or applied is None or applied.fit_on == "-":
        return None
    if applied.saved_map is not None:
        saved = str(place_of(Path(applied.saved_map)))
        return _command("apply", saved, as_shown(applied.file), *reading, "-o", "repaired.npz")
    method = [] if applied.method == "temperature" else ["--method", applied.method]
    return _command("fit", as_shown(applied.fit_on or applied.file), *reading, *clip, *method, "-o", "map.json")


def measured_as(report: Report, bins: int | None) -> list[str]:
    """What a report with a map needs to measure alike, and --clip where a label has probability 0. bins: as given.

    Stated confidences of logs are often 100 %, and then some of these answers are wrong.
    """
    words = [] if bins is None else ["--bins", str(bins)]
    words += [] if report.settings.convention == OWN else ["--convention", report.settings.convention]
    notices = [Notice.of(one) for dump in report.dumps for one in dump.warnings]
    impossible = any(one.code == "infinite_nll" for one in notices)
    logs = [dump for dump in report.dumps if dump.source.log is not None]
    if impossible and logs:
        return [*words, *_clip_of_log(notices)]
    return [*words, *(CLIP if impossible or any(dump.k is None for dump in logs) else ())]


def _clip_of_log(notices: Sequence[Notice]) -> tuple[str, ...]:
    """--clip at half of the last decimal that was printed: the most that a printed 0 can stand for."""
    found = [PRINTED.search(one) for one in notices if one.code == "rounded"]
    decimals = [int(one["decimals"]) for one in found if one is not None]
    return (CLIP[0], f"{0.5 * 10.0 ** -min(decimals):g}") if decimals else CLIP


def words_of(flags: ReadingFlags) -> list[str]:
    """The reading options as they are typed.

    >>> words_of(ReadingFlags(key=["labels=y"], renormalize=True, ignore_index=-1))
    ['--key', 'labels=y', '--ignore-index', '-1', '--renormalize']
    """
    words: list[str] = []
    for one in fields(ReadingFlags):  # the engine, like the number of threads, is not repeated
        given, name = getattr(flags, one.name), f"--{one.name.replace('_', '-')}"
        if given is True:
            words.append(name)
        elif isinstance(given, list | tuple):
            words += [word for value in given for word in (name, str(value))]
        elif given is not None and given is not False:
            words += [name, str(place_of(given)) if isinstance(given, Path) else str(given)]
    return words


def _command(*words: str) -> str | None:
    """The command as it can be pasted; None if showing it would change it."""
    command = " ".join(["calibeval", *map(quoted, words)])
    return command if visible(command) == command else None
