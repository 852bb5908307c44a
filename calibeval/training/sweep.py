"""All trainings of a command: trials for every loss, then the chosen recipe of each loss with every seed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from calibeval.core.heads.layers import PlainLayer
from calibeval.training.head_losses import multiplier_counts
from calibeval.training.heads import Layer, new_heads
from calibeval.training.recipe import Epoch, Recipe
from calibeval.training.saved import (
    SweepState,
    TrainedState,
    below,
    check_finite,
    check_tensors,
    damaged,
    finite,
    read_state,
    score_from,
    shaped,
)
from calibeval.training.search import recipes
from calibeval.training.settings import OPTIMIZERS, TrainingSettings, usual_rate
from calibeval.training.spec import LossSpec
from calibeval.training.split import Split
from calibeval.training.trainer import Training

STACK_WEIGHTS = 2**25  # the most weights of heads that train together; more heads train in several stages


@dataclass(frozen=True, slots=True)
class Task:
    """What is trained, and on which data.

    sizes: (d, k), or (d, h, k) for a hidden layer. start: a head to continue from, on standardised features, or None.
    rate, decay: of every head without trials; None: `usual_rate`, and the default of the optimizer (OPTIMIZERS).
    trials: number of recipes tried for each loss; 0: none. seeds: every loss is trained once with each.
    """

    train: Split
    val: Split
    sizes: tuple[int, ...]
    losses: tuple[LossSpec, ...]
    settings: TrainingSettings
    start: tuple[PlainLayer, ...] | None = None
    rate: float | None = None
    decay: float | None = None
    trials: int = 0
    seeds: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Stage:
    """Heads that train together. seed: of the initial weights and the order of rows. trial: whether they are trials.

    rivals: for every trial, the number of its loss; the worse half of each loss stops early.
    """

    recipes: tuple[Recipe, ...]
    seed: int
    trial: bool
    rivals: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Trained:
    """A recipe after its training: the validation score and number of its best epoch, and its weights, if kept.

    epoch: 0 if every epoch diverged. diverged: the first epoch whose validation score was not finite, 0 for none.
    layers: a stack of a single head, on the CPU; empty for trials. multipliers: the final lambd and rho, each
    empty if the loss has none. further: the score that going on would give (`further_scores`); inf for none.
    """

    recipe: Recipe
    seed: int
    score: float
    epoch: int
    diverged: int = 0
    layers: tuple[Layer, ...] = ()
    multipliers: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    further: float = math.inf


@dataclass(frozen=True, slots=True)
class StageEpoch:
    """One epoch of one stage. number, stages: of the stage, and of all stages; epochs: the most that it can have."""

    stage: Stage
    epoch: Epoch
    number: int
    stages: int
    epochs: int


@dataclass(slots=True)
class Sweep:
    """All stages of a task; call `step()`, which trains one epoch, until `done`. `restore` continues a `state()`."""

    task: Task
    trained: list[Trained] = field(default_factory=list)
    _finished: int = 0
    _training: Training | None = None

    @property
    def stages(self) -> list[Stage]:
        """The stages known so far: the trials and, once these are finished, the trainings of the chosen recipes."""
        task = self.task
        trials = [c for loss in task.losses for c in recipes(loss, task.trials, task.settings.optimizer)]
        size = self._stack_size()
        stages = [
            Stage(stack, task.seeds[0], True, tuple((i * size + j) // task.trials for j in range(len(stack))))
            for i, stack in enumerate(self._stacks(trials))
        ]
        if self._finished >= len(stages):
            chosen = [self.chosen(loss) for loss in task.losses]
            stages += [Stage(stack, seed, False) for seed in task.seeds for stack in self._stacks(chosen)]
        return stages

    def chosen(self, loss: LossSpec) -> Recipe:
        """The recipe that the trials chose for a loss; without trials, the loss with the rate and decay of the task."""
        task = self.task
        if not task.trials:
            usual = OPTIMIZERS[task.settings.optimizer]
            rate = usual_rate(task.settings.optimizer, task.sizes, new=task.start is None)
            decay = usual.decay if task.decay is None else task.decay
            return Recipe(loss, rate if task.rate is None else task.rate, decay)
        place = task.losses.index(loss) * task.trials
        return min(self.trained[place : place + task.trials], key=lambda trained: trained.score).recipe

    @property
    def work(self) -> int:
        """Number of multiplications for one batch in the largest stack."""
        heads, rows, train = (
            len(self.task.losses) * max(1, self.task.trials),
            self.task.settings.batch_size,
            self.task.train,
        )
        if train.whole(self.task.losses):
            rows *= max(train.images or (1,))
        return rows * self._weights() * min(self._stack_size(), heads)

    @property
    def stage_count(self) -> int:
        """The total number of stages."""
        losses, size = len(self.task.losses), self._stack_size()
        return -(-losses * self.task.trials // size) + len(self.task.seeds) * -(-losses // size)

    @property
    def done(self) -> bool:
        """Whether everything is trained."""
        return self._finished == self.stage_count

    @property
    def heads(self) -> list[Trained]:
        """The trained heads: for each seed, every loss in its order."""
        return [trained for trained in self.trained if trained.layers]

    def step(self) -> StageEpoch:
        """Train one epoch of the current stage."""
        stages = self.stages
        stage = stages[self._finished]
        training = self._training or self._begin(stage)
        self._training = training
        epoch = training.epoch()
        done = StageEpoch(stage, epoch, self._finished + 1, self.stage_count, self.task.settings.epochs)
        if training.done:
            self._finish(stage, training)
        return done

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and plain values from which `restore` continues to the same result."""
        tensors: dict[str, Tensor] = {}
        records = []
        for i, trained in enumerate(self.trained):
            for j, layer in enumerate(trained.layers):
                tensors |= {f"trained.{i}.{j}.weight": layer.weight, f"trained.{i}.{j}.bias": layer.bias}
            record = {name: getattr(trained, name) for name in ("epoch", "diverged", "multipliers")}
            records.append({"score": finite(trained.score), "further": finite(trained.further), **record})
        plain: dict[str, Any] = {"finished": self._finished, "trained": records, "training": None}
        if self._training is not None:
            now, plain["training"] = self._training.state()
            tensors |= {f"training.{name}": value for name, value in now.items()}
        return tensors, plain

    def restore(self, tensors: dict[str, Tensor], plain: Mapping[str, Any]) -> None:
        """Continue from the `state()` of a sweep over the same task.

        Raises: InputError if it cannot be such a state.
        """
        state = read_state(plain, SweepState)
        if state.finished > self.stage_count:
            damaged(f"{state.finished} stages are finished, but there are {self.stage_count}")
        self.trained, self._finished, used = [], 0, 0
        while self._finished < state.finished:
            stage = self.stages[self._finished]
            if len(state.trained) < len(self.trained) + len(stage.recipes):
                damaged(f"it holds {len(state.trained)} trained heads, but more are finished")
            for recipe in stage.recipes:
                i = len(self.trained)
                own = below(tensors, f"trained.{i}.")
                self.trained.append(self._restored(recipe, stage, state.trained[i], own))
                used += len(own)
            self._finished += 1
        now = below(tensors, "training.")
        if len(state.trained) > len(self.trained) or len(tensors) > used + len(now):
            damaged("it holds more than belongs to it")
        if state.training is None:
            check_tensors(now, {})
        elif self.done:
            damaged("a training is under way, but all are finished")
        else:
            self._training = self._begin(self.stages[self._finished])
            self._training.restore(now, state.training)
            if self._training.done:
                damaged("a training is at its end, but not finished")

    def _restored(self, recipe: Recipe, stage: Stage, record: TrainedState, own: dict[str, Tensor]) -> Trained:
        """A head that was trained. own: its tensors, by layer."""
        task, count = self.task, 0 if stage.trial else len(self.task.sizes) - 1
        record.check(task.settings.epochs, multiplier_counts(recipe.loss, task.sizes[-1]))
        dtype = task.train.span(0, 1).dtype
        pairs = list(itertools.pairwise(task.sizes))[:count]
        needed = {f"{j}.weight": shaped((1, b, a), dtype) for j, (a, b) in enumerate(pairs)}
        check_tensors(own, needed | {f"{j}.bias": shaped((1, b), dtype) for j, (_, b) in enumerate(pairs)})
        if record.score is not None:
            check_finite("the weights of a head", [*own.values()])
        layers = tuple(Layer(own[f"{j}.weight"], own[f"{j}.bias"]) for j in range(count))
        lambd, rho = record.multipliers
        score = score_from(record.score)
        further = score_from(record.further)
        return Trained(recipe, stage.seed, score, record.epoch, record.diverged, layers, (lambd, rho), further)

    def _begin(self, stage: Stage) -> Training:
        task, count = self.task, len(stage.recipes)
        if task.start is None:
            layers = new_heads(count, task.sizes, torch.Generator().manual_seed(stage.seed))
        else:
            layers = [
                Layer(*(torch.as_tensor(part).repeat(count, *[1] * part.ndim) for part in layer))
                for layer in task.start
            ]
        device, dtype = task.train.labels.device, task.train.span(0, 1).dtype
        placed = [Layer(*(part.to(device, dtype) for part in layer)) for layer in layers]
        settings, rivals = task.settings, stage.rivals
        return Training(placed, stage.recipes, task.train, task.val, settings, stage.seed, rivals=rivals)

    def _finish(self, stage: Stage, training: Training) -> None:
        multipliers = training.multipliers()
        further = [math.inf] * len(stage.recipes) if stage.trial else training.further_scores()
        for i, recipe in enumerate(stage.recipes):
            kept = () if stage.trial else tuple(Layer(*(p[i : i + 1].cpu() for p in layer)) for layer in training.best)
            score, epoch, diverged = training.best_scores[i], training.best_epochs[i], training.diverged[i]
            trained = Trained(recipe, stage.seed, score, epoch, diverged, kept, multipliers[i], further[i])
            self.trained.append(trained)
        self._finished += 1
        self._training = None

    def _stacks(self, every: Sequence[Recipe]) -> list[tuple[Recipe, ...]]:
        """The recipes in stacks that are not too large."""
        size = self._stack_size()
        return [tuple(every[i : i + size]) for i in range(0, len(every), size)]

    def _stack_size(self) -> int:
        return max(1, STACK_WEIGHTS // self._weights())

    def _weights(self) -> int:
        """Number of weights of one head."""
        return sum(a * b for a, b in zip(self.task.sizes[:-1], self.task.sizes[1:], strict=True))
