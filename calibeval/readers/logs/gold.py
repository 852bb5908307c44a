"""The right answers to questions: in the log itself, or in another file that is joined by id or by order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from calibeval.core.errors import InputError
from calibeval.readers.formats.text import TextSource
from calibeval.readers.logs.answers import Log
from calibeval.readers.logs.options import LogOptions
from calibeval.readers.logs.records import Record, records
from calibeval.readers.logs.values import as_name, as_number, as_option, documents, first_of
from calibeval.readers.remote.find import steady_file
from calibeval.readers.stored.limits import Limits

KEYS = ("labels", "gold", "golds", "targets")
IDS = ("id", "ids", "sample_id", "row_id", "request_id", "custom_id")
TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")


class Gold(NamedTuple):
    """The right option. shares: the probability of each option, where the gold answer is a distribution."""

    name: str
    shares: tuple[float, ...] | None = None


def join_gold(
    found: Sequence[Record], ids: Sequence[str | None], options: LogOptions, limits: Limits, log: Log, file: str
) -> list[tuple[str, Mapping[str, Any] | None]]:
    """The document and the gold answers of each record, by question; None where there are none.

    Raises: InputError if no record has any, for ids that occur twice, and for files of other lengths without ids.
    """
    numbered = documents(ids)
    if options.gold is None:
        own = [_by_question(record) for record in found]
        if not any(own):
            raise InputError(
                f'{file}: there are no gold answers ("{KEYS[0]}" or "{KEYS[1]}") beside the decisions; name the file '
                "that has them with --gold FILE"
            )
        log.how.append("gold answers from the same file")
        return [*zip(numbered, own, strict=True)]
    source = TextSource.of(steady_file(options.gold, limits, whole=True))
    theirs = _rows(list(records(source, limits)), source.name)
    named = [one for one, _ in theirs]
    if None not in ids and None not in named:
        counted = Counter(named)
        if len(counted) < len(named):
            raise InputError(f'{source.name}: the id "{str(counted.most_common(1)[0][0])[:80]}" occurs twice')
        by_id = {str(one): gold for one, gold in theirs}
        if not set(by_id) & set(numbered):
            raise InputError(f"{file} and {source.name} share no id: is it the gold file of these decisions?")
        unused = len(set(by_id) - set(numbered))
        log.how.append("gold answers by id" + (f", {unused:,} of them without a decision" if unused else ""))
        return [(one, by_id.get(one)) for one in numbered]
    if len(theirs) != len(found):
        raise InputError(
            f"{file} has {len(found):,} decisions and {source.name} {len(theirs):,} gold rows; without ids in both "
            "they are joined by order, which needs as many"
        )
    log.how.append("gold answers by order")
    return [(name, gold) for name, (_, gold) in zip(numbered, theirs, strict=True)]


def _rows(found: Sequence[Record], file: str) -> list[tuple[str | None, Mapping[str, Any]]]:
    """Gold answers by question, for each id. Rows of one question each are put together by their id."""
    rows: list[tuple[str | None, Mapping[str, Any]]] = []
    single: dict[str, dict[str, Any]] = {}
    for record in found:
        row = record.row
        name = record.id(IDS)
        golds = _by_question(record)
        if golds is not None:
            rows.append((name, golds))
        elif name is not None and "question" in row and any(key in row for key in ("gold", "label", "answer", "value")):
            question = as_name(row["question"], f'{record.place}: "question"')
            if question in single.setdefault(name, {}):
                raise InputError(f'{record.place}: a second gold answer of "{name[:40]}" to "{question[:40]}"')
            single[name][question] = first_of(row, ("gold", "label", "answer", "value"))
        else:
            others = {key: value for key, value in row.items() if key not in IDS}
            if not others:
                raise InputError(
                    f'{record.place}: there are no gold answers, such as {{"labels": {{QUESTION: ANSWER}}}}'
                )
            rows.append((name, others))
    if rows and single:
        raise InputError(f"{file}: some rows hold one gold answer, others several by question")
    return rows or [*single.items()]


def _by_question(record: Record) -> Mapping[str, Any] | None:
    """The gold answers of a record, under any of their keys.

    Raises: InputError where two keys hold different answers to a question.
    """
    golds: dict[str, Any] = {}
    key_of: dict[str, str] = {}
    for key in KEYS:
        found = record.row.get(key)
        if isinstance(found, list) and all(isinstance(one, dict) and "name" in one for one in found):
            found = {str(one["name"]): first_of(one, ("value", "gold", "label", "choice")) for one in found}
        for question, gold in found.items() if isinstance(found, dict) else ():
            if golds.setdefault(question, gold) != gold:
                raise InputError(
                    f'{record.place}: "{key_of[question]}" and "{key}" hold different gold answers to '
                    f'"{question[:40]}"; keep one of them'
                )
            key_of.setdefault(question, key)
    return golds or None


def gold_of(value: Any, names: Sequence[str], values: Sequence[float], place: str) -> Gold | None:
    """The right one among the options; None if it is none of them.

    names: of the options, empty if they are not known. values: of the levels of a score.
    Raises: InputError for a gold answer that cannot be one.
    """
    if isinstance(value, dict):
        options = _options_of(value, names, values, place)
        chances = [as_number(p, f"{place}: the gold probability") for p in value.values()]
        shares = dict(zip(options, chances, strict=True))
        if not shares or any(p < 0 for p in shares.values()) or abs(sum(shares.values()) - 1) > 0.02:
            raise InputError(f"{place}: a gold distribution must be probabilities by option that add up to 1")
        best = max(shares, key=lambda name: shares[name])
        if names and not set(shares) <= set(names):
            return None
        total = sum(shares.values())
        return Gold(best, tuple(shares.get(name, 0.0) / total for name in names) if names else None)
    if isinstance(value, list) or value is None:
        raise InputError(f"{place}: a gold answer must be an option or a distribution over options")
    name, level = _plain(value, names), _level(value, names, values)
    if level is not None and isinstance(value, int | float) and not isinstance(value, bool):
        return Gold(level)
    if name not in names:
        return Gold(level) if level is not None else None if names else Gold(name)
    if level not in (None, name) and isinstance(value, str):
        raise InputError(_two_levels(place, name, level))
    return Gold(name)


def _options_of(shares: Mapping[str, Any], names: Sequence[str], values: Sequence[float], place: str) -> list[str]:
    """The options of a gold distribution; those of a score may be its levels or their labels."""
    named, levels = [_plain(key, names) for key in shares], [_level(key, names, values) for key in shares]
    if None in levels:
        return named
    if named != levels and set(named) <= set(names):
        first = next(number for number, name in enumerate(named) if name != levels[number])
        raise InputError(_two_levels(place, named[first], levels[first]))
    return [str(level) for level in levels]


def _level(value: Any, names: Sequence[str], values: Sequence[float]) -> str | None:
    """The label of the level of a score that a gold answer names by its value."""
    try:
        number = as_number(value, "")
    except InputError:
        return None
    return names[values.index(number)] if number in values else None


def _two_levels(place: str, name: str, other: str | None) -> str:
    return (
        f'{place}: the gold answer "{name}" is the label of one level and the value of another, whose label is '
        f'"{other}"; write gold answers as numbers, which are levels, or give the levels other labels'
    )


def is_option(gold: str, option: str) -> bool:
    """Whether a gold answer is this option, also by another word for true or false.

    >>> is_option("yes", "true"), is_option("a", "b")
    (True, False)
    """
    return _plain(gold, (option,)) == option


def _plain(value: Any, names: Sequence[str]) -> str:
    """A gold answer as options are written: 1, true and yes are one thing where the options are two such words."""
    text = as_option(value)
    if text in names:
        return text
    for words in (TRUE, FALSE):
        if text.lower() in words:
            same = [name for name in names if name.lower() in words]
            if len(same) == 1:
                return same[0]
    return text
