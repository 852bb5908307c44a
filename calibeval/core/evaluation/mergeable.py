"""Whether batches, or the sums of two sets of them, can be added up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from calibeval.core.errors import InputError, UsageError
from calibeval.core.evaluation.batches import Batch
from calibeval.core.evaluation.running_facts import Facts

if TYPE_CHECKING:
    from calibeval.core.evaluation.accumulation import Accumulation
    from calibeval.core.evaluation.running import Running


def check_alike(facts: Facts, batch: Batch, *, weighted: bool) -> None:
    """Check that the batch is of the sort of those before. Raises: InputError, UsageError."""
    kinds, rows = facts.kinds, batch.rows
    if rows.k != kinds.k:
        raise InputError(f"the scores have {rows.k} classes, but those of the batches before had {kinds.k}")
    if rows.precision != kinds.precision and kinds.kind != "logits":
        raise InputError(
            f"the {rows.kind} are of type {rows.scores.dtype}, but those of the batches before were of "
            f"{kinds.scores.dtype}, whose bins have other edges: give all in one type"
        )
    for what, here, before in (
        ("groups", batch.groups is not None, facts.settings.group is not None),
        ("weights", weighted, facts.weights is not None),
        ("images", len(rows.layout) > 1, facts.dense),
    ):
        if here != before:
            one, other = ("has", "had none") if here else ("has no", "had them")
            raise UsageError(f"this batch {one} {what}, but the batches before {other}")


def check_kind(running: Running | None, given: Collection[str]) -> None:
    """Check that scores are of the kind of those before. given: the names of the arrays. Raises: UsageError."""
    known = None if running is None else running.facts.kinds.kind
    if known is not None and known not in given:
        raise UsageError(f"{next(iter(given))} came, but the batches before had {known}: one Accumulator takes one")


def check_mergeable(one: Accumulation, other: Accumulation) -> None:
    """Check that rows of both can be added up.

    Raises: UsageError naming what differs, or the saved sums that are in both.
    """
    pairs: list[tuple[str, object, object]] = [
        (name, getattr(one.settings, name), getattr(other.settings, name))
        for name in ("bins", "level", "positive", "classes")
    ]
    pairs.append(("metrics", one.chosen, other.chosen))
    pairs += [(name, value, other.options[name]) for name, value in one.options.items()]
    if one.k is not None and other.k is not None:
        pairs.append(("k", one.k, other.k))
    if one.running is not None and other.running is not None:
        own, theirs = one.running.facts, other.running.facts
        pairs += [
            ("kind", own.kinds.kind, theirs.kinds.kind),
            ("k", own.kinds.k, theirs.kinds.k),
            ("weights", own.weights is not None, theirs.weights is not None),
            ("groups", own.settings.group is not None, theirs.settings.group is not None),
            ("images", own.dense, theirs.dense),
            ("a base", one.base is not None, other.base is not None),
            *_other_names(own.kinds.class_names, theirs.kinds.class_names),
        ]
        if own.kinds.kind != "logits":
            pairs.append(("the type of the scores", own.kinds.scores.dtype, theirs.kinds.scores.dtype))
    for name, here, there in pairs:
        if _plain(here) != _plain(there):
            differ = f"{name} is {here} in the first, but {there} in the other"
            if isinstance(here, bool) and isinstance(there, bool) and name not in one.options:
                differ = f"the {'first' if here else 'other'} has {name}, the {'other' if here else 'first'} has none"
            raise UsageError(f"these sums cannot be added up: {differ}")
    twice = next((name for digest, name in other.files.items() if digest in one.files), None)
    if twice is not None:
        raise UsageError(f"the sums of {twice} are in both (the same SHA-256): their rows would count twice")
    twice = next((name or one.dumps[key] for key, name in other.dumps.items() if key in one.dumps), None)
    if twice is not None:
        what = f"the dump {twice} is" if twice else "rows of the same dump are"
        raise UsageError(f"{what} in both (the same SHA-256): its rows would count twice")


def _other_names(own: Sequence[str] | None, theirs: Sequence[str] | None) -> list[tuple[str, object, object]]:
    """The first class that has different names, if both have names."""
    both = enumerate(zip(own or (), theirs or (), strict=False))
    return next(([(f"the name of class {i}", here, there)] for i, (here, there) in both if here != there), [])


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
