"""Samples of lm-evaluation-harness: log-likelihoods of the options of each document, one row a document and filter.

The rules are those of the harness 0.4.13: which target is right, the lengths by which likelihoods are divided, and the
mutual information, for which an answer holds the likelihoods of its options twice.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from calibeval.core.errors import InputError, UsageError, nearest
from calibeval.readers.formats.text import TextSource
from calibeval.readers.logs.answer import Answer
from calibeval.readers.logs.answers import Log, checked_options
from calibeval.readers.logs.options import LogOptions
from calibeval.readers.logs.records import Record, records
from calibeval.readers.logs.values import as_name, as_number
from calibeval.readers.stored.limits import Limits

KEY = "filtered_resps"
WHAT = "lm-evaluation-harness samples"
SAMPLES = re.compile(r"samples_(?P<task>.+?)(_[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9T.:_-]*)?\.jsonl(\.gz)?")
LOGGED = {"none": "acc", "chars": "acc_norm", "bytes": "acc_bytes"}
LENGTH: dict[str, Callable[[str], int]] = {"chars": len, "bytes": lambda text: len(text.encode("utf-8"))}
LONG = ("doc", "resps")
LONGEST_NAME = 80
NO_GOLD = "without a right option"
Rights = tuple[int, ...]


class Sample(NamedTuple):
    """The options of one row. logged: whether the harness counts it as right, if it says so. normalized: by length."""

    record: Record
    scores: Sequence[float]
    logged: float | None
    normalized: bool = False


def read_samples(sources: Sequence[TextSource], options: LogOptions, limits: Limits) -> Log:
    """The documents of all files that one filter answered.

    Raises: InputError for several filters, until one is named; for generated texts, which have no likelihoods; for a
    row whose recomputed accuracy is not the logged one.
    """
    log = Log(WHAT, "logits", by="task")
    loaded = [(source, [*map(_in_short, records(source, limits))]) for source in sources]
    file = sources[0].name
    chosen = _filter([record for _, found in loaded for record in found], options, file)
    checked = Counter[bool]()
    for source, found in loaded:
        task = _task(source.name)
        rows = [record for record in found if record.row.get("filter", "none") == chosen]
        samples = [_sample(record, options, log) for record in rows]
        for sample, right in zip(samples, _rights(samples, options), strict=True):
            if right is None:
                log.count(NO_GOLD, task)
                continue
            checked[sample.logged is not None] += 1
            name = task or _own_task(sample.record)
            document = as_name(sample.record.row.get("doc_id"), f'{sample.record.place}: "doc_id"')
            document = f"{name}/{document}" if name else document
            columns = {"task": name} if name else {}
            names = _names(sample)
            log.answers.append(
                Answer(sample.record.place, document, document, sample.scores, right, columns=columns, names=names)
            )
    if len({answer.columns.get("task") for answer in log.answers}) == 1 and "task" in log.answers[0].columns:
        log.how.append(f"task {log.answers[0].columns['task']}")
    if chosen != "none":
        log.how.append(f'filter "{chosen}"')
    log.how.append("log-likelihoods" + ("" if options.normalize == "none" else f" divided by {options.normalize}"))
    log.how.append(_check(checked, LOGGED[options.normalize]))
    return log


def _check(checked: Counter[bool], logged: str) -> str:
    """What was checked against the accuracy that the harness logged. checked: rows that have it, and that have not."""
    if not checked[True]:
        return f'not checked, since rows have no "{logged}"'
    if not checked[False]:
        return f'the same right or wrong in every row as "{logged}"'
    return f'the same right or wrong as "{logged}" in the {checked[True]:,} of {checked.total():,} rows that have it'


def _in_short(record: Record) -> Record:
    """The record without its long parts: the document, all responses, and the texts before the options."""
    row = {key: value for key, value in record.row.items() if key not in LONG}
    given = row.get("arguments")
    pairs = [*given.values()] if isinstance(given, dict) else given
    if isinstance(pairs, list):
        texts = [[*pair.values()] if isinstance(pair, dict) else pair for pair in pairs]
        row["arguments"] = [["", *pair[1:2]] if isinstance(pair, list) else pair for pair in texts]
    return record._replace(row=row)


def _filter(found: Sequence[Record], options: LogOptions, file: str) -> str:
    """The filter whose rows are read: the only one, or the one that was named."""
    names = list(dict.fromkeys(_filter_of(record) for record in found))
    if options.filter is not None:
        if options.filter not in names:
            hint = nearest(options.filter, names)
            raise UsageError(f"--key filter={options.filter}: no row has this filter{hint}; there are {_list(names)}")
        return options.filter
    if len(names) > 1:
        raise InputError(
            f"{file}: the answers went through {len(names)} filters, {_list(names)}; say which one is measured: "
            f"--key filter={names[0]}"
        )
    return names[0] if names else "none"


def _filter_of(record: Record) -> str:
    if KEY not in record.row:
        raise InputError(f'{record.place}: there is no "{KEY}", which every row of such a log has')
    return as_name(record.row.get("filter", "none"), f'{record.place}: "filter"')


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def _task(file: str) -> str:
    """The task in the name of a file, as the harness writes it; empty for another name.

    >>> _task("samples_arc_easy_2026-08-21T10-11-12.345678.jsonl"), _task("run.jsonl")
    ('arc_easy', '')
    """
    found = SAMPLES.fullmatch(file)
    return "" if found is None else found["task"]


def _own_task(record: Record) -> str:
    found = record.row.get("task", record.row.get("task_name", ""))
    return found if isinstance(found, str) else ""


def _sample(record: Record, options: LogOptions, log: Log) -> Sample:
    """The scores of the options of a row, as the harness compares them."""
    scores = [*_likelihoods(record)]
    if "acc_mutual_info" in record.row and len(scores) % 2 == 0:
        scores = scores[: len(scores) // 2]
        note = 'the first half of the likelihoods, those under the question ("acc_mutual_info" doubles them)'
        if note not in log.how:
            log.how.append(note)
    checked_options(scores, record.place)
    if options.normalize != "none":
        lengths = [LENGTH[options.normalize](text) for text in _choices(record, len(scores))]
        if 0 in lengths:
            raise InputError(f"{record.place}: option {lengths.index(0)} is empty, so nothing can be divided by it")
        scores = [score / length for score, length in zip(scores, lengths, strict=True)]
    logged = record.row.get(LOGGED[options.normalize])
    said = None if logged is None else as_number(logged, record.place)
    return Sample(record, scores, said, options.normalize != "none")


def _likelihoods(record: Record) -> Iterator[float]:
    """One log-likelihood an option: [[-3.1, false], ...] with numbers or texts, or without the pairs."""
    found = record.row[KEY]
    if not isinstance(found, list) or not found:
        raise InputError(f'{record.place}: "{KEY}" must be a list with a likelihood for each option')
    for option in found:
        inner = option
        while isinstance(inner, list) and inner:
            inner = inner[0]
        yield as_number(
            inner,
            f'{record.place}: "{KEY}"',
            "Generated texts have no likelihoods of options: only multiple choice can be measured",
        )


def _choices(record: Record, k: int) -> list[str]:
    """The texts of the options, without the blank that the harness puts before them."""
    pairs = record.row.get("arguments")
    texts = [
        pair[1].removeprefix(" ")
        for pair in (pairs[:k] if isinstance(pairs, list) else ())
        if isinstance(pair, list) and len(pair) >= 2 and isinstance(pair[1], str)
    ]
    if len(texts) != k:
        raise InputError(f'{record.place}: "arguments" do not hold the texts of all {k} options, which are needed here')
    return texts


def _names(sample: Sample) -> tuple[str, ...]:
    """The texts of the options, by which classes are called if all rows have the same, such as no and yes."""
    try:
        texts = _choices(sample.record, len(sample.scores))
    except InputError:
        return ()
    known = all(text.strip() and len(text) <= LONGEST_NAME and text.isprintable() for text in texts)
    return tuple(text.strip() for text in texts) if known and len(set(texts)) == len(texts) else ()


def _rights(samples: Sequence[Sample], options: LogOptions) -> list[Rights | None]:
    """The right options of each row; None where there are none.

    A target is the number of an option or its text. Where texts are numbers, the reading that agrees with the logged
    accuracy in every row is taken.
    Raises: InputError naming the first row that agrees with no reading.
    """
    found = [_right(sample, by_text=False) for sample in samples]
    odd = _first_odd(samples, found)
    if odd is None:
        return found
    try:
        texts = [_right(sample, by_text=True) for sample in samples]
    except InputError:
        texts = [None]
    if None not in texts and _first_odd(samples, texts) is None:
        return texts
    sample, right = samples[odd], found[odd]
    logged = LOGGED[options.normalize]
    raise InputError(
        f'{sample.record.place}: "{logged}" is {sample.logged:g}, but the likeliest option is '
        f"{int(np.argmax(sample.scores))} and the right one {'none' if right is None else ', '.join(map(str, right))} "
        f"(target {str(sample.record.row['target'])[:40]!r}): the log cannot be read as its writer meant it"
    )


def _first_odd(samples: Sequence[Sample], rights: Sequence[Rights | None]) -> int | None:
    pairs = enumerate(zip(samples, rights, strict=True))
    return next((number for number, (sample, right) in pairs if not _agrees(sample, right)), None)


def _agrees(sample: Sample, right: Rights | None) -> bool:
    """Whether a row is right or wrong as the harness says; it counts rows without a right option as wrong."""
    if sample.logged is None:
        return True
    return sample.logged == (right is not None and int(np.argmax(sample.scores)) in right)


def _right(sample: Sample, *, by_text: bool) -> Rights | None:
    k, row = len(sample.scores), sample.record.row
    place = f'{sample.record.place}: "target"'
    if "target" not in row:
        raise InputError(f'{sample.record.place}: there is no "target"')
    target = row["target"]
    if isinstance(target, str) and target[:1] == "[":
        target = _listed(target)
    texts: list[str] | None = None
    rights: list[int] = []
    for one in target if isinstance(target, list) else [target]:
        number = None if by_text else _whole(one)
        if number is None:
            if not isinstance(one, str | int | float) or isinstance(one, bool):
                raise InputError(f"{place} must be the number or the text of an option, or a list of these")
            texts = _choices(sample.record, k) if texts is None else texts
            if len(set(texts)) == 1:
                return _by_accuracy(sample)
            number = texts.index(str(one)) if str(one) in texts else -1
        rights.append(number)
    kept = tuple(dict.fromkeys(number for number in rights if 0 <= number < k))
    return kept or None


def _by_accuracy(sample: Sample) -> Rights:
    """The right one of two options that differ in their question, and not in the text that follows, as in Winogrande.

    Raises: InputError for more options, without a logged accuracy, or with one under another length.
    """
    best = int(np.argmax(sample.scores))
    if sample.logged is None or sample.normalized or (len(sample.scores) > 2 and sample.logged != 1):
        raise InputError(
            f'{sample.record.place}: options differ in their question only, so "acc" alone says which is right, and '
            "that of two options; --normalize cannot be used"
        )
    return (best if sample.logged == 1 else 1 - best,)


def _listed(text: str) -> Any:
    """The list in a text such as "[0, 2]"; the text itself where it is none."""
    try:
        found = ast.literal_eval(text[:10_000])
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return found if isinstance(found, list) else text


def _whole(value: Any) -> int | None:
    """A whole number, also in a text; None for anything else.

    >>> _whole(2), _whole("2"), _whole("-100"), _whole("two"), _whole(True)
    (2, 2, -100, None, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value.strip()) else None
