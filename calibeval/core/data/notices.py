"""What a reader of numbers must know, as a sentence for people and a code for programs."""

from __future__ import annotations

from typing import Literal, Self

from calibeval.core.data.documents import Place

# Why a number or an interval is missing, or an interval approximate.
ReasonCode = Literal[
    "top_label_only", "infinite", "overflow", "not_measured", "not_in_report", "not_in_convention", "no_rows",
    "one_row", "no_method", "no_interval", "rows_not_kept", "thin_bins", "no_filled_bin", "few_rows_decide",
    "few_rows_per_class", "too_few_groups", "chosen_by_label", "dependent_rows", "too_many_cells", "over_max_memory",
    "diverged", "not_fitted",
]  # fmt: skip
# What weakens numbers that are there.
WarningCode = Literal[
    "absent_classes", "clipped", "convention_binary", "convention_classes", "convention_drops", "dependent_pixels",
    "diverged", "diverged_later", "few_groups", "groups_ignored", "ignored_label", "infinite_nll", "labels_from_one",
    "labels_of_split", "leak", "map_note", "no_bias", "no_intervals_by_groups", "nothing_shared", "optimistic",
    "other_scores_differ", "rounded_weights", "shared_ids", "slices_not_compared", "sorted_labels", "unpaired",
]  # fmt: skip
# Why a rule of a gate has its verdict.
OutcomeCode = Literal[
    "interval_within", "interval_beyond", "value_within", "value_beyond", "more_rows_needed", "at_limit",
    "not_after_holm", "no_value", "no_interval", "too_few_rows", "no_slice", "switched_off",
]  # fmt: skip


class Notice(str):
    """A sentence, which is a text like any other, and its code; None where a person or an earlier version wrote it.

    >>> few = Notice("3 groups are few", "few_groups")
    >>> few == "3 groups are few", few.code, few.to_dict()["message"]
    (True, 'few_groups', '3 groups are few')
    """

    __slots__ = ("code",)

    code: str | None

    def __new__(cls, text: str, code: str | None = None) -> Self:
        """A notice of that text."""
        made = super().__new__(cls, text)
        made.code = code
        return made

    def __getnewargs__(self) -> tuple[str, str | None]:  # type: ignore[override]
        """What a copy is made of."""
        return str(self), self.code

    @classmethod
    def of(cls, text: str) -> Notice:
        """The text as a notice, if it is none."""
        return text if isinstance(text, Notice) else cls(text)

    def reworded(self, text: str) -> Notice:
        """Another sentence of the same code."""
        return Notice(text, self.code)

    def to_dict(self) -> dict[str, str | None]:
        """The JSON object of this notice."""
        return {"code": self.code, "message": str(self)}


def warning(code: WarningCode, text: str) -> Notice:
    """A warning."""
    return Notice(text, code)


def reason(code: ReasonCode, text: str) -> Notice:
    """Why something is missing."""
    return Notice(text, code)


def outcome(code: OutcomeCode, text: str) -> Notice:
    """Why a rule has its verdict."""
    return Notice(text, code)


def read_notice(place: Place) -> Notice:
    """The notice there; earlier versions wrote the sentence alone.

    Raises: Wrong for anything else.
    """
    if isinstance(place.value, str):
        return Notice(place.text())
    if not isinstance(place.value, dict):
        place.refuse("a text, or an object with a code and a message,")
    code = place["code"]
    return Notice(place["message"].text(), None if code.value is None else code.text())


class NotComputable(Exception):
    """A number does not exist, or nothing tells its uncertainty; the text is the reason.

    It never leaves the core: results carry the reason. facts: more of it, as fields of a result.
    """

    def __init__(self, code: ReasonCode, text: str, **facts: int | None) -> None:
        super().__init__(text)
        self.reason, self.facts = reason(code, text), facts
