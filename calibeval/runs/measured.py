"""Heads evaluated on the splits of a run, without and with their temperatures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from calibeval.core.data.notices import warning
from calibeval.core.evaluation.evaluate import evaluate_dump
from calibeval.core.evaluation.settings import checked
from calibeval.core.report.report import DumpReport
from calibeval.recalibrate.fitting.saved import results_of
from calibeval.runs.data import Data
from calibeval.training.request import FinishedHead, ScaledHead, head_predictions
from calibeval.training.sweep import Trained

OPTIMISTIC = warning(
    "optimistic",
    "these numbers were measured on VAL, which also stopped training and fitted the temperature: they are optimistic",
)


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredHead:
    """One training and its head (None if it diverged), with the report on the head's predictions by split.

    after: the report on the shown split with the head's temperature.
    """

    trained: Trained
    head: FinishedHead | None
    dumps: Mapping[str, DumpReport]
    after: DumpReport | None = None


def measured(name: str, trained: Trained, head: FinishedHead | None, data: Data) -> MeasuredHead:
    """A training with its head evaluated on all splits that are measured; name: of the loss."""
    if head is None:
        return MeasuredHead(trained, None, {})
    both = {split: dumps_of(head, split, data, name) for split in data.measured}
    return MeasuredHead(trained, head, {split: dump for split, (dump, _) in both.items()}, both[data.shown][1])


def dumps_of(head: ScaledHead, split: str, data: Data, name: str) -> tuple[DumpReport, DumpReport]:
    """The report on one head and one split, before and after temperature scaling; and that after it as its own."""
    predictions = head_predictions(head.layers, data.splits[split])
    before = evaluate_dump(predictions, checked(), curves=True)
    after = evaluate_dump(head.map(predictions), checked(), curves=True)
    source, stamps = data.splits[split].settled_source(), (OPTIMISTIC,) if split == "val" else ()
    warnings = (*before.warnings, *stamps)
    own = replace(
        after, name=f"{name}, T = {head.temperature:.3g} on {split.upper()}", source=source, warnings=warnings
    )
    dump = replace(
        before,
        name=f"{name}#{split}",
        source=source,
        warnings=warnings,
        recalibrated=results_of("temperature", head.map.parameters(), data.fitted_on("val"), after),
    )
    return dump, own
