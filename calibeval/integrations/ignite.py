"""`Calibration`: a metric of ignite, which sums the rows of all batches and of all processes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import ignite.distributed as idist
from ignite.metrics import Metric

from calibeval.api.accumulator import Accumulator
from calibeval.core.data.arguments import choice
from calibeval.core.report.report import Report
from calibeval.integrations.names import names_of


class Calibration(Metric):
    """Metrics of calibration, of the rows of all batches and all processes: never a mean of batches.

    metrics: a name such as "ece", for one number, or several, as a list or as "ece,nll", for a dict of them.
    output_transform: of the engine's output, into (y_pred, y). scores: what y_pred is, "logits" or "probs".
    num_classes, bins, ignore_index, level: as for `calibeval.Accumulator`. kwargs: those of every metric of ignite.

    `compute` gives floats, NaN where a metric is not defined; `report` gives the whole report with its reasons.
    """

    def __init__(
        self,
        metrics: str | Sequence[str] = "ece",
        output_transform: Callable[[Any], Any] = lambda output: output,
        *,
        scores: Literal["logits", "probs"] = "logits",
        num_classes: int | None = None,
        bins: int | None = None,
        ignore_index: int | None = None,
        level: float | None = 0.95,
        **kwargs: Any,
    ) -> None:
        choice("scores", scores, ("logits", "probs"))
        self.single = isinstance(metrics, str) and "," not in metrics
        self.names = names_of(metrics)
        self.scores = scores
        options: dict[str, Any] = {"bins": bins, "ignore_index": ignore_index, "level": level}
        self._rows = Accumulator(num_classes, metrics=self.names, **options)
        super().__init__(output_transform, **kwargs)

    def reset(self) -> None:
        """Forget all rows."""
        self._rows.reset()

    def update(self, output: Any) -> None:
        """Add the rows of a batch (y_pred, y): predictions (n, k), or (n,) for two classes, and class numbers (n,).

        Raises: InputError for rows that cannot be used; then nothing of this batch is added.
        """
        y_pred, y = output
        given: dict[str, Any] = {self.scores: y_pred, "labels": y}
        self._rows.update(**given)

    def compute(self) -> Any:
        """The value, or values by name, of all rows of all processes.

        Raises: InputError if there are no rows.
        """
        found = self.report()
        values = {name: math.nan if found[name].value is None else found[name].value for name in self.names}
        return values[self.names[0]] if self.single else values

    def report(self) -> Report:
        """The report of all rows of all processes; each of them must call it.

        Raises: InputError if there are no rows.
        """
        if idist.get_world_size() == 1:
            return self._rows.report()
        parts: list[Accumulator] = idist.all_gather(self._rows)
        first, *others = parts
        for other in others:
            first.merge(other)
        return first.report()
