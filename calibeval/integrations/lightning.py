"""`CalibrationCallback`: logs calibration at the end of each validation or test of a Lightning Trainer."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from calibeval.core.data.arguments import choice
from calibeval.core.errors import InputError, UsageError
from calibeval.core.report.report import Report
from calibeval.integrations.names import names_of
from calibeval.integrations.torchmetrics import Calibration

METRICS = ("accuracy", "nll", "brier", "ece")
PACKAGES = ("lightning.pytorch", "pytorch_lightning")  # the same library under its two names
LABELS = ("labels", "label", "targets", "target", "y")
Rows = Callable[[Any, Any], tuple[Any, Any]]


def _callbacks() -> Any:
    """The class of callbacks of the package whose Trainer is used: of the one that is imported, or else installed."""
    for name in (*(one for one in PACKAGES if one in sys.modules), *PACKAGES):
        try:
            return importlib.import_module(name).Callback
        except ModuleNotFoundError as missing:
            if missing.name is None or not name.startswith(missing.name):
                raise
    raise ModuleNotFoundError("calibeval.lightning needs lightning, or pytorch-lightning: pip install lightning")


class CalibrationCallback(_callbacks()):  # type: ignore[misc]  # the class is known when this is imported
    """Logs metrics of the rows of all batches and all processes at the end of each validation and test.

    They are logged as val_ece, test_ece and so on; of several data loaders, the second has val_ece/dataloader_idx_1.
    `reports` has the whole report of the last epoch of each, by "val" and "test": a list, one for each data loader.
    The rows of the sanity check before a training are left out.
    """

    def __init__(
        self,
        metrics: str | Sequence[str] = METRICS,
        *,
        scores: Literal["logits", "probs"] = "logits",
        rows: Rows | None = None,
        num_classes: int | None = None,
        bins: int | None = None,
        ignore_index: int | None = None,
        level: float | None = 0.95,
        out: str | PathLike[str] | None = None,
    ) -> None:
        """Nothing yet.

        metrics: names, as a list or as "ece,nll". scores: what the predictions are. rows: gives the predictions and
        the labels of a batch from what the step returned and the batch; None: the step returns the predictions, or a
        dict with them as "logits" (or "probs") and perhaps with "labels"; labels that it does not return are those of
        the batch.
        num_classes, bins, ignore_index, level: as for `calibeval.Accumulator`. out: a folder; the report of each epoch
        is saved in it.
        Raises: UnknownMetric, UsageError for settings that cannot work.
        """
        choice("scores", scores, ("logits", "probs"))
        self.names = names_of(metrics)
        self.scores, self.rows, self.out = scores, rows, None if out is None else Path(out)
        self.options: dict[str, Any] = {
            "num_classes": num_classes, "bins": bins, "ignore_index": ignore_index, "level": level
        }  # fmt: skip
        self.reports: dict[str, list[Report]] = {}
        self._sums: list[Calibration] = []

    def on_validation_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Forget the rows of the epoch before."""
        self._begin(trainer.val_dataloaders, pl_module)

    def on_test_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Forget the rows of the test before."""
        self._begin(trainer.test_dataloaders, pl_module)

    def on_validation_batch_end(
        self,
        trainer: Any,
        pl_module: Any,  # noqa: ARG002 - as above
        outputs: Any,
        batch: Any,
        batch_idx: int,  # noqa: ARG002 - as above
        dataloader_idx: int = 0,
    ) -> None:
        """Add the rows of a batch. Raises: InputError for rows that cannot be used."""
        if not trainer.sanity_checking:
            self._add(outputs, batch, dataloader_idx)

    def on_test_batch_end(
        self,
        trainer: Any,  # noqa: ARG002 - as above
        pl_module: Any,  # noqa: ARG002 - as above
        outputs: Any,
        batch: Any,
        batch_idx: int,  # noqa: ARG002 - as above
        dataloader_idx: int = 0,
    ) -> None:
        """Add the rows of a batch. Raises: as `on_validation_batch_end`."""
        self._add(outputs, batch, dataloader_idx)

    def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Log the metrics of all rows, and keep the report."""
        if not trainer.sanity_checking:
            self._end("val", trainer, pl_module)

    def on_test_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Log the metrics of all rows, and keep the report."""
        self._end("test", trainer, pl_module)

    def _begin(self, loaders: Any, pl_module: Any) -> None:
        count = len(loaders) if isinstance(loaders, list | tuple | Mapping) else 1
        made = (Calibration(self.names, scores=self.scores, **self.options) for _ in range(count))
        self._sums = [one.to(pl_module.device) for one in made]

    def _add(self, outputs: Any, batch: Any, loader: int) -> None:
        find = self._of_step if self.rows is None else self.rows
        predictions, labels = find(outputs, batch)
        self._sums[loader].update(predictions.detach(), labels)

    def _end(self, stage: str, trainer: Any, pl_module: Any) -> None:
        self.reports[stage] = [one.report() for one in self._sums]  # of all processes, each of which is here
        for loader, report in enumerate(self.reports[stage]):
            end = "" if loader == 0 else f"/dataloader_idx_{loader}"
            for name in self.names:
                value = report[name].value
                own = math.nan if value is None else value
                pl_module.log(f"{stage}_{name}{end}", own, add_dataloader_idx=False)
            if self.out is not None and trainer.is_global_zero:
                end = "" if loader == 0 else f"_{loader}"
                report.save(self.out / f"{stage}_epoch_{trainer.current_epoch}{end}")

    def _of_step(self, outputs: Any, batch: Any) -> tuple[Any, Any]:
        """The predictions and labels of a step that returned them, or the predictions alone."""
        found = outputs.get(self.scores) if isinstance(outputs, Mapping) else outputs
        if getattr(found, "ndim", 0) == 0:
            raise UsageError(
                f"the step returned {_shown(outputs)}, but CalibrationCallback needs the {self.scores} of each row: "
                f'return {{"{self.scores}": ..., "labels": ...}}, or say rows=lambda outputs, batch: (..., ...)'
            )
        for source in (outputs, batch):
            labels = next((source[name] for name in LABELS if name in source), None) if _named(source) else None
            if labels is not None:
                return found, labels
        if isinstance(batch, list | tuple) and len(batch) == 2:
            return found, batch[1]
        raise InputError(
            f"a batch is {_shown(batch)}, in which the labels are not known: return them from the step as "
            '"labels", or say rows=lambda outputs, batch: (..., ...)'
        )


def _named(value: Any) -> bool:
    return isinstance(value, Mapping)


def _shown(value: Any) -> str:
    """What came, in words."""
    if isinstance(value, Mapping):
        return f"a dict with {', '.join(map(str, value))}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    return "nothing" if value is None else f"a {type(value).__name__}"
