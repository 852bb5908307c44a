"""`Calibration`: a metric of torchmetrics, which sums the rows of all batches and of all processes."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torchmetrics import Metric
from torchmetrics.utilities.distributed import gather_all_tensors

from calibeval.api.accumulator import Accumulator
from calibeval.core.data.arguments import choice
from calibeval.core.errors import UsageError
from calibeval.core.metrics.table import metric_named
from calibeval.core.report.report import Report
from calibeval.integrations.names import names_of


class Calibration(Metric):
    """Metrics of calibration, of the rows of all batches and all processes: never a mean of batches.

    metrics: a name such as "ece", for one number, or several, as a list or as "ece,nll", for a dict of them. scores:
    what the predictions are, "logits" or "probs". num_classes, bins, ignore_index, level: as for
    `calibeval.Accumulator`. kwargs: those of every metric of torchmetrics, such as process_group.

    `compute` gives tensors, NaN where a metric is not defined; `report` gives the whole report with its reasons.

    >>> metric = Calibration(["accuracy", "ece"], scores="probs")
    >>> metric.update(torch.tensor([[0.8, 0.2], [0.4, 0.6]]), torch.tensor([0, 0]))
    >>> {name: round(value.item(), 3) for name, value in metric.compute().items()}
    {'accuracy': 0.5, 'ece': 0.4}
    """

    is_differentiable = False
    full_state_update = False
    _computed: Any
    _update_count: int
    _to_sync: bool

    def __init__(
        self,
        metrics: str | Sequence[str] = "ece",
        *,
        scores: Literal["logits", "probs"] = "logits",
        num_classes: int | None = None,
        bins: int | None = None,
        ignore_index: int | None = None,
        level: float | None = 0.95,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if self.dist_sync_on_step:
            raise UsageError(
                "dist_sync_on_step=True does not work: forward returns the value of the process's own batch"
            )
        choice("scores", scores, ("logits", "probs"))
        self.single = isinstance(metrics, str) and "," not in metrics
        self.names = names_of(metrics)
        self.scores = scores
        self.options: dict[str, Any] = {
            "k": num_classes, "metrics": self.names, "bins": bins, "ignore_index": ignore_index, "level": level
        }  # fmt: skip
        self._rows = Accumulator(**self.options)
        self._every: Accumulator | None = None  # of all processes, while they are synchronised

    @property
    def higher_is_better(self) -> bool | None:
        """Whether more is better; None for several metrics, and for those that are best at 0 or 1."""
        better = metric_named(self.names[0]).better if self.single else None
        return {"higher": True, "lower": False}.get(better or "")

    def update(self, preds: Any, target: Any, *, weights: Any = None, groups: Any = None) -> None:
        """Add the rows of a batch: predictions (n, k), or (n,) for two classes, and class numbers (n,).

        weights: (n,), by which rows count. groups: (n,), whose equal values mark rows that depend on each other.
        Raises: InputError for rows that cannot be used; then nothing of this batch is added.
        """
        given: dict[str, Any] = {self.scores: preds, "labels": target, "weights": weights, "groups": groups}
        self._rows.update(**given)

    def compute(self) -> Any:
        """The value, or values by name, of all rows of all processes.

        Raises: InputError if there are no rows.
        """
        found = self._all_rows().report()
        values = {name: _tensor(found[name].value, self.device) for name in self.names}
        return values[self.names[0]] if self.single else values

    def report(self) -> Report:
        """The report of all rows of all processes; each of them must call it.

        Raises: InputError if there are no rows.
        """
        with self.sync_context(dist_sync_fn=self.dist_sync_fn, should_sync=self.sync_on_compute):
            return self._all_rows().report()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Add the rows of a batch, and return the value of this batch alone."""
        self.update(*args, **kwargs)
        whole, computed, count, to_sync = self._rows, self._computed, self._update_count, self._to_sync
        self._rows, self._to_sync = Accumulator(**self.options), False
        try:
            self.update(*args, **kwargs)
            self._forward_cache = self.compute()
        finally:
            self._rows, self._computed, self._update_count, self._to_sync = whole, computed, count, to_sync
        return self._forward_cache

    def reset(self) -> None:
        """Forget all rows."""
        super().reset()
        self._rows.reset()
        self._every = None

    def merge_state(self, incoming_state: Any) -> None:
        """Add all rows of another metric of this kind.

        Raises: UsageError for anything else, or for other settings.
        """
        if not isinstance(incoming_state, Calibration):
            raise UsageError(f"merge_state takes a Calibration, but a {type(incoming_state).__name__} came")
        self._rows.merge(incoming_state._rows)  # noqa: SLF001 - of its own kind
        self._computed = None
        self._update_count += incoming_state.update_count

    def unsync(self, should_unsync: bool = True) -> None:
        """Return to the rows of this process."""
        super().unsync(should_unsync)
        if should_unsync:
            self._every = None

    def _sync_dist(
        self, dist_sync_fn: Callable[..., list[torch.Tensor]] = gather_all_tensors, process_group: Any = None
    ) -> None:
        """Gather the sums of all processes, and join them in the order of the ranks."""
        own = torch.frombuffer(bytearray(pickle.dumps(self._rows)), dtype=torch.uint8).to(self.device)
        every = Accumulator(**self.options)
        for part in dist_sync_fn(own, group=process_group or self.process_group):
            every.merge(pickle.loads(part.cpu().numpy().tobytes()))  # noqa: S301 - processes of one training
        self._every = every

    def _all_rows(self) -> Accumulator:
        return self._rows if self._every is None else self._every


def _tensor(value: float | None, device: torch.device) -> torch.Tensor:
    return torch.tensor(float("nan") if value is None else value, device=device)
