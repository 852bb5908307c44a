"""The deployed head beside the new ones: measured on the same splits, with a temperature fitted on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calibeval.core.heads.deployed import DEPLOYED, DeployedHead
from calibeval.core.heads.pairs import LossPair
from calibeval.core.heads.results import metric_values, overlap_values
from calibeval.core.report.report import DumpReport
from calibeval.readers.features.head_weights import HeadWeights
from calibeval.runs.data import Data
from calibeval.runs.measured import dumps_of
from calibeval.training.request import ScaledHead, scaled
from calibeval.training.settings import AFTER


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredDeployed:
    """The deployed head with its temperature, its file, and the report on its predictions by split."""

    head: ScaledHead
    weights: HeadWeights
    dumps: Mapping[str, DumpReport]

    def row(self, shown: str, select: str, pair: LossPair) -> DeployedHead:
        """The head in the table. shown: the split; select: the score on VAL; pair: the chosen head against this one."""
        source, val, dump = self.weights.source, self.dumps["val"], self.dumps[shown]
        scored = (val.after() or val) if select == AFTER else val
        return DeployedHead(
            source={"path": source.path, "split": source.split, "sha256": source.sha256},
            score=scored.metrics["nll"].value,
            temperature=self.head.temperature,
            before=metric_values(dump.metrics),
            after=metric_values((dump.after() or dump).metrics),
            pair=pair,
            overlap=overlap_values(dump.per_image),
        )


def measured_deployed(data: Data) -> MeasuredDeployed | None:
    """The head that training continues from, evaluated on all splits that are measured; None for a new head."""
    if data.start is None:
        return None
    head = scaled(data.start.layers, data.val)
    dumps = {split: dumps_of(head, split, data, DEPLOYED)[0] for split in data.measured}
    return MeasuredDeployed(head, data.start, dumps)
