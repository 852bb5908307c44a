"""The losses of heads that train together: each has parameters, and with CALS or CALS-HR multipliers, of its own."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from calibeval.losses.dice import image_shares
from calibeval.losses.rules import MultiplierRule, Tensors, initial, plus
from calibeval.losses.table import LossEntry
from calibeval.training.spec import LossSpec

MULTIPLIERS = ("lambd", "rho")  # that a loss can have, as they are saved

_Numbers = dict[str, Any]
Counted: TypeAlias = tuple[Tensor, Tensor]  # labels (b,) or (b, k), and how much each counts, (b,)


@dataclass(slots=True)
class _Group:
    """Consecutive heads, from start to stop, whose losses differ only in numeric parameters."""

    specs: list[LossSpec]
    start: int
    parameters: _Numbers
    multipliers: _Multipliers | None

    @property
    def entry(self) -> LossEntry:
        """The entry of the loss in the table."""
        return self.specs[0].entry

    @property
    def stop(self) -> int:
        """The number of the first head that is not in the group any more."""
        return self.start + len(self.specs)


class HeadLosses:
    """The losses of c heads with k classes, from logits (b, c, k).

    After each epoch the multipliers of CALS and CALS-HR change: `observe` takes the held-out logits, in any number of
    pieces, and `advance` computes the multipliers of the next epoch from them.
    """

    def __init__(self, losses: Sequence[LossSpec], k: int, device: torch.device, dtype: torch.dtype) -> None:
        self._groups: list[_Group] = []
        self._device, self._dtype = device, dtype
        start = 0
        for _, group in itertools.groupby(losses, _kind):
            specs = list(group)
            parameters = _numbers(specs, device, dtype)
            rule = specs[0].entry.rule
            multipliers = None if rule is None else _Multipliers(rule, specs, k, device, dtype)
            self._groups.append(_Group(specs, start, parameters, multipliers))
            start += len(specs)

    def value_and_slope(
        self, logits: Tensor, labels: Tensor, share: Tensor | None = None, images: Sequence[int] | None = None
    ) -> tuple[Tensor, Tensor]:
        """The mean losses of the batch, (c,), and their gradients with respect to the logits, (b, c, k).

        labels: class numbers (b,); or soft labels (b, k) of a floating type, if every loss takes them
        (`LossEntry.soft`). share: (b,), the weight of each row; None: all 1. images: the numbers of rows of consecutive
        images; None: all rows are one.
        """
        return _means([self._of_group(group, logits, labels, share, images) for group in self._groups])

    def mixed(self, logits: Tensor, one: Counted, other: Counted) -> tuple[Tensor, Tensor]:
        """The mean losses (c,) of rows that have two labels each, and their gradients, as for `value_and_slope`.

        one, other: labels, and how much each of them counts, (b,). The loss of a row is the sum of the losses of its
        labels; a loss of whole batches sees their sum as a soft label.
        """
        found = []
        for group in self._groups:
            if group.entry.batchwise:
                k = logits.shape[-1]
                found.append(self._of_group(group, logits, _soft(*one, k) + _soft(*other, k), None))
                continue
            values, slope = self._of_group(group, logits, *one)
            more, other_slope = self._of_group(group, logits, *other)
            found.append((values + more, slope + other_slope))
        return _means(found)

    @property
    def imagewise(self) -> bool:
        """Whether a loss is that of whole images."""
        return any(group.entry.imagewise for group in self._groups)

    def observe(self, logits: Tensor, weights: Tensor | None = None) -> None:
        """Add held-out logits (b, c, k). weights: (b,), of the rows; None: all 1."""
        for group in self._groups:
            if group.multipliers is not None:
                group.multipliers.observe(logits[:, group.start : group.stop], weights)

    def advance(self) -> None:
        """End an epoch: compute new multipliers from the observed logits."""
        for group in self._groups:
            if group.multipliers is not None:
                group.multipliers.advance()

    def keep(self, rows: Tensor) -> None:
        """Go on with the losses of the heads of these numbers, which rise, between two epochs."""
        numbers, groups, start = rows.tolist(), [], 0
        for group in self._groups:
            own = [i - group.start for i in numbers if group.start <= i < group.stop]
            if own:
                specs = [group.specs[i] for i in own]
                if group.multipliers is not None:
                    group.multipliers.keep(torch.tensor(own, device=self._device))
                groups.append(_Group(specs, start, _numbers(specs, self._device, self._dtype), group.multipliers))
                start += len(own)
        self._groups = groups

    def multipliers(self) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
        """The lambd and rho of every head, one per class; empty if its loss has none."""
        found: list[tuple[tuple[float, ...], tuple[float, ...]]] = []
        for group in self._groups:
            now = {} if group.multipliers is None else group.multipliers.now
            none = [()] * (group.stop - group.start)
            lambd, rho = (map(tuple, now[name].tolist()) if name in now else none for name in MULTIPLIERS)
            found += zip(lambd, rho, strict=True)
        return found

    def state(self) -> dict[str, Tensor]:
        """All multipliers, by name."""
        return {
            f"{i}.{name}": value
            for i, group in enumerate(self._groups)
            if group.multipliers is not None
            for name, value in group.multipliers.now.items()
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Continue with the multipliers of a `state()`."""
        for i, group in enumerate(self._groups):
            if group.multipliers is not None:
                group.multipliers.now = {
                    name: state[f"{i}.{name}"].to(value.device) for name, value in group.multipliers.now.items()
                }

    def _of_group(
        self,
        group: _Group,
        logits: Tensor,
        labels: Tensor,
        share: Tensor | None,
        images: Sequence[int] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Losses (b, g) and gradients (b, g, k) of the group's heads, times how much the labels count, if not all 1."""
        parameters = group.parameters if group.multipliers is None else group.multipliers.parameters()
        if group.entry.batchwise:
            parameters = {**parameters, "counts": None if share is None else share.unsqueeze(1), "batch": (0,)}
        part = logits if len(self._groups) == 1 else logits[:, group.start : group.stop]
        if group.entry.imagewise and images is not None:
            return _of_images(group.entry, part, labels, share, images, parameters)
        terms, slope = group.entry.gradient(part, labels.unsqueeze(1), **parameters)
        if share is None:
            return terms.total, slope
        return terms.total * share.unsqueeze(1), slope * share.to(slope.dtype).view(-1, 1, 1)


def _of_images(
    entry: LossEntry,
    logits: Tensor,
    labels: Tensor,
    share: Tensor | None,
    images: Sequence[int],
    parameters: _Numbers,
) -> tuple[Tensor, Tensor]:
    """Losses and gradients as in `HeadLosses`, image by image; every image counts alike."""
    weights = torch.ones_like(labels[..., 0] if labels.ndim > 1 else labels, dtype=logits.dtype)
    weights = weights if share is None else share.to(logits.dtype)
    sizes = [*images]
    each = list(zip(logits.split(sizes), labels.split(sizes), weights.split(sizes), strict=True))
    factors = image_shares(torch.stack([own.sum() for _, _, own in each]))
    found = []
    for (part, given, own), factor in zip(each, factors, strict=True):
        more = {**parameters, "dice": parameters["dice"] * factor, "counts": own.unsqueeze(1), "batch": (0,)}
        terms, slope = entry.gradient(part, given.unsqueeze(1), **more)
        found.append((terms.total * own.unsqueeze(1), slope * own.view(-1, 1, 1)))
    values, slopes = zip(*found, strict=True)
    return torch.cat(values), torch.cat(slopes)


def _means(found: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """The mean losses (c,) of all groups, and their gradients (b, c, k), from those of the rows."""
    values, slope = found[0] if len(found) == 1 else (torch.cat(parts, dim=1) for parts in zip(*found, strict=True))
    return values.mean(dim=0), slope.mul_(1.0 / len(slope))


def _soft(labels: Tensor, share: Tensor, k: int) -> Tensor:
    """Labels as soft labels, (b, k), whose sums are how much they count."""
    soft = labels if labels.is_floating_point() else torch.nn.functional.one_hot(labels, k)
    return soft * share.unsqueeze(1)


class _Multipliers:
    """The multipliers of g heads that share how these change."""

    def __init__(
        self, rule: type[MultiplierRule], specs: Sequence[LossSpec], k: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        every = [spec.to_dict() for spec in specs]
        self._margin = torch.tensor([one["margin"] for one in every], device=device, dtype=dtype)
        self._rule = rule.of(every[0])
        self.now = self._rule.begin(
            {
                name: torch.tensor([initial(one, name) for one in every], device=device, dtype=dtype)
                .unsqueeze(1)
                .repeat(1, k)
                for name in self._rule.multipliers
            }
        )
        self._seen: Tensors | None = None

    def parameters(self) -> _Numbers:
        """The arguments of the loss."""
        return {"margin": self._margin, **{name: self.now[name] for name in self._rule.multipliers}, **self._rule.fixed}

    def observe(self, logits: Tensor, weights: Tensor | None) -> None:
        """Add held-out logits (b, g, k) with their weights (b,)."""
        multipliers = {name: self.now[name].unsqueeze(1) for name in self._rule.multipliers}
        margin, by_head = self._margin.unsqueeze(1), logits.transpose(0, 1)
        sums = self._rule.sums(by_head, weights=weights, margin=margin, multipliers=multipliers)
        self._seen = sums if self._seen is None else plus(self._seen, sums)

    def keep(self, rows: Tensor) -> None:
        """Go on with the heads of these numbers."""
        self._margin = self._margin.index_select(0, rows)
        self.now = {name: x.index_select(0, rows) if x.ndim else x for name, x in self.now.items()}

    def advance(self) -> None:
        """Compute the multipliers of the next epoch; a head that has diverged keeps its own."""
        if self._seen is None:
            return
        found, self._seen = self._rule.next(self.now, self._seen), None
        finite = torch.stack([value.isfinite().all(-1) for value in found.values() if value.ndim]).all(0).unsqueeze(-1)
        self.now = {name: torch.where(finite, x, self.now[name]) if x.ndim else x for name, x in found.items()}


def multiplier_counts(loss: LossSpec, k: int) -> list[int]:
    """How many numbers the lambd and the rho of a head have: one for each class, or none."""
    there = () if loss.entry.rule is None else loss.entry.rule.multipliers
    return [k if name in there else 0 for name in MULTIPLIERS]


def _kind(spec: LossSpec) -> tuple[Any, ...]:
    """What heads must share to be computed together: the loss, its text parameters, and the multiplier schedule."""
    every = spec.to_dict()
    shared = () if spec.entry.rule is None else spec.entry.rule.shared
    words = [value for value in every.values() if isinstance(value, str | bool)]
    return (spec.name, *words, *(every[name] for name in shared))


def _numbers(specs: Sequence[LossSpec], device: torch.device, dtype: torch.dtype) -> _Numbers:
    """The parameters of losses of one kind: texts as they are, numbers as tensors (g,), or as a number if all agree."""
    found: _Numbers = {}
    for name in specs[0].to_dict():
        values = [spec[name] for spec in specs] if name != "loss" else []
        if not values:
            continue
        if isinstance(values[0], str | bool) or values[0] is None or len(set(values)) == 1:
            found[name] = values[0]
        else:
            found[name] = torch.tensor(values, device=device, dtype=dtype)
    return found
