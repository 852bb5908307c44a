"""The results of comparing losses: metrics of every loss and seed, before and after temperature scaling; exact JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from calibeval.core.data.documents import Place, json_text, read_document
from calibeval.core.data.elsewhere import elsewhere
from calibeval.core.data.environment import Environment
from calibeval.core.data.lookup import Lookup
from calibeval.core.data.notices import Notice
from calibeval.core.data.records import Layout, read_as, read_record, to_plain
from calibeval.core.errors import InputError
from calibeval.core.heads.deployed import DEPLOYED, DeployedHead
from calibeval.core.heads.pairs import LossPair
from calibeval.core.heads.settings import RunSettings
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import METRICS
from calibeval.core.report.per_image import PerImage

SCHEMA, EARLIER = "calibeval.training/1", "calibeval.finetune/1"
LARGEST = 1e100  # of any number that is shown, so that means of squares are numbers, too
ROUNDING = 1e-6
SHOWN = ("accuracy", "ece", "aece", "cwce", "nll")
OVERLAP = ("dice", "per_image.dice", "iou", "per_image.iou")  # of segmentations; a temperature does not change it

Values = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class SeedResult:
    """One trained head. temperature: fitted on VAL. before, after: metrics without and with it, on the shown split.

    epoch: the epoch that was kept, counted from 1. score: its score on VAL, in nats.
    reason: why there is no head; then there are no score, temperature and metrics, and the epoch is 0.
    overlap: of images, Dice and IoU, which are the same without and with the temperature; None for other rows.
    """

    LAYOUT: ClassVar = Layout(rare=("overlap",))

    seed: int
    epoch: int
    score: float | None
    temperature: float | None
    before: Values
    after: Values
    reason: Notice | None = None
    overlap: Values | None = None

    def value(self, metric: str, *, after: bool) -> float | None:
        """A metric without or with the temperature; None if it is missing."""
        if metric in OVERLAP:
            return None if self.overlap is None else self.overlap.get(metric)
        return (self.after if after else self.before).get(metric)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this head."""
        return to_plain(self)


@dataclass(frozen=True, slots=True)
class LossResult:
    """One loss. name: as given on the command line. parameters: as trained, with rate and decay. seeds: one or more."""

    LAYOUT: ClassVar = Layout(open=True)

    name: str
    parameters: Mapping[str, Any]
    seeds: tuple[SeedResult, ...]

    @property
    def kept(self) -> SeedResult | None:
        """The first seed with a head, which is saved; None if training diverged with every seed."""
        return next((seed for seed in self.seeds if seed.reason is None), None)

    def temperature(self) -> float | None:
        """The mean temperature over the seeds that have one."""
        found = [seed.temperature for seed in self.seeds if seed.temperature is not None]
        return sum(found) / len(found) if found else None

    def values(self, metric: str, *, after: bool) -> list[float]:
        """The metric for every seed that has it."""
        found = [seed.value(metric, after=after) for seed in self.seeds]
        return [value for value in found if value is not None]

    def mean(self, metric: str, *, after: bool) -> float | None:
        """The mean over the seeds; None if none has the metric."""
        values = self.values(metric, after=after)
        return sum(values) / len(values) if values else None

    def deviation(self, metric: str, *, after: bool) -> float | None:
        """The standard deviation over the seeds; None for fewer than two.

        >>> seeds = tuple(SeedResult(s, 1, 0.5, 1.0, {"nll": nll}, {}) for s, nll in enumerate((0.25, 0.75)))
        >>> round(LossResult("ce", {}, seeds).deviation("nll", after=False), 4)
        0.3536
        """
        values = self.values(metric, after=after)
        if len(values) < 2:
            return None
        mean = sum(values) / len(values)
        return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this loss."""
        return to_plain(self)


@dataclass(frozen=True, slots=True)
class Finetuned(Lookup[LossResult]):
    """The results of several losses; `found["ce"]` is the result of one loss, and `print(found)` prints the table.

    sources: the files "train", "val" and, if given, "test", each {"path", "split", "sha256", "n"}. shown: the split of
    the metrics, "test" or "val". losses: one LossResult each. chosen: index of the loss with the best head on VAL,
    which is saved on top; see `chosen_of`. pairs: comparisons of saved heads on the rows of the shown split; empty for
    one head, and in the files of earlier versions. deployed: the head that training continued from; None for a new one.
    environment: the versions and the command line where a command prints the results; None elsewhere, because the files
    of a resumed run must hold the same bytes.
    """

    LAYOUT: ClassVar = Layout(optional=("pairs",), open=True)
    NOUN: ClassVar[str] = "loss"

    version: str
    settings: RunSettings
    sources: Mapping[str, Mapping[str, Any]]
    shown: Literal["val", "test"]
    losses: tuple[LossResult, ...]
    chosen: int
    warnings: tuple[Notice, ...] = ()
    pairs: tuple[LossPair, ...] = ()
    deployed: DeployedHead | None = None
    environment: Environment | None = None

    def by_name(self) -> Mapping[str, LossResult]:
        """The result of each loss, by its name."""
        return {loss.name: loss for loss in self.losses}

    def rows(self) -> tuple[LossResult, ...]:
        """The rows of the table: the deployed head, if training continued from one, and the losses."""
        return (*([] if self.deployed is None else [row_of(self.deployed)]), *self.losses)

    def __repr__(self) -> str:
        """One short line: the losses, and the chosen one."""
        return f"<Finetuned on {', '.join(self)}: {self.losses[self.chosen].name} is best on VAL>"

    def __str__(self) -> str:
        """What `calibeval finetune` prints, 100 columns wide and without colours."""
        shown: str = elsewhere("calibeval.api.show", "training_text")(self)
        return shown

    def _repr_html_(self) -> str:
        """The HTML that a notebook shows for the results."""
        shown: str = elsewhere("calibeval.api.show", "training_html")(self)
        return shown

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the table, with the name of the chosen loss."""
        return {"schema": SCHEMA, **to_plain(self), "chosen": self.losses[self.chosen].name}

    def to_json(self) -> str:
        """The table as JSON; numbers round-trip exactly, and it never contains NaN."""
        return json_text(self.to_dict())

    @classmethod
    def from_json(cls, text: str | bytes) -> Finetuned:
        """The table that `to_json` wrote; bytes are UTF-8.

        Raises: InputError if the text is not a table of this schema, naming the first invalid field.
        """
        return read_document(text, (SCHEMA, EARLIER), "table", _table)


def row_of(deployed: DeployedHead) -> LossResult:
    """The deployed head as a row beside the losses."""
    both = deployed.before, deployed.after
    only = SeedResult(0, 0, deployed.score, deployed.temperature, *both, overlap=deployed.overlap)
    return LossResult(DEPLOYED, {}, (only,))


def chosen_of(losses: Sequence[LossResult]) -> int:
    """Index of the loss whose saved head has the best score on VAL; the first one, if tied.

    Raises: InputError if no loss has a head.

    >>> seeds = [(SeedResult(0, 1, score, 1.0, {}, {}),) for score in (0.5, 0.25, 0.5)]
    >>> chosen_of([LossResult(str(i), {}, seed) for i, seed in enumerate(seeds)])
    1
    """
    scores = {i: loss.kept.score for i, loss in enumerate(losses) if loss.kept is not None}
    if not scores:
        raise InputError("training diverged with every loss, so there is no head; lower --lr")
    return min(scores, key=lambda i: (math.inf if scores[i] is None else scores[i], i))


def rival_of(losses: Sequence[LossResult], chosen: int) -> int | None:
    """Index of the loss beside which the chosen one is judged: cross entropy, or else the second on VAL.

    None if there is no other loss with a head.

    >>> heads = {name: (SeedResult(0, 1, s, 1.0, {}, {}),) for name, s in (("ls", 0.5), ("mbls", 0.25), ("ce", 0.6))}
    >>> losses = [LossResult(name, {}, seeds) for name, seeds in heads.items()]
    >>> rival_of(losses, 1), rival_of(losses[:2], 1), rival_of(losses[:1], 0)
    (2, 0, None)
    """
    others = [i for i, loss in enumerate(losses) if i != chosen and loss.kept is not None]
    plain = [i for i in others if losses[i].name == "ce"]
    if plain or not others:
        return plain[0] if plain else None
    return others[chosen_of([losses[i] for i in others])]


def best_of(losses: Sequence[LossResult], metric: str, *, after: bool) -> int | None:
    """Index of the loss with the best mean of a metric, the first one if tied; None if no loss has it."""
    means = [loss.mean(metric, after=after) for loss in losses]
    sign = -1.0 if metric in OVERLAP or METRICS[metric].better == "higher" else 1.0
    return min(
        (i for i, mean in enumerate(means) if mean is not None), key=lambda i: sign * (means[i] or 0.0), default=None
    )


def _table(whole: Place) -> Finetuned:
    """The table in a document, which names the chosen loss."""
    losses: tuple[LossResult, ...] = read_as(whole["losses"], tuple[LossResult, ...])
    for loss in whole["losses"].each(lambda place: place):
        for seed in loss["seeds"].each(lambda place: place):
            _check_seed(seed)
    deployed = whole.get("deployed")
    if deployed is not None and deployed.value is not None:
        read_as(deployed, DeployedHead)  # of the right types, before their bounds are checked
        _check_seed(deployed)
    names = [loss.name for loss in losses]
    chosen = names.index(whole["chosen"].one_of(names))
    return read_record(whole, Finetuned, losses=losses, chosen=chosen)


def _check_seed(seed: Place) -> None:
    """Check that metrics lie within their bounds, and that the temperature is positive.

    Raises: Wrong.
    """
    temperature = seed.get("temperature")
    if temperature is not None and temperature.value is not None and not 0 < temperature.value <= LARGEST:
        temperature.refuse("a positive number")
    overlap = seed.get("overlap")
    for place in () if overlap is None or overlap.value is None else [one for _, one in overlap.items()]:
        if place.value is not None and not -ROUNDING <= place.value <= 1.0 + ROUNDING:
            place.refuse("a number from 0 to 1")
    for when in ("before", "after"):
        for name, place in seed[when].items():
            spec = METRICS.get(name)
            least, most = (-LARGEST, LARGEST) if spec is None else (spec.least, spec.most or LARGEST)
            if place.value is not None and not least - ROUNDING <= place.value <= most + ROUNDING:
                place.refuse(f"a number from {least:g} to {most:g}")


def overlap_values(block: PerImage | None) -> dict[str, float | None] | None:
    """Dice and IoU of the images of a report; None for other rows."""
    if block is None:
        return None
    both = {name: block.numbers[name] for name in ("dice", "iou")}
    return {
        name: both[rest].mean if prefix else both[rest].pooled
        for name in OVERLAP
        for prefix, _, rest in [name.rpartition(".")]
    }


def metric_values(metrics: Mapping[str, MetricResult]) -> dict[str, float | None]:
    """The values of the shown metrics from the results of a report; None for a missing metric."""
    return {name: metrics[name].value if name in metrics else None for name in SHOWN}
