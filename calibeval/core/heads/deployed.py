"""The head that a training continued from, not trained at all: with a temperature, what a new head must beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from calibeval.core.data.records import Layout, to_plain
from calibeval.core.heads.pairs import LossPair

DEPLOYED = "deployed head"  # its name in the table, in pairs and in the report


@dataclass(frozen=True, slots=True)
class DeployedHead:
    """The deployed head beside the new ones.

    source: {"path", "split", "sha256"} of its weights. score: on VAL, as for every new head, in nats. temperature:
    fitted on VAL. before, after: metrics without and with it, on the shown split. pair: the saved head of the chosen
    loss against this one, by NLL, both with their temperatures, on the rows of the shown split. overlap: as of every
    new head.
    """

    LAYOUT: ClassVar = Layout(rare=("overlap",), open=True)

    source: Mapping[str, str | None]
    score: float | None
    temperature: float
    before: Mapping[str, float | None]
    after: Mapping[str, float | None]
    pair: LossPair
    overlap: Mapping[str, float | None] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this head."""
        return to_plain(self)
