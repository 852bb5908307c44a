"""What lies beside the weights of a trained head, so that whoever uses it knows its classes and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCHEMA = "calibeval.head/1"
FACTS_FILE = "head.json"


@dataclass(frozen=True, slots=True)
class HeadFacts:
    """The facts of head.json.

    kind: "linear" or "mlp". d, k: features that go in, classes that come out. loss: its name, under "loss", and all its
    parameters. temperature: fitted on VAL; temperature_folded: whether the weights are divided by it already.
    seed, epoch: of the training, and the epoch whose weights were kept. sources: the files, as in the results.
    multipliers: lambd and rho of each class, which CALS ended with; empty for other losses.
    """

    version: str
    kind: str
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
    multipliers: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())

    def to_dict(self) -> dict[str, Any]:
        """The JSON object; multipliers are there only where the loss has some.

        >>> HeadFacts("1", "linear", 2, 2, None, {"loss": "ce"}, 0.1, 0.0, 1.0, True, 0, 3, {}).to_dict()["loss"]
        {'loss': 'ce'}
        """
        lambd, rho = self.multipliers
        facts = {
            "schema": SCHEMA,
            "version": self.version,
            "kind": self.kind,
            "d": self.d,
            "k": self.k,
            "class_names": None if self.class_names is None else list(self.class_names),
            "loss": dict(self.loss),
            "lr": self.lr,
            "weight_decay": self.weight_decay,
            "temperature": self.temperature,
            "temperature_folded": self.temperature_folded,
            "seed": self.seed,
            "epoch": self.epoch,
            "sources": {name: dict(source) for name, source in self.sources.items()},
        }
        return {**facts, "multipliers": {"lambd": list(lambd), "rho": list(rho)}} if lambd else facts

    def to_json(self) -> str:
        """The facts as JSON, every number in full."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"
