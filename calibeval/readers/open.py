"""`read`: from a path, optionally with #split, to predictions."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING

from calibeval.core.data.amended import with_keywords, with_recognised
from calibeval.core.data.class_names import LabelsAre
from calibeval.core.data.far_rows import with_engine
from calibeval.core.data.positive import with_positive
from calibeval.core.data.predictions import Predictions, Source
from calibeval.core.errors import UsageError
from calibeval.readers.load import LOGS, MAYBE_LOGS, load, load_shards, needs_all, suffix_of
from calibeval.readers.logs.opening import open_gold, open_log
from calibeval.readers.meaning.assemble import assemble
from calibeval.readers.meaning.read_options import ReadOptions, for_logs
from calibeval.readers.opened import Opened
from calibeval.readers.remote.find import remote_facts, settling, steady_file
from calibeval.readers.remote.of_shards import at_once, shards_facts, shards_settling
from calibeval.readers.said import options_of
from calibeval.readers.shards import joined, shard_paths
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.place import Place, Url, as_name, place_of, remote_split
from calibeval.readers.stored.steady import SteadyFile

if TYPE_CHECKING:
    from calibeval.readers.logs.options import LogOptions
    from calibeval.readers.meaning.labels_file import ExternalLabels

STDIN = Path("-")
STREAMED = (".csv", ".tsv", ".json", ".jsonl", ".lm-eval", ".judged", ".decisions")


def read(
    path: str | PathLike[str],
    *,
    kind: str | None = None,
    key: Mapping[str, str] | None = None,
    logits_key: str | None = None,
    probs_key: str | None = None,
    labels_key: str | None = None,
    ids_key: str | None = None,
    labels: str | PathLike[str] | None = None,
    score_columns: Sequence[str] = (),
    class_names: Sequence[str] | None = None,
    positive: str | int | None = None,
    labels_are: LabelsAre | None = None,
    ignore_index: int | None = None,
    renormalize: bool = False,
    drop_duplicates: bool = False,
    read_as: str | None = None,
    decimal: str | None = None,
    normalize: str | None = None,
    gold: str | PathLike[str] | None = None,
    missing_confidence: str | None = None,
    confidence_unit: str | None = None,
    confidence_means: str | None = None,
    max_bytes: int | None = None,
    max_memory: int | None = None,
    checksums: bool = True,
) -> Predictions:
    """Predictions from a file of any supported format, with or without labels; `file.npz#val` names a split.

    path: a path, or a URL such as s3://bucket/file.npz (extra `remote`).
    kind: "logits", "probs" or "log_probs", if the name of the key does not say it or says it wrongly.
    key: names of arrays or columns, where they are not the usual ones, by their role: logits, probs, log_probs,
    confidence, correct, prediction, labels, ids, weights, and of a log its filter; {"log_probs": "lp"}. logits_key,
    probs_key, labels_key, ids_key: the same, one by one.
    labels: another file with the labels; rows are found by ids where both files have them.
    score_columns: columns of a table that are the scores; "p0..p9" and "p*" stand for several, and "!id" leaves one
    out. class_names: in class order.
    positive: of two classes, the one whose probability is reported, by name or number. Where the labels are two texts,
    it is enough: one column of scores is then that of this class, and so is the second of two columns without names.
    labels_are: "names" or "positions", for labels that could be both, such as 1 with the classes 1, 2 and 3.
    ignore_index: rows with this label are left out and counted. drop_duplicates: rows are left out whose id an earlier
    row has, if both have the same label and scores. renormalize: every row of probabilities is divided by its sum, and
    a warning counts these rows.
    read_as: the format, such as "csv", whatever the suffix. decimal: the decimal sign, "," or ".", in
    .csv and .tsv; then the other one may separate thousands. normalize: what the log-likelihoods of a log are divided
    by: "none", "chars" or "bytes" of each option. gold: the file with the right answers of a log.
    missing_confidence: what is done with answers without one, "error", "drop" or "100". confidence_unit: of stated
    confidences, "fraction" or "percent". confidence_means: "probability" takes a confidence alone as one.
    max_bytes: the most bytes that the file may expand to.
    max_memory: arrays of more bytes are read block by block. checksums: False accepts a .pt file that was written with
    its checksums switched off.
    Raises: InputError if the content cannot be used, FileProblem if the file cannot be read, UsageError for options
    that cannot work.
    """
    options = options_of(
        kind=kind,
        key=key,
        logits_key=logits_key,
        probs_key=probs_key,
        labels_key=labels_key,
        ids_key=ids_key,
        labels=labels,
        score_columns=score_columns,
        class_names=class_names,
        positive=positive,
        labels_are=labels_are,
        ignore_index=ignore_index,
        renormalize=renormalize,
        drop_duplicates=drop_duplicates,
        read_as=read_as,
        decimal=decimal,
        normalize=normalize,
        gold=gold,
        missing_confidence=missing_confidence,
        confidence_unit=confidence_unit,
        confidence_means=confidence_means,
        max_bytes=max_bytes,
        max_memory=max_memory,
        checksums=checksums,
    )
    return with_keywords(open_dump(as_name(path), replace(options, need_labels=False)))


def open_dump(name: str, options: ReadOptions) -> Predictions:
    """Predictions from `path` or `path#split`.

    Raises: as `read`.
    """
    path, split = split_name(name)
    opened = open_input(
        path, options.limits, read_as=options.read_as, decimal=options.decimal, alone=options.alone, logs=options.logs
    )
    return with_engine(predictions_of(opened, open_labels(options), split, options), options.limits.engine)


def open_input(
    path: Place,
    limits: Limits,
    stdin: IO[bytes] | None = None,
    *,
    read_as: str | None = None,
    decimal: str | None = None,
    alone: bool = False,
    logs: LogOptions | None = None,
) -> Opened:
    """Open a file, shards (a folder, a pattern or a name with -of-N) or, for "-", standard input.

    stdin: the stream to read; None: the process's standard input. read_as, decimal, alone, logs: see ReadOptions; None:
    a log is read as any other file.
    Raises: as `load`.
    """
    if path == STDIN and read_as not in (None, *STREAMED):
        raise UsageError(f"standard input must be csv, tsv, json or jsonl, so --read-as {read_as[1:]} cannot work")
    if path == STDIN:
        from calibeval.readers.stdin import read_stdin

        stream = stdin if stdin is not None else getattr(sys.stdin, "buffer", None)
        came = read_stdin(stream, limits, read_as, decimal, logs)
        return Opened(path, came.contents, came.format, came.size, lambda: lambda: came.sha256)
    suffixed = suffix_of if read_as is None else lambda _: read_as
    shards = shard_paths(path, suffixed, alone=alone)
    first = path if shards is None else shards[0]
    form = suffixed(first)
    seen: SteadyFile | None = None
    if logs is not None and form in (*MAYBE_LOGS, *LOGS):
        seen = steady_file(first, limits, whole=True)  # a remote file is not fetched again
        logged = open_log(path, seen, (shards or [path])[1:], limits, logs, read_as)
        if logged is not None:
            return logged
    if shards is None:
        file = seen or steady_file(path, limits, whole=needs_all(form))
        contents = load(file, limits, read_as, decimal)
        return Opened(
            path,
            contents,
            form.lstrip("."),
            file.size,
            functools.cache(lambda: settling(file, contents.extents)),
            remote=remote_facts(file),
        )
    files, parts = load_shards(path.name, shards, limits, form, (read_as, decimal))
    return Opened(
        path,
        joined(parts, [shard.name for shard in shards], limits, at_once(shards)),
        form.lstrip("."),
        sum(file.size for file in files),
        functools.cache(lambda: shards_settling(files, parts, limits.engine)),
        remote=shards_facts(files),
        shards=len(shards),
    )


def open_labels(options: ReadOptions) -> Opened | None:
    """The separate file with the labels, if there is one, perhaps with a #split.

    Raises: as `load`.
    """
    if options.labels is None:
        return None
    path, split = split_name(as_name(options.labels))
    return replace(open_input(path, options.limits, decimal=options.decimal, alone=options.alone), split=split)


def predictions_of(opened: Opened, labels: Opened | None, split: str | None, options: ReadOptions) -> Predictions:
    """The predictions that one split of an input holds.

    labels: another input that holds the labels; it is verified and hashed like the first.
    Raises: as `read`.
    """
    if split is not None and opened.contents.narrowed is not None:
        opened = replace(opened, contents=opened.contents.narrowed(split))
    options = for_logs(options, opened.contents, opened.path.name)
    gold = options.logs.gold if opened.contents.log is not None else None
    source, settling = source_of(opened, labels if gold is None else open_gold(gold, options.limits), split)
    found = assemble(opened.contents.arrays, source, options, external(labels), settling)
    if found.labelled or found.class_names is not None:  # nothing else says which class a name is
        found = with_positive(found, options.positive)
    return with_recognised(found, opened.contents.told) if opened.contents.told else found


def external(labels: Opened | None) -> ExternalLabels | None:
    """Another input as the one that holds the labels."""
    if labels is None:
        return None
    from calibeval.readers.meaning.labels_file import ExternalLabels

    return ExternalLabels(labels.contents, labels.path, labels.split)


def source_of(opened: Opened, labels: Opened | None, split: str | None) -> tuple[Source, Callable[[], Source]]:
    """The source of one split of an input without hashes, and a function that waits for the hashes and adds them.

    labels: another input that holds the labels; it is verified and hashed like the first.
    """
    source = Source(opened.path.as_posix(), split, format=opened.format, remote=opened.remote, shards=opened.shards)
    source = replace(source, log=opened.contents.log)
    sha256 = opened.digest()
    if labels is None:
        return source, lambda: replace(source, sha256=sha256())
    split_there = "" if labels.split is None else f"#{labels.split}"
    with_labels = replace(source, labels_path=f"{labels.path.as_posix()}{split_there}", labels_remote=labels.remote)
    labels_sha256 = labels.digest()
    return with_labels, lambda: replace(with_labels, sha256=sha256(), labels_sha256=labels_sha256())


def split_name(name: str) -> tuple[Place, str | None]:
    """The place and the split in a dump's name.

    If a file with the whole name exists, # is part of its path; also if a folder follows it, and there is nothing of
    the name before it. In a URL, a # always begins the split.

    >>> split_name("a.npz#val")[1], split_name("no#1/*.npz")[0].as_posix()
    ('val', 'no#1/*.npz')
    >>> split_name("s3://bucket/a.npz#val")
    (<Url s3://bucket/a.npz>, 'val')

    Raises: UsageError for a URL with a query behind the split.
    """
    if "#" not in name:
        return place_of(name), None
    path, _, split = name.rpartition("#")
    if isinstance(url := place_of(path), Url):
        return url, remote_split(name)
    if Path(name).exists() or ("/" in split and (not Path(path).exists() or Path(name).parent.is_dir())):
        return Path(name), None
    return Path(path), split
