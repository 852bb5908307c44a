"""What lies beside the weights of a trained head: its classes and where it comes from, exact both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from calibeval.core.data.documents import json_text, read_document
from calibeval.core.data.records import Layout, read_record, to_plain

SCHEMA = "calibeval.head/1"
FACTS_FILE = "head.json"


@dataclass(frozen=True, slots=True)
class LastMultipliers:
    """Those that CALS ended with, one a class."""

    lambd: tuple[float, ...]
    rho: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class HeadFacts:
    """How a head came about.

    kind: one layer, or two with a ReLU between them; d features, k classes. loss: its name under "loss", and its
    parameters. temperature: fitted on VAL; temperature_folded: whether the weights are divided by it already. epoch:
    the one that was kept, from 1. sources: "train", "val" and perhaps "test", each {"path", "split", "sha256", "n"}.
    """

    LAYOUT: ClassVar = Layout(open=True)

    version: str
    kind: Literal["linear", "mlp"]
    d: int
    k: int
    class_names: tuple[str, ...] | None
    loss: Mapping[str, Any]
    lr: float
    weight_decay: float
    temperature: float
    temperature_folded: bool
    seed: int
    epoch: int
    sources: Mapping[str, Mapping[str, Any]]
    multipliers: LastMultipliers | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of these facts."""
        return {"schema": SCHEMA, **to_plain(self)}

    def to_json(self) -> str:
        """The facts as JSON; numbers round-trip exactly, and there is never a NaN in it."""
        return json_text(self.to_dict())

    @classmethod
    def from_json(cls, text: str | bytes) -> HeadFacts:
        """The facts that `to_json` wrote; bytes are UTF-8.

        Raises: InputError if the text is no head.json, naming the first field that is not what it must be.
        """
        return read_document(text, SCHEMA, "head", lambda whole: read_record(whole, cls))
