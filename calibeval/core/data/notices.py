"""Warnings and reasons for the reader of results, each as a sentence for people and a code for programs."""

from __future__ import annotations

from typing import Literal, Self

from calibeval.core.data.documents import Place

# Why a number or an interval is missing, an interval is approximate, or a difference is not certain.
ReasonCode = Literal[
    "top_label_only", "infinite", "overflow", "not_measured", "not_in_report", "not_in_convention", "no_rows",
    "one_row", "no_method", "no_interval", "rows_not_kept", "thin_bins", "no_filled_bin", "few_rows_decide",
    "few_rows_per_class", "few_errors", "few_errors_per_bin", "many_bins", "too_few_groups", "chosen_by_label",
    "dependent_rows", "too_many_cells", "over_max_memory", "diverged", "not_fitted", "no_upper_end", "weighted_rows",
    "no_optimum", "sampled", "far_from_one", "from_sums", "not_certified", "too_few_to_certify", "many_classes",
    "in_cells", "few_rows", "cells_ends", "not_ranked", "other_images", "absent_options",
]  # fmt: skip
# Warnings about numbers that exist.
WarningCode = Literal[
    "absent_classes", "answers_left_out", "below_chance", "cases_left_out", "classes_differ", "classes_permuted",
    "clipped", "column_left_out",
    "convention_binary", "convention_classes", "convention_drops", "convention_images",
    "convention_order",
    "dependent_pixels", "diverged", "diverged_later",
    "duplicate_ids", "duplicates_dropped", "few_groups", "few_rows_for_preset", "groups_ignored", "ignored_label",
    "images_not_measured", "infinite_nll", "labels_from_one", "labels_of_255", "labels_of_split", "leak",
    "logits_like_probs",
    "map_note", "no_bias",
    "no_intervals_by_groups", "not_converged", "nothing_shared", "optimistic", "other_labels_differ",
    "other_scores_differ", "paired_by_position", "pooled_splits", "predictions_differ", "read_as_images",
    "renormalized", "rounded", "rounded_weights", "rules_not_checked", "sampled_pixels",
    "segmentations_kept", "shared_ids", "slices_not_compared",
    "small_cells_joined", "sorted_labels", "top_label_limited", "unpaired", "zero_probabilities",
]  # fmt: skip
# Why a rule has its verdict.
OutcomeCode = Literal[
    "interval_within", "interval_beyond", "value_within", "value_beyond", "more_rows_needed", "at_limit",
    "not_after_holm", "no_value", "no_interval", "too_few_rows", "no_slice", "switched_off", "assumed_candidate",
]  # fmt: skip


class Notice(str):
    """A sentence (a str) with a code; the code is None if the user or an earlier version wrote the sentence.

    >>> few = Notice("3 groups are few", "few_groups")
    >>> few == "3 groups are few", few.code, few.to_dict()["message"]
    (True, 'few_groups', '3 groups are few')
    """

    __slots__ = ("code",)

    code: str | None

    def __new__(cls, text: str, code: str | None = None) -> Self:
        """A notice with that text."""
        made = super().__new__(cls, text)
        made.code = code
        return made

    def __getnewargs__(self) -> tuple[str, str | None]:  # type: ignore[override]
        """The arguments that a copy is made from."""
        return str(self), self.code

    @classmethod
    def of(cls, text: str) -> Notice:
        """The text as a notice, unchanged if it is one already."""
        return text if isinstance(text, Notice) else cls(text)

    def reworded(self, text: str) -> Notice:
        """A notice with another sentence and the same code."""
        return Notice(text, self.code)

    def to_dict(self) -> dict[str, str | None]:
        """The JSON object of this notice."""
        return {"code": self.code, "message": str(self)}


def warning(code: WarningCode, text: str) -> Notice:
    """A warning."""
    return Notice(text, code)


def reason(code: ReasonCode, text: str) -> Notice:
    """The reason why something is missing or approximate."""
    return Notice(text, code)


def outcome(code: OutcomeCode, text: str) -> Notice:
    """The reason for the verdict of a rule."""
    return Notice(text, code)


def read_notice(place: Place) -> Notice:
    """Read a notice; earlier versions wrote the sentence only.

    Raises: Wrong for anything else.
    """
    if isinstance(place.value, str):
        return Notice(place.text())
    if not isinstance(place.value, dict):
        place.refuse("a string, or an object with a code and a message,")
    code = place["code"]
    return Notice(place["message"].text(), None if code.value is None else code.text())


class NotComputable(Exception):
    """A number does not exist, or its uncertainty cannot be computed; the text is the reason.

    It never leaves the core: results contain the reason. facts: further fields of the result.
    """

    def __init__(self, code: ReasonCode, text: str, **facts: int | None) -> None:
        super().__init__(text)
        self.reason, self.facts = reason(code, text), facts
