"""Answers of decision services, in both shapes that they come in: by question, or a list with names.

A choice has a probability for each of its options, a yes-or-no question the probability of yes, and a score one for
each level of its scale. A `confidence` is another thing with every vendor, so it is read only if its meaning is stated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import numpy as np

from calibeval.core.data.rounding import NUDGE
from calibeval.core.errors import InputError
from calibeval.readers.formats.text import TextSource
from calibeval.readers.logs.answer import Answer
from calibeval.readers.logs.answers import MOST_OPTIONS, ONE_OPTION, Log, checked_options
from calibeval.readers.logs.gold import IDS, Gold, gold_of, is_option, join_gold
from calibeval.readers.logs.options import LogOptions
from calibeval.readers.logs.records import Record, records
from calibeval.readers.logs.sums import check_sums
from calibeval.readers.logs.values import as_name, as_number, as_option
from calibeval.readers.stored.limits import Limits

KEY = "answers"
WHAT = "decisions"
QUESTION = "question"
NO_YES = ("no", "yes")
REFUSED, NO_ANSWER, NO_GOLD = "refused", "without an answer", "without a gold answer"
NO_OPTION = "whose gold answer is none of the options"
TIED = "whose likeliest options are equally likely, so that the stated choice decides"
NO_CHOICE = "with a confidence, but no choice"
OTHER_LETTERS = "whose gold answer is the choice in other letters (a, A), which counts as right"
OTHER_CHOICE = "whose choice is not the likeliest option, which counts as chosen"
TYPES = ("choice", "noul", "predicate", "score", "refusal")


class Decision(NamedTuple):
    """One answered question. kind: "choice", "predicate" or "score". probs: None if only a confidence is known.

    names: of the options; values: of the levels of a score. chosen: what the service says it chose.
    """

    place: str
    kind: str
    names: tuple[str, ...] = ()
    probs: tuple[float, ...] | None = None
    values: tuple[float, ...] = ()
    chosen: str | None = None
    confidence: float | None = None


def answers_of(row: Mapping[str, Any]) -> list[tuple[str, Any]] | None:
    """The answers of a record by question, in either shape; None if it has none of such a kind."""
    found = row.get(KEY)
    if found is None and isinstance(row.get("response"), dict):
        found = row["response"].get(KEY)
    if isinstance(found, dict) and found and all(one is None or _is_answer(one) for one in found.values()):
        return [*found.items()]
    if isinstance(found, list) and found and all(_is_answer(one) and "name" in one for one in found):
        return [(one["name"], one) for one in found]
    return None


def _is_answer(value: Any) -> bool:
    keys = ("type", "choice", "noul", "probability", "probabilities", "score", "refusal")
    return isinstance(value, dict) and any(key in value for key in keys)


def read_decisions(sources: Sequence[TextSource], options: LogOptions, limits: Limits) -> Log:
    """The answers that have a gold answer.

    Raises: InputError for answers without probabilities whose confidence has no stated meaning, and where there is no
    gold answer at all.
    """
    log = Log(WHAT, "probs", by=QUESTION)
    found = [record for source in sources for record in records(source, limits)]
    golds = join_gold(found, [record.id(IDS) for record in found], options, limits, log, sources[0].name)
    pairs = [
        (decision, gold, question, document)
        for record, (document, gold_row) in zip(found, golds, strict=True)
        for question, decision, gold in _decided(record, gold_row, log)
    ]
    bare = next((decision for decision, *_ in pairs if decision.probs is None), None)
    if bare is not None and options.means is None:
        raise InputError(
            f'{bare.place}: there is a "confidence", but no "probabilities", and services mean different things by it; '
            "if it is the probability that the choice is right, say --confidence-means probability"
        )
    if bare is not None:
        check_sums([(decision.place, decision.probs) for decision, *_ in pairs if decision.probs is not None])
    for decision, gold, question, document in pairs:
        _add(log, decision, gold, question, document, top_only=bare is not None)
    kinds = {decision.kind for decision, *_ in pairs}
    log.how.append(
        "probability of the chosen option by the stated confidence" if bare is not None else "probabilities of options"
    )
    if kinds == {"predicate"}:
        log.how.append("yes-or-no questions")
    return log


def _decided(record: Record, gold: Mapping[str, Any] | None, log: Log) -> Iterator[tuple[str, Decision, Gold]]:
    """Every question of a record that can be measured; the others are counted."""
    answers = answers_of(record.row)
    if answers is None:
        log.count(NO_ANSWER)
        return
    seen: set[str] = set()
    for name, answer in answers:
        question = as_name(name, f"{record.place}: the name of a question")
        place = f'{record.place}, question "{question[:80]}"'
        if question in seen:
            raise InputError(f"{place}: there are two answers to it")
        seen.add(question)
        decision = None if answer is None else _decision(answer, place)
        if decision is None:
            log.count(NO_ANSWER if answer is None else REFUSED, question)
            continue
        if decision.probs is not None and len(decision.probs) == 1:
            log.count(ONE_OPTION, question)
            continue
        if gold is None or gold.get(question) is None:
            log.count(NO_GOLD, question)
            continue
        right = gold_of(gold[question], decision.names, decision.values, place)
        if right is None:
            log.count(NO_OPTION, question)
            continue
        yield question, decision, right


def _decision(answer: dict[str, Any], place: str) -> Decision | None:
    """The answer; None for a refusal."""
    kind = answer.get("type")
    if kind == "refusal" or answer.get("refusal") or answer.get("refused") is True:
        return None
    if kind is None:
        kind = next((one for one in ("noul", "score", "choice") if one in answer), "predicate")
    if kind not in TYPES:
        raise InputError(f'{place}: the type "{str(kind)[:40]}" is unknown; there are {", ".join(TYPES)}')
    if kind in ("noul", "predicate"):
        yes = _decimal(answer.get("noul" if kind == "noul" else "probability"), f"{place}: the probability of yes")
        return Decision(place, "predicate", NO_YES, (float(1 - yes), float(yes)))
    confidence = answer.get("confidence")
    chosen = answer.get("choice")
    text = None if chosen is None else as_option(chosen)
    given = answer.get("probabilities")
    if not given:
        if confidence is None or kind == "score":
            raise InputError(f'{place}: there are no "probabilities"')
        return Decision(place, kind, chosen=text, confidence=_probability(confidence, f'{place}: "confidence"'))
    names, probs, values = _options(given, kind, place)
    if len(set(names)) < len(names):
        raise InputError(f"{place}: two options have the same name")
    legend = answer.get("legend")
    if kind == "score" and isinstance(legend, dict) and all(as_option(name) in legend for name in names):
        labels = tuple(as_option(legend[name]) for name in names)
        names = labels if len(set(labels)) == len(names) else names
    if len(probs) != 1:
        checked_options(probs, place)
    if not any(probs):
        raise InputError(f"{place}: every option has probability 0, but their sum must be 1")
    return Decision(place, kind, names, probs, values, text)


def _options(given: Any, kind: str, place: str) -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...]]:
    """Names and probabilities of the options and, of a score, the values of its levels, in ascending order."""
    rows: list[tuple[Any, Any, Any]]
    if isinstance(given, dict | list) and len(given) > MOST_OPTIONS:
        raise InputError(f"{place}: {len(given):,} options, but 2 to {MOST_OPTIONS:,} are needed")
    if isinstance(given, dict):
        rows = [(name, name, p) for name, p in given.items()]
    elif isinstance(given, list) and all(isinstance(one, dict) and "probability" in one for one in given):
        rows = [(one.get("label", one.get("value")), one.get("value"), one["probability"]) for one in given]
    else:
        raise InputError(f'{place}: "probabilities" must be an object, or a list of objects with a probability')
    numbered = [
        (as_option(name), _probability(p, f'{place}: the probability of "{as_option(name)[:40]}"'), value)
        for name, value, p in rows
    ]
    if kind != "score":
        return tuple(one[0] for one in numbered), tuple(one[1] for one in numbered), ()
    by_level = sorted((as_number(value, f"{place}: a level of the score"), name, p) for name, p, value in numbered)
    return tuple(one[1] for one in by_level), tuple(one[2] for one in by_level), tuple(one[0] for one in by_level)


def _add(log: Log, decision: Decision, gold: Gold, question: str, document: str, *, top_only: bool) -> None:
    answer = Answer(decision.place, f"{document}/{question}", document, columns={QUESTION: question})
    if decision.probs is None:
        if decision.chosen is None:
            log.count(NO_CHOICE, question)
            return
        right = is_option(gold.name, decision.chosen)
        if not right and gold.name.casefold() == decision.chosen.casefold():
            log.count(OTHER_LETTERS, question, measured=True)
            right = True
        log.answers.append(answer._replace(confidence=float(decision.confidence or 0.0), correct=float(right)))
        return
    probs = _chosen_first(decision, decision.probs, question, log)
    if top_only:
        right = gold.name == decision.names[int(np.argmax(probs))]
        log.answers.append(answer._replace(confidence=max(probs) / sum(probs), correct=float(right)))
        return
    right_option = decision.names.index(gold.name)
    answer = answer._replace(scores=probs, right=(right_option,), names=decision.names, values=decision.values)
    log.answers.append(answer._replace(shares=gold.shares))


def _chosen_first(decision: Decision, probs: tuple[float, ...], question: str, log: Log) -> tuple[float, ...]:
    """The probabilities; the equals of the stated choice are lowered by one part in 10^12."""
    if decision.chosen not in decision.names:
        return probs
    at = decision.names.index(str(decision.chosen))
    if probs[at] < max(probs):
        log.count(OTHER_CHOICE, question, measured=True)
        return probs
    if probs.index(max(probs)) != at:
        log.count(TIED, question, measured=True)
    return tuple(p * (1 - NUDGE) if p == probs[at] and place != at else p for place, p in enumerate(probs))


def _decimal(value: Any, place: str) -> Decimal:
    """A probability with the digits that it was printed with, so that the other one has as many."""
    _probability(value, place)
    try:
        return Decimal(str(value).strip())
    except InvalidOperation:
        return Decimal(as_number(value, place))


def _probability(value: Any, place: str) -> float:
    found = as_number(value, place) + 0.0  # never -0.0, which is for options that an answer does not have
    if not 0 <= found <= 1:
        raise InputError(f"{place} is {found:g}, but it must lie between 0 and 1")
    return found
