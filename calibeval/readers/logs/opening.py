"""A log in one or several files, if that is what they are."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

from calibeval.core.errors import InputError
from calibeval.readers.formats.text import TextSource
from calibeval.readers.logs.eval_zip import is_eval
from calibeval.readers.logs.inspect_log import read_evals
from calibeval.readers.logs.options import LogOptions
from calibeval.readers.logs.recognise import EVAL, READ, READERS, log_format
from calibeval.readers.opened import Opened
from calibeval.readers.remote.find import remote_facts, settling, steady_file
from calibeval.readers.remote.of_shards import shards_facts, shards_settling
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.place import Place
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents


def open_log(
    path: Place, first: SteadyFile, others: Sequence[Place], limits: Limits, options: LogOptions, read_as: str | None
) -> Opened | None:
    """The log in these files; None if they are none. path: what the user named. read_as: a format that was named.

    first: the first of the files. others: of shards, where the others are.

    Raises: FileProblem if a file cannot be read; InputError for content that cannot be used.
    """
    if read_as is not None and read_as not in (*READERS, EVAL):
        return None
    form = read_as or (EVAL if is_eval(first) else log_format(TextSource.of(first), limits))
    if form is None:
        return None
    files = [first, *(steady_file(place, limits, whole=True) for place in others)]
    empty = next((file.name for file in files if not file.size), None)
    if empty is not None:
        raise InputError(f"{empty}: the file is empty")
    options.check(READ[form][1], READ[form][0], first.name)
    if form == EVAL:
        log = read_evals(files, options, limits)
    else:
        log = READERS[form]([TextSource.of(file) for file in files], options, limits)
    contents = log.contents(first.name, limits)
    alone = len(files) == 1
    opened = Opened(
        path,
        contents,
        form.lstrip("."),
        sum(file.size for file in files),
        functools.cache(lambda: settling(first, ())),
        remote=remote_facts(first) if alone else shards_facts(files),
    )
    if alone:
        return opened
    parts = [Contents({}) for _ in files]
    return replace(
        opened, shards=len(files), digest=functools.cache(lambda: shards_settling(files, parts, limits.engine))
    )


def open_gold(path: Place, limits: Limits) -> Opened:
    """The file of gold answers, as reports name its source: they are in the arrays of the log already."""
    file = steady_file(path, limits, whole=True)
    return Opened(
        path, Contents({}), "", file.size, functools.cache(lambda: settling(file, ())), remote=remote_facts(file)
    )
