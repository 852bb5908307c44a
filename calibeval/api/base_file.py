"""The base of a comparison: a dump, or one dump of a saved report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError, nearest
from calibeval.core.report.report import Report
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.open import open_dump
from calibeval.readers.small_files import read_small
from calibeval.readers.stored.place import Url, is_remote, place_of, remote_split

SUFFIX = ".json"


def open_base(name: str, reading: ReadOptions) -> Predictions | Report:
    """The base of a comparison: one dump of a saved report if the file is .json and no log, else a dump.

    Raises: InputError for a file that is not a report, or a report without that dump; FileProblem if it cannot be read.
    """
    path = place_of(file_of(name))
    if not is_report(name):
        return open_dump(name, reading)
    if isinstance(path, Url):
        remote_split(name)  # before anything that stands behind the # is shown
    content = read_small(path)
    try:
        report = Report.from_json(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    names = [dump.name for dump in report.dumps]
    wanted = name[len(file_of(name)) + 1 :]
    if wanted and wanted not in names:
        there = ", ".join(names) or "none"
        raise InputError(f'{path}: the report has no dump "{wanted}"{nearest(wanted, names)}; there are {there}')
    if not wanted and len(names) != 1:
        there = ", ".join(f"{path}#{one}" for one in names) or "none"
        raise InputError(f"{path}: the report holds {len(names)} dumps; say which: {there}")
    return replace(report, dumps=tuple(dump for dump in report.dumps if dump.name == wanted or not wanted))


def is_report(name: str) -> bool:
    """Whether this names a saved report, or a dump of one: a file .json, unless it is the log of a language model."""
    file = file_of(name)
    return file.lower().endswith(SUFFIX) and not _is_log(file)


def _is_log(file: str) -> bool:
    if is_remote(file) or not Path(file).is_file():
        return False
    from calibeval.readers.formats.text import TextSource
    from calibeval.readers.logs.recognise import log_format
    from calibeval.readers.remote.find import steady_file

    limits = ReadOptions().limits
    return log_format(TextSource.of(steady_file(place_of(file), limits)), limits) is not None


def saved_report(name: str, reading: ReadOptions) -> Report:
    """The saved report of a name for which `is_report` is true, or one dump of it. Raises: as `open_base`."""
    found = open_base(name, reading)
    if isinstance(found, Predictions):
        raise AssertionError("a file .json is a report")  # noqa: TRY004 - no argument is wrong
    return found


def file_of(name: str) -> str:
    """The file in the name of a base; for report.json#NAME, the part before the first # after .json."""
    if (not is_remote(name) and Path(name).exists()) or f"{SUFFIX}#" not in name.lower():
        return name
    return name[: name.lower().index(f"{SUFFIX}#") + len(SUFFIX)]
