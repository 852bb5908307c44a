"""Another model on the rows of an accumulation: its own sums, and how both models vary together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from calibeval.core.data.notices import Notice
from calibeval.core.errors import InputError, UsageError
from calibeval.core.evaluation.joint_cells import cell_products, joined_gaps
from calibeval.core.evaluation.joint_sums import JointSums
from calibeval.core.evaluation.running import Running
from calibeval.core.evaluation.running_facts import Heard
from calibeval.core.sums.sums import joined_rows

if TYPE_CHECKING:
    from calibeval.core.evaluation.accumulation import Accumulation, Read

NO_WEIGHTS = "rows with weights have no joint sums with a base: compare the dumps, or leave the weights out"


class BaseSums:
    """The base of a comparison, row by row beside the candidate, whose sums these belong to.

    rows: of the base. joint: of the rows of both; None before the first chunk. by: how rows were paired. warnings:
    doubts about that. files: the names of the base's files by their SHA-256; candidates: of the candidate's.
    """

    def __init__(self, rows: Accumulation, by: Literal["id", "position"] = "position") -> None:
        self.rows, self.by = rows, by
        self.joint: JointSums | None = None
        self.warnings: tuple[Notice, ...] = ()
        self.files: dict[str, str] = {}
        self.candidates: dict[str, str] = {}

    def read(self, given: Mapping[str, Any], outcome: str, groups: object, weights: object) -> Read:
        """A batch of the base, checked. Raises: InputError, UsageError that speak of the base."""
        if weights is not None:
            raise UsageError(NO_WEIGHTS)
        try:
            return self.rows.read(given, outcome, groups, weights)
        except (InputError, UsageError) as error:
            raise type(error)(f"base: {error}") from None

    def listen(self, candidate: Running, base: Running) -> None:
        """Take the rows that both models have the results of."""
        self.joint = with_heard(self.joint, base, candidate)

    def whole(self, candidate: Accumulation) -> JointSums | None:
        """The joint sums of all rows, also of those that wait. candidate: that these belong to."""
        own, other = candidate.whole(), self.rows.whole()
        if own is None or other is None:
            return self.joint
        own, other = own.copy(), other.copy()
        return with_heard(self.joint, other, own)

    def with_others(self, candidate: Accumulation, other: Accumulation) -> BaseSums:
        """The bases of two accumulations as one; both stay as they are.

        Raises: UsageError if rows of a base would count twice, or a model is the base of one and not of the other.
        """
        theirs = other.base
        if theirs is None:
            raise AssertionError("both have a base")
        made = BaseSums(self.rows.empty(), self.by)
        parts = [(candidate, self), (other, theirs)] if theirs is not self else [(other, theirs)]
        for whole, one in parts:
            _check_twice(made, one)
            try:
                made.rows.merge(one.rows)
            except UsageError as error:
                raise UsageError(f"of the base, {error}") from None
            joint = one.whole(whole)
            made.joint = joint if made.joint is None or joint is None else made.joint + joint
            made.by = "position" if "position" in (made.by, one.by) else "id"
            made.warnings = tuple(dict.fromkeys((*made.warnings, *one.warnings)))
            made.files, made.candidates = made.files | one.files, made.candidates | one.candidates
        return made


def with_heard(joint: JointSums | None, base: Running, candidate: Running) -> JointSums | None:
    """The joint sums with the rows that both have heard, which are then forgotten."""
    mine, theirs = (_joined(one.heard or []) for one in (base, candidate))
    if mine is None or theirs is None:
        return joint
    n = min(len(mine.labels), len(theirs.labels))
    here, rest = slice(0, n), slice(n, None)
    k = 2 if base.facts.kinds.k == candidate.facts.kinds.k == 2 else 0
    rows = mine.rows.between(here), theirs.rows.between(here)
    edges = base.compared, candidate.compared
    found = JointSums.of(rows, theirs.labels[here].astype(np.intp), edges, k=k)
    if mine.classes is not None and theirs.classes is not None:
        cells = cell_products(mine.classes.between(here), theirs.classes.between(here), len(base.edges) - 1)
        found = replace(found, cells=cells)
    for one, own in ((base, mine), (candidate, theirs)):
        left = None if own.classes is None else own.classes.between(rest)
        one.heard = [Heard(own.rows.between(rest), own.labels[rest], left)] if len(own.labels) > n else []
    return found if joint is None else joint + found


def _joined(heard: list[Heard]) -> Heard | None:
    """All of these rows; None if there are none."""
    if len(heard) < 2:
        return heard[0] if heard else None
    gaps = joined_gaps([one.classes for one in heard])
    return Heard(joined_rows([one.rows for one in heard]), np.concatenate([one.labels for one in heard]), gaps)


def _check_twice(made: BaseSums, other: BaseSums) -> None:
    """Check that no file is in both. Raises: UsageError."""
    for digest, name in other.files.items():
        if digest in made.files:
            raise UsageError(f"the base {name} is in both (the same SHA-256): its rows would count twice")
        if digest in made.candidates:
            raise UsageError(f"{name} is the base of one, and the candidate of the other (the same SHA-256)")
    for digest, name in other.candidates.items():
        if digest in made.files:
            raise UsageError(f"{name} is the candidate of one, and the base of the other (the same SHA-256)")
