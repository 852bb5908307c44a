"""What is saved with the weights of a trained head: its classes and origin, with an exact JSON round trip."""

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
    """The final multipliers of CALS or CALS-HR, one per class. rho: None for CALS-HR, which has none."""

    lambd: tuple[float, ...]
    rho: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class HeadFacts:
    """How a head was trained.

    kind: one layer, or two with a ReLU in between. d, k: number of features and of classes. loss: its name under
    "loss", and its parameters. temperature: fitted on VAL; temperature_folded: whether the weights are already divided
    by it. epoch: the epoch that was kept, counted from 1. sources: "train", "val" and, if given, "test", each {"path",
    "split", "sha256", "n"}.
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
        """The JSON object of the record."""
        return {"schema": SCHEMA, **to_plain(self)}

    def to_json(self) -> str:
        """The record as JSON; numbers round-trip exactly, and it never contains NaN."""
        return json_text(self.to_dict())

    @classmethod
    def from_json(cls, text: str | bytes) -> HeadFacts:
        """The record that `to_json` wrote; bytes are UTF-8.

        Raises: InputError if the text is not a head.json, naming the first invalid field.
        """
        return read_document(text, SCHEMA, "head", lambda whole: read_record(whole, cls))
