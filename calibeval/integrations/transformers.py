"""`compute_metrics` and `Calibration`, for the Trainer of transformers, which need not be installed for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from calibeval.api.accumulator import Accumulator
from calibeval.core.data.arguments import truth
from calibeval.core.data.public import public
from calibeval.core.errors import InputError, UsageError
from calibeval.core.report.report import Report
from calibeval.integrations.names import names_of

METRICS = ("accuracy", "nll", "brier", "ece")
IGNORED = -100  # the label of padding


class Calibration:
    """Metrics of calibration for `Trainer(compute_metrics=...)`; `report` is the whole report of the last evaluation.

    The logits are (n, k) with labels (n,), or (n, length, k) with labels (n, length), of tokens: those of one sequence
    depend on each other, which the intervals of the report allow for. Labels of -100 are left out.
    Also for `batch_eval_metrics=True`, where the Trainer keeps no logits.

    >>> from types import SimpleNamespace
    >>> metrics = Calibration(["accuracy", "nll"])
    >>> metrics(SimpleNamespace(predictions=np.array([[2.0, 0.0], [0.0, 1.0]]), label_ids=np.array([0, 0])))["accuracy"]
    0.5
    >>> metrics.report.dumps[0].n
    2
    """

    @public({"shift": truth})
    def __init__(
        self,
        metrics: str | Sequence[str] = METRICS,
        *,
        num_classes: int | None = None,
        bins: int | None = None,
        level: float | None = 0.95,
        shift: bool = False,
    ) -> None:
        """Nothing yet.

        metrics: names, as a list or as "ece,nll". num_classes, bins, level: as for `calibeval.Accumulator`. shift: for
        language models, whose logits of a token are for the next one: the labels are moved by one.
        Raises: UnknownMetric, UsageError for settings that cannot work.
        """
        self.names = names_of(metrics)
        self.shift = shift
        self.report: Report | None = None
        self._rows = Accumulator(num_classes, metrics=self.names, bins=bins, level=level, ignore_index=IGNORED)
        self._sequences = 0

    def __call__(self, eval_prediction: Any, compute_result: bool = True) -> dict[str, float]:
        """The metrics of these predictions; those that are not defined are left out, and `report` says why.

        eval_prediction: with predictions, logits or a tuple that begins with them, and label_ids. compute_result: False
        if more batches follow; then there are no metrics yet.
        Raises: InputError for predictions that cannot be used.
        """
        try:
            self._update(eval_prediction)
            if not compute_result:
                return {}
            self.report = self._rows.report()
        except (InputError, UsageError):
            self._reset()
            raise
        self._reset()
        found = ((name, self.report[name].value) for name in self.names)
        return {name: value for name, value in found if value is not None}

    def _update(self, eval_prediction: Any) -> None:
        logits, labels = eval_prediction.predictions, eval_prediction.label_ids
        logits = logits[0] if isinstance(logits, tuple) else logits
        if isinstance(labels, tuple):
            raise InputError(f"{len(labels)} arrays of labels came, but one is needed: choose one in TrainingArguments")
        if logits.ndim != 3:
            if self.shift:
                raise UsageError(f"shift=True is for logits (n, length, k), but they have {logits.ndim} dimensions")
            self._rows.update(logits=logits, labels=labels)
            return
        if self.shift:
            logits, labels = logits[:, :-1], labels[:, 1:]
        if tuple(labels.shape) != tuple(logits.shape[:2]):
            raise InputError(f"the labels have shape {tuple(labels.shape)}, but the logits {tuple(logits.shape)}")
        n, length, k = logits.shape
        sequences = np.repeat(np.arange(self._sequences, self._sequences + n), length)
        self._sequences += n
        self._rows.update(logits=logits.reshape(-1, k), labels=labels.reshape(-1), groups=sequences)

    def _reset(self) -> None:
        self._rows.reset()
        self._sequences = 0


def compute_metrics(eval_prediction: Any) -> dict[str, float]:
    """Accuracy, NLL, Brier score and ECE, for `Trainer(compute_metrics=compute_metrics)`.

    eval_prediction: as for `Calibration`.
    Raises: InputError for predictions that cannot be used.
    """
    return Calibration()(eval_prediction)
