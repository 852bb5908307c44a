"""Training several heads together: each epoch reads the features once and never waits for the device in between."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from calibeval.training.head_losses import HeadLosses
from calibeval.training.heads import Heads, Layer
from calibeval.training.saved import TrainingState, check_finite, check_tensors, damaged, read_state, shaped
from calibeval.training.settings import AFTER, LAST, TrainingSettings
from calibeval.training.spec import LossSpec
from calibeval.training.split import Batch, Split
from calibeval.training.validation import Validation, Validator

MOST_STEPS = 2**24  # that an optimizer counts, in float32


@dataclass(frozen=True, slots=True)
class Recipe:
    """One head to be trained: its loss, its initial learning rate, and its weight decay."""

    loss: LossSpec
    rate: float
    decay: float


@dataclass(frozen=True, slots=True)
class Epoch:
    """The results of one epoch for every recipe: mean training loss and validation scores; inf if it diverged.

    number: of the epoch, from 1. running: whether each recipe may still improve.
    """

    number: int
    losses: tuple[float, ...]
    validation: Validation
    running: tuple[bool, ...]


class Training:
    """The training of c heads; call `epoch()` until `done`.

    Everything depends only on the arguments and the number of the epoch, so that a training that was stopped and
    restored from its `state()` ends with the same weights.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        recipes: Sequence[Recipe],
        train: Split,
        val: Split,
        settings: TrainingSettings,
        seed: int,
    ) -> None:
        self._train, self._settings, self._seed = train, settings, seed
        self.recipes = tuple(recipes)
        self._heads = Heads(layers, torch.bfloat16 if settings.amp else None)
        first = self._heads.layers[0].weight
        self._head_losses = HeadLosses([c.loss for c in recipes], self._heads.classes, first.device, first.dtype)
        self._optimizer = self._heads.optimizer(
            settings.optimizer, [c.rate for c in recipes], [c.decay for c in recipes]
        )
        self._rates = [group["lr"] for group in self._optimizer.param_groups]
        self._validator = Validator(val, self._heads.count)
        self._best = self._heads.copy()
        self._best_scores = [math.inf] * self._heads.count
        self._best_epochs = [0] * self._heads.count
        self._diverged = [0] * self._heads.count
        self._epochs = 0

    @property
    def best(self) -> list[Layer]:
        """The parameters of every head after its best epoch."""
        return self._best

    @property
    def best_scores(self) -> list[float]:
        """The validation score of each head's best epoch; inf if there is none."""
        return self._best_scores

    @property
    def best_epochs(self) -> list[int]:
        """The number of each head's best epoch, from 1; 0 if every epoch diverged."""
        return self._best_epochs

    @property
    def diverged(self) -> list[int]:
        """The first epoch, from 1, after which a head's validation score was not finite; 0 if there is none."""
        return self._diverged

    @property
    def head_losses(self) -> HeadLosses:
        """The losses, with the current multipliers."""
        return self._head_losses

    @property
    def done(self) -> bool:
        """Whether the training is over."""
        return self._epochs >= self._settings.epochs or not any(self._running(self._epochs))

    def epoch(self) -> Epoch:
        """One pass over the training rows and one over the validation rows; then the multipliers are updated."""
        losses = self._pass()
        self._epochs += 1
        validation = self._validator.measure(self._heads, self._head_losses, first=self._epochs == 1)
        self._head_losses.advance()
        self._keep(validation)
        shown = tuple(value if math.isfinite(value) else math.inf for value in losses.tolist())
        return Epoch(self._epochs, shown, validation, tuple(self._running(self._epochs)))

    def _pass(self) -> Tensor:
        """Run the steps of one epoch; return the mean training loss of each recipe."""
        settings, train, heads = self._settings, self._train, self._heads
        rng = np.random.default_rng((self._seed, self._epochs))
        order = torch.from_numpy(rng.permutation(train.n)) if settings.shuffle else None
        shares = None
        if settings.mixup:
            shares = torch.from_numpy(rng.beta(settings.mixup, settings.mixup, train.n)).to(train.labels.device)
        steps = -(-train.n // settings.batch_size)
        total = torch.zeros(heads.count, dtype=torch.float64, device=train.labels.device)
        for step, batch in enumerate(train.batches(order, settings.batch_size)):
            self._set_rates(self._epochs * steps + step, settings.epochs * steps)
            share = None if shares is None else shares[step * settings.batch_size :][: len(batch.x)]
            total.add_(self._step(batch, share), alpha=len(batch.x))
        return total / train.n

    def _step(self, batch: Batch, share: Tensor | None) -> Tensor:
        """One step of all heads; return the batch's mean losses. share: each row's part in mixup.

        In mixup, each of the two labels of a mixed row counts by the weight of its own row.
        """
        x, labels, weights = batch
        if share is not None:
            x = torch.lerp(x.roll(1, 0), x, share.to(x.dtype).unsqueeze(1))
        logits, hidden = self._heads.forward(x)
        values, slope = self._head_losses.value_and_slope(logits, labels, _product(share, weights))
        if share is not None:
            rest = _product(1 - share, None if weights is None else weights.roll(1))
            other, other_slope = self._head_losses.value_and_slope(logits, labels.roll(1, 0), rest)
            values, slope = values + other, slope + other_slope
        self._heads.backward(x, hidden, slope)
        if self._settings.clip is not None:
            self._heads.clip(self._settings.clip)
        self._optimizer.step()
        return values

    def _set_rates(self, step: int, steps: int) -> None:
        if self._settings.schedule == "cosine":
            share = 0.5 * (1.0 + math.cos(math.pi * step / steps))
            for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
                group["lr"] = rate * share

    def _running(self, epochs: int) -> list[bool]:
        """Which recipes may still improve after `epochs` epochs."""
        patience = self._settings.patience
        if self._settings.select == LAST:
            return [True] * self._heads.count
        return [
            not diverged and (patience is None or epochs - best < patience)
            for best, diverged in zip(self._best_epochs, self._diverged, strict=True)
        ]

    def _keep(self, validation: Validation) -> None:
        """Keep the heads whose validation score improved, except those that had already stopped."""
        select = self._settings.select
        scores = validation.nll_after if select == AFTER else validation.nll
        better = []
        for i, (score, ran) in enumerate(zip(scores, self._running(self._epochs - 1), strict=True)):
            better.append(ran and (select == LAST or score < self._best_scores[i]))
            if better[i]:
                self._best_scores[i], self._best_epochs[i] = score, self._epochs
            if ran and math.isinf(score) and not self._diverged[i]:
                self._diverged[i] = self._epochs
        for kept, layer in zip(self._best, self._heads.layers, strict=True):
            for best, now in zip(kept, layer, strict=True):
                mask = torch.tensor(better, device=now.device).view(-1, *[1] * (now.ndim - 1))
                torch.where(mask, now, best, out=best)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that the rest of the training depends on: tensors, and plain values."""
        tensors = {f"objective.{name}": value for name, value in self._head_losses.state().items()}
        for kind, layers in (("now", self._heads.layers), ("best", self._best)):
            for i, layer in enumerate(layers):
                tensors |= {f"{kind}.{i}.weight": layer.weight, f"{kind}.{i}.bias": layer.bias}
        for place, parts in self._optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{place}.{name}": value for name, value in parts.items() if value is not None}
        tensors["validator"] = self._validator.start
        scores = [finite(score) for score in self._best_scores]
        plain = {
            "epochs": self._epochs,
            "best_scores": scores,
            "best_epochs": list(self._best_epochs),
            "diverged": list(self._diverged),
        }
        return {name: value.detach() for name, value in tensors.items()}, plain

    def restore(self, tensors: dict[str, Tensor], plain: Mapping[str, Any]) -> None:
        """Continue from the `state()` of a training with the same arguments.

        Raises: InputError if it cannot be such a state.
        """
        state = read_state(plain, TrainingState)
        state.check(self._settings.epochs, self._heads.count)
        check_tensors(tensors, {**self.state()[0], **self._moments()})
        self._epochs = state.epochs
        self._best_scores = [score_from(score) for score in state.best_scores]
        self._best_epochs, self._diverged = list(state.best_epochs), list(state.diverged)
        self._check(tensors)
        for kind, layers in (("now", self._heads.layers), ("best", self._best)):
            for i, layer in enumerate(layers):
                layer.weight.copy_(tensors[f"{kind}.{i}.weight"])
                layer.bias.copy_(tensors[f"{kind}.{i}.bias"])
        moved: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("optimizer."):
                _, place, part = name.split(".")
                moved.setdefault(int(place), {})[part] = value
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": moved, "param_groups": groups})
        self._head_losses.restore(below(tensors, "objective."))
        self._validator.start.copy_(tensors["validator"])

    def _moments(self) -> dict[str, Tensor]:
        """What the optimizer remembers after a step, by name; of the tensors, shape and type count."""
        leaves = [leaf for group in self._optimizer.param_groups for leaf in group["params"]]
        names = ("momentum_buffer",) if self._settings.optimizer == "sgd" else ("exp_avg", "exp_avg_sq")
        found = {f"optimizer.{i}.{name}": leaf for i, leaf in enumerate(leaves) for name in names}
        if self._settings.optimizer != "sgd":
            found |= {f"optimizer.{i}.step": shaped((), torch.float32) for i in range(len(leaves))}
        return found

    def _check(self, tensors: dict[str, Tensor]) -> None:
        """Check that the values of the tensors are such as this number of epochs leaves.

        Raises: InputError.
        """
        steps = min(self._epochs * -(-self._train.n // self._settings.batch_size), MOST_STEPS)
        going, leaves = self._running(self._epochs), 2 * len(self._heads.layers)  # weights and biases of a head
        for name, value in tensors.items():
            kind, _, rest = name.partition(".")
            last = rest.rpartition(".")[2]
            if (last == "step" and value != steps) or (
                kind == "objective" and last == "epoch" and value != self._epochs
            ):
                damaged(f'tensor "{name}" is not that of epoch {self._epochs}')
            if kind == "optimizer" and going[int(rest.partition(".")[0]) // leaves] and value.isnan().any():
                damaged(f'tensor "{name}" holds NaN')
            if kind == "now":
                check_finite("the weights of a head", [value[i] for i, runs in enumerate(going) if runs])
            if kind == "best":
                check_finite(
                    "the weights of a head", [value[i] for i, s in enumerate(self._best_scores) if s < math.inf]
                )
            if kind == "validator" or (kind == "objective" and not any(self._diverged)):
                check_finite(f'the values of "{name}"', [value])


def _product(share: Tensor | None, weights: Tensor | None) -> Tensor | None:
    """How much each row counts; None if all count the same."""
    if share is None or weights is None:
        return weights if share is None else share
    return share * weights


def below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with the prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def finite(score: float) -> float | None:
    """A score for JSON: None for inf."""
    return score if math.isfinite(score) else None


def score_from(score: float | None) -> float:
    """A score from JSON: inf for None."""
    return math.inf if score is None else score
