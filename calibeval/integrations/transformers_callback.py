"""`ReportCallback`: what the Trainer of transformers keeps of each evaluation, besides the numbers that it logs."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import quote

from transformers.trainer_callback import TrainerCallback

from calibeval.core.errors import UsageError
from calibeval.core.report.report import Report
from calibeval.integrations.transformers import Calibration

FACTS = ("low", "high", "floor")
PREFIX = "eval"


class ReportCallback(TrainerCallback):
    """Adds intervals and noise floors to the log of each evaluation, and keeps its report.

    `Trainer(compute_metrics=calibration, callbacks=[ReportCallback(calibration)])`: the history of the Trainer's state,
    which trainer_state.json holds, then has eval_ece_low, eval_ece_high and eval_ece_floor beside eval_ece.

    reports: by the number of the step, then by the Trainer's prefix: "eval", or "eval_NAME" where eval_dataset is a
    dict. The second evaluation with a prefix at one step is "eval-2".
    """

    def __init__(self, calibration: Calibration, out: str | PathLike[str] | None = None) -> None:
        """calibration: the one that is the Trainer's compute_metrics. out: a folder, in which each report is saved, as
        step_30, and with another prefix than "eval" as step_30_PREFIX.

        Raises: UsageError for anything else.
        """
        if not isinstance(calibration, Calibration):
            raise UsageError(f"ReportCallback takes a Calibration, but a {type(calibration).__name__} came")
        self.calibration, self.out = calibration, None if out is None else Path(out)
        self.reports: dict[int, dict[str, Report]] = {}

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002 - their words
        """Keep the report of the evaluation, with its facts in the log.

        Raises: UsageError if the Trainer computed its metrics in another way.
        """
        report = self.calibration.report
        if report is None:
            raise UsageError("there is no report: say Trainer(compute_metrics=calibration) with the same Calibration")
        prefix = _prefix(kwargs.get("metrics") or {}, self.calibration.names)
        name = self._keep(report, state.global_step, prefix)
        facts = {
            f"{prefix}_{metric}_{fact}": value
            for metric in self.calibration.names
            for fact in FACTS
            if (value := getattr(report[metric], fact)) is not None
        }
        if state.log_history:
            state.log_history[-1] |= facts
        if self.out is not None and state.is_world_process_zero:
            place = f"step_{state.global_step}"
            report.save(self.out / (place if name == PREFIX else f"{place}_{quote(name, safe='')}"))

    def _keep(self, report: Report, step: int, prefix: str) -> str:
        """Keep a report of this step under its prefix, or where that is taken with a number behind it: the name."""
        here, name, number = self.reports.setdefault(step, {}), prefix, 1
        while name in here:
            number += 1
            name = f"{prefix}-{number}"
        here[name] = report
        return name


def _prefix(metrics: dict[str, Any], names: tuple[str, ...]) -> str:
    """What the Trainer calls these metrics: "eval", or what was given as metric_key_prefix."""
    found = (key.removesuffix(f"_{name}") for name in names for key in metrics if key.endswith(f"_{name}"))
    return next(found, PREFIX)
