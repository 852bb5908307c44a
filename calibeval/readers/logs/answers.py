"""The answers of a log, one by one, and the arrays that they become."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import Kind
from calibeval.core.data.source import LogCount, LogFacts
from calibeval.core.errors import InputError, UsageError, nearest
from calibeval.core.evaluation.cut import MOST_SLICES, MOST_VALUES
from calibeval.core.evaluation.settings import MIN_ROWS
from calibeval.readers.logs.answer import Answer
from calibeval.readers.logs.measures import measures_of
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.stored import Contents, Stored

Floats = npt.NDArray[np.float64]
MOST_OPTIONS = 4096
DOCUMENT, WEIGHT = "document", "weight"
HALF = 0.5
ABSENT = -0.0  # the probability of an option that an answer does not have; a printed 0 is +0.0
ONE_OPTION = "with a single option, which cannot be wrong"


@dataclass(slots=True)
class Log:
    """What one or several files of a log hold.

    what: who wrote it. kind: of the scores. by: the column of tasks or questions. how: what was recognised, in words.
    counts: answers that are not as the others, by what they are and their task or question, if it is known.
    read: those of them that are measured nevertheless.
    """

    what: str
    kind: Kind
    by: str
    answers: list[Answer] = field(default_factory=list)
    how: list[str] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    read: set[str] = field(default_factory=set)

    def count(self, what: str, of: str = "", *, measured: bool = False) -> None:
        """Count an answer that is not as the others. of: its task or question. measured: whether it is not left out."""
        self.counts[what, of] += 1
        if measured:
            self.read.add(what)

    def only(self, part: str, file: str) -> Log:
        """The answers to one question, or of one task.

        Raises: UsageError if there is none of that name, with the nearest.
        """
        known = list(dict.fromkeys(row.columns.get(self.by, "") for row in self.answers))
        if part not in known:
            raise UsageError(f'{file}: there is no {self.by} "{part}"{nearest(part, known)}')
        rows = [row for row in self.answers if row.columns.get(self.by) == part]
        counts = Counter({(what, of): count for (what, of), count in self.counts.items() if of in ("", part)})
        return replace(self, answers=rows, counts=counts, how=[*self.how, f'{self.by} "{part}" only'])

    def contents(self, file: str, limits: Limits) -> Contents:
        """The arrays of the answers that are measured, and what is known of the others.

        Raises: InputError if there are none, or their options take too much memory.
        """
        rows, how = in_halves(self.answers), list(self.how)
        counts: Counter[str] = Counter()
        for (what, _), count in self.counts.items():
            counts[what] += count
        if not rows:
            left = ", ".join(f"{count:,} {what}" for what, count in counts.items())
            raise InputError(f"{file}: no answer of these {self.what} can be measured" + (f" ({left})" if left else ""))
        arrays = self._of_options(limits, how) if rows[0].scores is not None else _of_chosen(rows)
        documents = _texts([row.document for row in rows])
        repeated = len(np.unique(documents)) < len(rows)
        parts = Counter(row.columns.get(self.by) for row in rows)
        several, sliced = len(parts) > 1, sliceable(parts)
        if not sliced:
            how.append(f"no slices by {self.by}, of which there are {len(parts):,}")
        arrays["ids"] = Stored.of(_texts([row.id for row in rows]))
        for name in dict.fromkeys(name for row in rows for name in row.columns):
            arrays[name] = Stored.of(_texts([row.columns.get(name, "") for row in rows]))
        if repeated:
            arrays[DOCUMENT] = Stored.of(documents)
        facts = LogFacts(
            " · ".join([self.what, *how]),
            len(self.answers) + sum(count for what, count in counts.items() if what not in self.read),
            tuple(LogCount(what, count, what not in self.read) for what, count in sorted(counts.items())),
            DOCUMENT if repeated else None,
            self.by if several and sliced else None,
            measures_of(rows, self.by),
        )
        left = ", ".join(f"{one.answers:,} {one.what}" for one in facts.counts if one.left_out)
        told = (self.what, *how, *([f"left out: {left}"] if left else []))
        return Contents(
            arrays, told=told, log=facts, narrowed=lambda part: self.only(part, file).contents(file, limits)
        )

    def _of_options(self, limits: Limits, how: list[str]) -> dict[str, Stored]:
        """Scores and labels; confidence and correctness where an answer has several right options."""
        rows = in_one_order(self.answers)
        widest = max(rows, key=lambda row: len(row.scores or ()))
        k = len(widest.scores or ())
        if k == 2 and any(row.names != rows[0].names for row in rows):
            k = 3  # the second option is another one in each row: there is no positive class
        if 8 * k * len(rows) > limits.max_memory:
            raise InputError(
                f"{widest.place}: {k:,} options, so that the scores of {len(rows):,} answers take more memory than "
                f"--max-memory allows ({limits.max_memory:,} bytes)"
            )
        masked = -np.inf if self.kind != "probs" else ABSENT
        scores = np.full((len(rows), k), masked)
        for number, row in enumerate(rows):
            scores[number, : len(row.scores or ())] = row.scores
        several = sum(len(row.right) > 1 for row in rows)
        if not several:
            arrays = {self.kind: Stored.of(scores), "labels": Stored.of(np.array([row.right[0] for row in rows]))}
            if rows[0].names and all(row.names == rows[0].names for row in rows):
                arrays["class_names"] = Stored.of(_texts(rows[0].names))
            return arrays
        how.append(f"{several:,} answers with several right options, so only the chosen one is measured")
        first = scores.argmax(axis=1)
        if self.kind != "probs":
            scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        chosen = scores[np.arange(len(rows)), first] / scores.sum(axis=1)
        correct = np.array([int(best in row.right) for best, row in zip(first.tolist(), rows, strict=True)])
        return {"confidence": Stored.of(np.minimum(chosen, 1.0)), "correct": Stored.of(correct)}


def in_one_order(rows: list[Answer]) -> list[Answer]:
    """The answers, their options in the order of the first answer, if all have the same ones."""
    names = rows[0].names
    if not names or all(row.names == names for row in rows) or any({*row.names} != {*names} for row in rows):
        return rows
    if len({*names}) < len(names) or any(row.values or len(row.names) != len(names) for row in rows):
        return rows
    ordered: list[Answer] = []
    for row in rows:
        places = [row.names.index(name) for name in names]
        scores = [(row.scores or ())[place] for place in places]
        ordered.append(row._replace(names=names, scores=scores, right=tuple(places.index(one) for one in row.right)))
    return ordered


def _of_chosen(rows: Sequence[Answer]) -> dict[str, Stored]:
    arrays = {
        "confidence": np.array([row.confidence for row in rows]),
        "correct": np.array([row.correct for row in rows]),
    }
    if any(row.weight != 1 for row in rows):
        arrays[WEIGHT] = np.array([row.weight for row in rows])
    return {name: Stored.of(values) for name, values in arrays.items()}


def in_halves(rows: Sequence[Answer]) -> list[Answer]:
    """The answers; one that is half right is two of half the weight, a right and a wrong one."""
    halves: list[Answer] = []
    for row in rows:
        if row.correct == HALF:
            right = row._replace(correct=1.0, weight=HALF, id=f"{row.id} (right half)")
            halves += [right, right._replace(correct=0.0, id=f"{row.id} (wrong half)")]
        else:
            halves.append(row)
    return halves


def sliceable(parts: Mapping[str | None, int]) -> bool:
    """Whether there are few enough questions or tasks to be slices. parts: how many answers each of them has."""
    return len(parts) <= MOST_VALUES and sum(count >= MIN_ROWS for count in parts.values()) <= MOST_SLICES


def _texts(values: Sequence[str]) -> npt.NDArray[np.str_]:
    return np.array(values, dtype=np.str_)


def checked_options(values: Sequence[float], place: str) -> Sequence[float]:
    """The scores of the options of one answer.

    Raises: InputError for one option, too many, NaN and +inf, and where every option is impossible.
    """
    if not 2 <= len(values) <= MOST_OPTIONS:
        raise InputError(f"{place}: {len(values):,} options, but 2 to {MOST_OPTIONS:,} are needed")
    if any(value != value or value == np.inf for value in values):  # noqa: PLR0124 - NaN
        raise InputError(f"{place}: the score of an option is NaN or +inf, so the model's answer is not known")
    if max(values) == -np.inf:
        raise InputError(f"{place}: every option has a score of -inf")
    return values
