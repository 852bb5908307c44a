"""Training several heads together: each epoch reads the features once and never waits for the device in between."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
import torch
from torch import Tensor

from calibeval.core.heads.tuning import halving_epoch, worse_halves
from calibeval.training.further import further_scores
from calibeval.training.head_losses import HeadLosses, multiplier_counts
from calibeval.training.heads import Heads, Layer, taken
from calibeval.training.mixup import mixed_losses, mixed_rows
from calibeval.training.recipe import Epoch, Recipe
from calibeval.training.replay import Replayed
from calibeval.training.saved import (
    TrainingState,
    below,
    check_tensors,
    check_values,
    damaged,
    finite,
    read_state,
    score_from,
)
from calibeval.training.settings import AFTER, LAST, TrainingSettings
from calibeval.training.split import Split
from calibeval.training.steps import Steps
from calibeval.training.validation import Validation, Validator

Multipliers = tuple[tuple[float, ...], tuple[float, ...]]


class Training:
    """The training of c heads; call `epoch()` until `done`.

    Everything depends only on the arguments and the number of the epoch, so that a training that was stopped and
    restored from its `state()` ends with the same weights. rivals: a number for each head; of those with the same
    number, the worse half stops after some epochs (`halving_epoch`).
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        recipes: Sequence[Recipe],
        train: Split,
        val: Split,
        settings: TrainingSettings,
        seed: int,
        *,
        rivals: Sequence[int] = (),
    ) -> None:
        self._train, self._settings, self._seed = train, settings, seed
        self.recipes = tuple(recipes)
        self._whole = train.whole([c.loss for c in recipes])
        self._heads = Heads(layers, torch.bfloat16 if settings.amp else None)
        first = self._heads.layers[0].weight
        self._head_losses = HeadLosses([c.loss for c in recipes], self._heads.classes, first.device, first.dtype)
        self._optimizer = Steps(settings.optimizer, self._heads, [c.rate for c in recipes], [c.decay for c in recipes])
        self._validator = Validator(val, self._heads.count)
        self._best = self._heads.copy()
        self._best_scores = [math.inf] * len(recipes)
        self._best_epochs = [0] * len(recipes)
        self._diverged = [0] * len(recipes)
        self._rivals, self._halving = tuple(rivals), halving_epoch(settings.epochs) if rivals else 0
        self._places = list(range(len(recipes)))  # of the heads that are still trained
        self._left: list[Multipliers | None] = [None] * len(recipes)
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

    def multipliers(self) -> list[Multipliers]:
        """The lambd and rho of every head, one per class; both empty if its loss has none."""
        now = dict(zip(self._places, self._head_losses.multipliers(), strict=True))
        return [now[i] if left is None else left for i, left in enumerate(self._left)]

    @property
    def done(self) -> bool:
        """Whether the training is over."""
        return self._epochs >= self._settings.epochs or not any(self._running(self._epochs))

    def epoch(self) -> Epoch:
        """One pass over the training rows and one over the validation rows; then the multipliers are updated."""
        losses = self._pass()
        self._epochs += 1
        measured = self._validator.measure(self._heads, self._head_losses, first=self._epochs == 1)
        self._head_losses.advance()
        shown = [value if math.isfinite(value) else math.inf for value in losses.tolist()]
        validation = Validation(*(self._of_all(values) for values in astuple(measured)))
        epoch_losses = self._of_all(shown)
        self._keep(validation)
        self._leave()
        return Epoch(self._epochs, epoch_losses, validation, tuple(self._running(self._epochs)))

    def further_scores(self) -> list[float]:
        """The scores that going on would give the heads that were still trained in the end; inf for the others.

        Those of heads whose best epoch was long before the end are inf, too.
        """
        found = [math.inf] * len(self.recipes)
        if self._settings.select != LAST:
            now = further_scores(
                self._heads, self._head_losses, self._optimizer, self._train, self._validator.val,
                select=self._settings.select,
            )  # fmt: skip
            for place, score in zip(self._places, now, strict=True):
                if self._epochs - self._best_epochs[place] <= self._epochs // 4:
                    found[place] = score
        return found

    def _of_all(self, values: Sequence[float]) -> tuple[float, ...]:
        """The values of the heads that are trained, and inf for the others."""
        found = [math.inf] * len(self.recipes)
        for place, value in zip(self._places, values, strict=True):
            found[place] = value
        return tuple(found)

    def _leave(self) -> None:
        """Take the heads that have stopped out of the stack, so that no more work is done for them."""
        running = self._running(self._epochs)
        worse = worse_halves(self._rivals, self._best_scores) if self._epochs == self._halving else set()
        going = [i for i in self._places if running[i] and i not in worse]
        if not any(running) or len(going) == len(self._places):
            return
        for place, multipliers in zip(self._places, self._head_losses.multipliers(), strict=True):
            if place not in going:
                self._left[place] = multipliers
        if going:
            self._compact(going)

    def _compact(self, going: list[int]) -> None:
        """Go on with these heads alone."""
        rows = torch.tensor([self._places.index(i) for i in going], device=self._heads.layers[0].weight.device)
        for part in (self._heads, self._optimizer, self._head_losses, self._validator):
            part.keep(rows)
        self._places = going

    def _pass(self) -> Tensor:
        """Run the steps of one epoch; return the mean training loss of each recipe."""
        settings, train, heads = self._settings, self._train, self._heads
        rng = np.random.default_rng((self._seed, self._epochs))
        units = train.units(whole=self._whole)
        order = train.order(rng, whole=self._whole) if settings.shuffle else None
        shares = None
        if settings.mixup:
            shares = torch.from_numpy(rng.beta(settings.mixup, settings.mixup, train.n)).to(train.labels.device)
        steps = -(-units // settings.batch_size)
        total = torch.zeros(heads.count, dtype=torch.float64, device=train.labels.device)
        gradients = Replayed(self._gradients)  # anew in every epoch, after which multipliers lie elsewhere
        batches = train.image_batches if self._whole else train.batches
        for step, batch in enumerate(batches(order, settings.batch_size)):
            rate = self._share_of_rate(self._epochs * steps + step, settings.epochs * steps)
            share = None if shares is None else shares[step * settings.batch_size :][: len(batch.x)]
            inputs = (batch.x, batch.labels, batch.weights, share)
            found = gradients(*inputs) if batch.images is None else self._gradients(*inputs, batch.images)
            total.add_(found, alpha=len(batch.x))
            self._optimizer.step(rate)
        return total / train.n

    def _gradients(
        self,
        x: Tensor,
        labels: Tensor,
        weights: Tensor | None,
        share: Tensor | None,
        images: tuple[int, ...] | None = None,
    ) -> Tensor:
        """Write the gradients of all heads; return the batch's mean losses. share: each row's part in mixup."""
        x = mixed_rows(x, share)
        logits, hidden = self._heads.forward(x)
        if images is None:
            values, slope = mixed_losses(self._head_losses, logits, labels, weights, share)
        else:
            values, slope = self._head_losses.value_and_slope(logits, labels, weights, images)
        self._heads.backward(x, hidden, slope)
        if self._settings.clip is not None:
            self._heads.clip(self._settings.clip)
        return values

    def _share_of_rate(self, step: int, steps: int) -> float:
        return 0.5 * (1.0 + math.cos(math.pi * step / steps)) if self._settings.schedule == "cosine" else 1.0

    def _running(self, epochs: int) -> list[bool]:
        """Which recipes may still improve after `epochs` epochs."""
        patience = self._settings.patience
        if self._settings.select == LAST:
            return [True] * len(self.recipes)
        return [
            left is None and not diverged and (patience is None or epochs - best < patience)
            for best, diverged, left in zip(self._best_epochs, self._diverged, self._left, strict=True)
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
        device = self._heads.layers[0].weight.device
        improved = [(i, place) for i, place in enumerate(self._places) if better[place]]
        if not improved:
            return
        rows, places = torch.tensor(improved, device=device).T
        for kept, layer in zip(self._best, taken(self._heads.layers, rows), strict=True):
            for best, now in zip(kept, layer, strict=True):
                best.index_copy_(0, places, now)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that the rest of the training depends on: tensors, and plain values."""
        tensors = {f"objective.{name}": value for name, value in self._head_losses.state().items()}
        for kind, layers in (("now", self._heads.layers), ("best", self._best)):
            for i, layer in enumerate(layers):
                tensors |= {f"{kind}.{i}.weight": layer.weight, f"{kind}.{i}.bias": layer.bias}
        tensors |= {f"optimizer.{name}": value for name, value in self._optimizer.state().items()}
        tensors["validator"] = self._validator.start
        scores = [finite(score) for score in self._best_scores]
        plain = {
            "epochs": self._epochs,
            "best_scores": scores,
            "best_epochs": list(self._best_epochs),
            "diverged": list(self._diverged),
            "multipliers": [[] if left is None else [list(values) for values in left] for left in self._left],
        }
        return {name: value.detach() for name, value in tensors.items()}, plain

    def restore(self, tensors: dict[str, Tensor], plain: Mapping[str, Any]) -> None:
        """Continue from the `state()` of a training with the same arguments.

        Raises: InputError if it cannot be such a state.
        """
        state = read_state(plain, TrainingState)
        state.check(self._settings.epochs, len(self.recipes))
        self._epochs = state.epochs
        self._best_scores = [score_from(score) for score in state.best_scores]
        self._best_epochs, self._diverged = list(state.best_epochs), list(state.diverged)
        self._restore_places(state.multipliers)
        check_tensors(tensors, self.state()[0])
        whole = [i for i, place in enumerate(self._places) if not self._diverged[place]]
        all_whole = len(whole) == len(self._places)
        check_values(tensors, self._epochs, whole, self._best_scores, all_whole=all_whole)
        for kind, layers in (("now", self._heads.layers), ("best", self._best)):
            for i, layer in enumerate(layers):
                layer.weight.copy_(tensors[f"{kind}.{i}.weight"])
                layer.bias.copy_(tensors[f"{kind}.{i}.bias"])
        self._optimizer.restore(
            below(tensors, "optimizer."),
            self._epochs * -(-self._train.units(whole=self._whole) // self._settings.batch_size),
        )
        self._head_losses.restore(below(tensors, "objective."))
        self._validator.start.copy_(tensors["validator"])

    def _restore_places(self, multipliers: Sequence[Sequence[Sequence[float]]]) -> None:
        """Take the heads out of the stack that had left it. multipliers: of these heads; nothing for the others.

        Raises: InputError unless they are those of the heads that had stopped.
        """
        running = self._running(self._epochs)
        for i, values in enumerate(multipliers):
            counts = multiplier_counts(self.recipes[i].loss, self._heads.classes)
            halved = 0 < self._halving <= self._epochs
            if values and ((running[i] and not halved) or [len(x) for x in values] != counts):
                damaged("a head has the multipliers of another loss")
            if not values and any(running) and not running[i]:
                damaged("a head has stopped, but not left")
            self._left[i] = (tuple(values[0]), tuple(values[1])) if values else None
        going = [i for i, left in enumerate(self._left) if left is None]
        if not going:
            damaged("every head has left")
        if len(going) < len(running):
            self._compact(going)
